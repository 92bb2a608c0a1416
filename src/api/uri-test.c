/* SPDX-License-Identifier: Apache-2.0 */
#include "api/uri.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/test.h"

static void parts_are_split_before_they_are_decoded(void **state)
{
	struct error err;
	auto_uri u = { 0 };

	(void)state;
	assert_int_equal(uri_parse("/v1.41/images/a%2Fb/json?x=1%262&y=a+b%2B", &u, &err), 0);
	assert_int_equal(u.api_minor, 41);
	assert_int_equal(u.segments.count, 3);
	assert_string_equal(u.segments.items[1], "a/b");
	assert_string_equal(uri_query(&u, "x"), "1&2");
	assert_string_equal(uri_query(&u, "y"), "a b+");
	assert_null(uri_query(&u, "z"));
}

static void malformed_targets_are_refused(void **state)
{
	static const char *const bad[] = {
		"",         "containers/json", "*",      "http://h/_ping", "/a%2",
		"/a%zz",    "/a%00b",          "/a\nb",  "/%ff",           "/%c0%af",
		"/a?x=%00", "/a?x=%ed%a0%80",  "/a?%=1", "/%0d%0aX:1",     "/a?x=%f4%90%80%80",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		auto_uri u = { 0 };
		struct error err;

		assert_int_equal(uri_parse(bad[i], &u, &err), -EINVAL);
	}
}

static void counts_and_length_are_limited(void **state)
{
	auto_free char *many = xcalloc(1, 2 * URI_SEGMENTS_MAX + 3);
	auto_free char *lengthy = xcalloc(1, URI_TARGET_MAX + 2);
	auto_uri a = { 0 }, b = { 0 }, c = { 0 };
	struct error err;

	(void)state;
	for (int i = 0; i < URI_SEGMENTS_MAX; i++)
		strcat(many, "/a");
	assert_int_equal(uri_parse(many, &a, &err), 0);
	strcat(many, "/a");
	assert_int_equal(uri_parse(many, &b, &err), -EINVAL);
	memset(lengthy, '/', URI_TARGET_MAX + 1);
	assert_int_equal(uri_parse(lengthy, &c, &err), -EINVAL);
}

static void booleans_are_dockers(void **state)
{
	struct error err;
	auto_uri u = { 0 };

	(void)state;
	assert_int_equal(uri_parse("/a?a=1&b=0&c=False&d&e=none&f=yes&a=0", &u, &err), 0);
	assert_true(uri_query_bool(&u, "a", false));
	assert_false(uri_query_bool(&u, "b", true));
	assert_false(uri_query_bool(&u, "c", true));
	assert_false(uri_query_bool(&u, "d", true));
	assert_false(uri_query_bool(&u, "e", true));
	assert_true(uri_query_bool(&u, "f", false));
	assert_true(uri_query_bool(&u, "not there", true));
}

static void numbers_are_whole_or_refused(void **state)
{
	struct error err;
	auto_uri u = { 0 };
	int64_t n = 7;

	(void)state;
	assert_int_equal(uri_parse("/a?t=-1&u=1x&v=&w=99999999999999999999&x=%2B1", &u, &err), 0);
	assert_int_equal(uri_query_int(&u, "v", &n, &err), 0);
	assert_int_equal(uri_query_int(&u, "none", &n, &err), 0);
	assert_int_equal(n, 7);
	assert_int_equal(uri_query_int(&u, "t", &n, &err), 0);
	assert_int_equal(n, -1);
	assert_int_equal(uri_query_int(&u, "u", &n, &err), -EINVAL);
	assert_int_equal(uri_query_int(&u, "w", &n, &err), -EINVAL);
	assert_int_equal(uri_query_int(&u, "x", &n, &err), -EINVAL);
}

static void a_version_is_only_what_looks_like_one(void **state)
{
	auto_uri a = { 0 }, b = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(uri_parse("/v1.x/_ping", &a, &err), 0);
	assert_int_equal(a.api_minor, -1);
	assert_int_equal(a.segments.count, 2);
	assert_int_equal(uri_parse("/_ping", &b, &err), 0);
	assert_int_equal(b.api_minor, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_are_split_before_they_are_decoded),
		cmocka_unit_test(malformed_targets_are_refused),
		cmocka_unit_test(counts_and_length_are_limited),
		cmocka_unit_test(booleans_are_dockers),
		cmocka_unit_test(numbers_are_whole_or_refused),
		cmocka_unit_test(a_version_is_only_what_looks_like_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
