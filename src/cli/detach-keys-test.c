/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/detach-keys.h"

#include <errno.h>
#include <string.h>

#include "base/test.h"

static struct detach_keys keys_of(const char *text)
{
	struct detach_keys d;
	struct error err = {};

	assert_int_equal(detach_keys_parse(text, &d, &err), 0);
	return d;
}

static bool type(struct detach_keys *d, const char *typed, struct strbuf *out)
{
	return detach_keys_filter(d, typed, strlen(typed), out);
}

static void keys_are_letters_and_control_characters(void **state)
{
	struct detach_keys d = keys_of("ctrl-p,q,ctrl-[,ctrl-Z");

	(void)state;
	assert_int_equal(d.count, 4);
	assert_memory_equal(d.keys, "\x10q\x1b\x1a", 4);
	assert_int_equal(keys_of("").count, 0);
}

static void bad_keys_are_refused(void **state)
{
	static const char *const bad[] = { "ctrl-", "ctrl-1",
					   "ab",    "ctrl-p,,q",
					   "alt-x", "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a" };
	struct detach_keys d;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error err = {};
		assert_int_equal(detach_keys_parse(bad[i], &d, &err), -EINVAL);
	}
}

static void the_keys_detach_and_are_not_passed_on(void **state)
{
	struct detach_keys d = keys_of(DETACH_KEYS_DEFAULT);
	auto_strbuf out = STRBUF_INIT(4096);

	(void)state;
	assert_false(type(&d, "ab\x10", &out));
	assert_string_equal(strbuf_text(&out), "ab");
	assert_true(type(&d, "\x11tail", &out));
	assert_string_equal(strbuf_text(&out), "ab");
}

static void a_beginning_that_goes_on_otherwise_is_passed_on(void **state)
{
	struct detach_keys d = keys_of(DETACH_KEYS_DEFAULT);
	auto_strbuf out = STRBUF_INIT(4096);

	(void)state;
	assert_false(type(&d, "\x10", &out));
	assert_int_equal(out.len, 0);
	assert_false(type(&d, "x\x10\x10", &out));
	assert_string_equal(strbuf_text(&out), "\x10x\x10");
	assert_true(type(&d, "\x11", &out));
}

static void without_keys_everything_is_passed_on(void **state)
{
	struct detach_keys d = keys_of("");
	auto_strbuf out = STRBUF_INIT(4096);

	(void)state;
	assert_false(type(&d, "\x10\x11", &out));
	assert_string_equal(strbuf_text(&out), "\x10\x11");
}

static void one_key_is_enough(void **state)
{
	struct detach_keys d = keys_of("ctrl-a");
	auto_strbuf out = STRBUF_INIT(4096);

	(void)state;
	assert_false(type(&d, "xyz", &out));
	assert_true(type(&d, "\x01", &out));
	assert_string_equal(strbuf_text(&out), "xyz");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_letters_and_control_characters),
		cmocka_unit_test(bad_keys_are_refused),
		cmocka_unit_test(the_keys_detach_and_are_not_passed_on),
		cmocka_unit_test(a_beginning_that_goes_on_otherwise_is_passed_on),
		cmocka_unit_test(without_keys_everything_is_passed_on),
		cmocka_unit_test(one_key_is_enough),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
