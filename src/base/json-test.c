/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <errno.h>
#include <string.h>

#include "base/test.h"

static int parse(const char *text, struct json_object **ret, struct error *err)
{
	return json_parse(text, strlen(text), 4096, "test", ret, err);
}

static void a_document_is_read_and_written_back(void **state)
{
	(void)state;
	static const char text[] =
		"{\"path\":\"/bin/sh\",\"n\":18446744073709551615,\"list\":[\"a\",\"b\"]}";
	auto_json *o = NULL;
	struct error err = {};

	assert_int_equal(parse(text, &o, &err), 0);
	auto_free char *out = json_text(o);
	assert_string_equal(out, text);

	uint64_t n = 0;
	assert_int_equal(json_get_uint(o, "n", &n, &err), 0);
	assert_true(n == UINT64_MAX);
	auto_strv list = {};
	assert_int_equal(json_get_strings(o, "list", &list, &err), 0);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[1], "b");
}

static void what_two_readers_could_read_differently_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"{\"a\":1}x",
		"{\"a\":1,\"a\":2}",
		"{\"a\":1,\"\\u0061\":2}",
		"{\"x\":{\"b\":1,\"b\":1}}",
		"{'a':1}",
		"[1,]",
		"{\"a\":1,}",
		"[01]",
		"/* c */ {}",
		"{\"a\":\"x\\u0000y\"}",
		"{\"a\":\"\xff\"}",
		"[NaN]",
		"[nan]",
		"[Infinity]",
		"[-Infinity]",
		"[True]",
		"{\"a\"",
		"\"no end",
		"{\"a\":\"\\q\"}",
		"",
		"null",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		auto_json *o = NULL;
		struct error err = {};
		if (parse(bad[i], &o, &err) != -EBADMSG)
			fail_msg("accepted: %s", bad[i]);
		assert_non_null(strstr(err.text, "parse test"));
		assert_null(o);
	}
}

static void the_same_key_in_different_objects_is_fine(void **state)
{
	(void)state;
	auto_json *o = NULL;
	struct error err = {};

	assert_int_equal(parse("[{\"a\":\"a\"},{\"a\":{\"a\":[\"a\",\"a\"]}}]", &o, &err), 0);
}

static void depth_and_size_are_capped(void **state)
{
	(void)state;
	char deep[2 * (JSON_DEPTH_MAX + 1) + 1];
	struct error err = {};

	memset(deep, '[', JSON_DEPTH_MAX + 1);
	memset(deep + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	deep[sizeof(deep) - 1] = '\0';
	auto_json *o = NULL;
	assert_int_equal(parse(deep, &o, &err), -EBADMSG);
	/* its twin, one level less */
	assert_int_equal(json_parse(deep + 1, sizeof(deep) - 3, 4096, "test", &o, &err), 0);

	auto_json *small = NULL;
	assert_int_equal(json_parse("[1,2]", 5, 4, "test", &small, &err), -EFBIG);
	assert_int_equal(json_parse("[1,2]", 5, 5, "test", &small, &err), 0);
}

static void a_getter_checks_the_type_and_leaves_what_is_missing(void **state)
{
	(void)state;
	auto_json *o = NULL;
	struct error err = {};
	int64_t n = 7;
	const char *s = "kept";

	assert_int_equal(
		parse("{\"n\":\"1\",\"s\":null,\"neg\":-1,\"big\":9223372036854775808}", &o, &err),
		0);
	assert_int_equal(json_get_int(o, "n", &n, &err), -EBADMSG);
	assert_int_equal(json_get_int(o, "big", &n, &err), -EBADMSG);
	assert_int_equal(json_get_string(o, "s", &s, &err), 0);
	assert_int_equal(json_get_int(o, "missing", &n, &err), 0);
	assert_int_equal(n, 7);
	assert_string_equal(s, "kept");
	uint64_t u = 7;
	assert_int_equal(json_get_uint(o, "neg", &u, &err), -EBADMSG);
	assert_int_equal(u, 7);
}

static void characters_of_every_length_come_back(void **state)
{
	static const char text[] = "{\"\xc3\xa4\":\"\xc3\xbf \xe2\x82\xac \xf0\x9f\x90\xb3\"}";
	auto_json *o = NULL;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(json_parse(text, strlen(text), 1000, "text", &o, &err), 0);
	auto_free char *again = json_text(o);
	assert_string_equal(again, text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(characters_of_every_length_come_back),
		cmocka_unit_test(a_document_is_read_and_written_back),
		cmocka_unit_test(what_two_readers_could_read_differently_is_refused),
		cmocka_unit_test(the_same_key_in_different_objects_is_fine),
		cmocka_unit_test(depth_and_size_are_capped),
		cmocka_unit_test(a_getter_checks_the_type_and_leaves_what_is_missing),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
