/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include <errno.h>
#include <string.h>

#include "base/base64.h"

/* RFC 4648, section 10 */
static const char *const vectors[][2] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
};

static void the_standards_vectors_hold_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		auto_strbuf text = STRBUF_INIT(64);
		auto_strbuf back = STRBUF_INIT(64);
		base64_encode(vectors[i][0], strlen(vectors[i][0]), &text);
		assert_string_equal(strbuf_text(&text), vectors[i][1]);
		assert_int_equal(base64_decode(strbuf_text(&text), text.len, &back), 0);
		assert_string_equal(strbuf_text(&back), vectors[i][0]);
	}
}

static void every_byte_survives_the_url_alphabet(void **state)
{
	(void)state;
	unsigned char all[256];
	auto_strbuf text = STRBUF_INIT(1024);
	auto_strbuf back = STRBUF_INIT(1024);

	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (unsigned char)i;
	base64_encode_url(all, sizeof(all), &text);
	assert_null(strpbrk(strbuf_text(&text), "+/"));
	assert_int_equal(base64_decode(strbuf_text(&text), text.len, &back), 0);
	assert_int_equal(back.len, sizeof(all));
	assert_memory_equal(back.data, all, sizeof(all));
}

static void padding_may_be_left_out(void **state)
{
	(void)state;
	auto_strbuf back = STRBUF_INIT(64);

	assert_int_equal(base64_decode("Zm9vYg", 6, &back), 0);
	assert_string_equal(strbuf_text(&back), "foob");
}

static void what_is_no_base_64_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "Z",     "Zg=",   "Zg===", "Z===", "Zm9v\n",
					   "Zm 9v", "Zm9vY", "Zh==",  "====", "Z=g=" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		auto_strbuf back = STRBUF_INIT(64);
		assert_int_equal(base64_decode(bad[i], strlen(bad[i]), &back), -EBADMSG);
	}
}

static void more_than_the_cap_is_refused(void **state)
{
	(void)state;
	auto_strbuf back = STRBUF_INIT(5);

	assert_int_equal(base64_decode("Zm9vYmFy", 8, &back), -EFBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_standards_vectors_hold_both_ways),
		cmocka_unit_test(every_byte_survives_the_url_alphabet),
		cmocka_unit_test(padding_may_be_left_out),
		cmocka_unit_test(what_is_no_base_64_is_refused),
		cmocka_unit_test(more_than_the_cap_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
