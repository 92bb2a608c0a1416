/* SPDX-License-Identifier: Apache-2.0 */
#include "api/filters.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/test.h"

static const char *const allowed[] = { "label", "status", "dangling", NULL };

static void both_forms_of_values_are_read(void **state)
{
	auto_filters a = { 0 }, b = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(filters_parse("{\"status\":[\"running\",\"paused\"]}", allowed, &a, &err),
			 0);
	assert_true(filters_match(&a, "status", "paused"));
	assert_false(filters_match(&a, "status", "exited"));
	assert_true(filters_match(&a, "label", "anything"));
	assert_int_equal(filters_parse("{\"status\":{\"running\":true,\"paused\":false}}", allowed,
				       &b, &err),
			 0);
	assert_true(filters_match(&b, "status", "running"));
	assert_false(filters_match(&b, "status", "paused"));
}

static void malformed_filters_are_refused(void **state)
{
	static const char *const bad[] = {
		"{",
		"[]",
		"{\"status\":1}",
		"{\"status\":[1]}",
		"{\"colour\":[\"x\"]}",
		"{\"status\":[],\"status\":[]}",
	};
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		auto_filters f = { 0 };
		assert_int_equal(filters_parse(bad[i], allowed, &f, &err), -EINVAL);
	}
	auto_filters f = { 0 };
	assert_int_equal(filters_parse("{\"colour\":[]}", allowed, &f, &err), -EINVAL);
	assert_string_equal(err.text, "invalid filter 'colour'");
}

static void each_label_must_hold(void **state)
{
	auto_filters f = { 0 };
	auto_strv labels = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(filters_parse("{\"label\":[\"a=1\",\"b\"]}", allowed, &f, &err), 0);
	strv_add(&labels, "a=1");
	assert_false(filters_match_labels(&f, "label", &labels));
	strv_add(&labels, "bb=2");
	assert_false(filters_match_labels(&f, "label", &labels));
	strv_add(&labels, "b=");
	assert_true(filters_match_labels(&f, "label", &labels));
}

static void booleans_are_true_or_false(void **state)
{
	auto_filters yes = { 0 }, odd = { 0 }, none = { 0 };
	struct error err;
	bool value = false;

	(void)state;
	assert_int_equal(filters_parse("{\"dangling\":[\"true\"]}", allowed, &yes, &err), 0);
	assert_int_equal(filters_bool(&yes, "dangling", &value, &err), 0);
	assert_true(value);
	assert_int_equal(filters_parse("{\"dangling\":[\"perhaps\"]}", allowed, &odd, &err), 0);
	assert_int_equal(filters_bool(&odd, "dangling", &value, &err), -EINVAL);
	assert_int_equal(filters_parse("", allowed, &none, &err), 0);
	assert_int_equal(filters_bool(&none, "dangling", &value, &err), 0);
	assert_true(value);
}

static void patterns_match_parts_and_anchors(void **state)
{
	auto_free char *lengthy = xcalloc(1, 1001);

	(void)state;
	assert_true(pattern_matches("eb", "web-1"));
	assert_true(pattern_matches("^/?web-[0-9]$", "/web-1"));
	assert_false(pattern_matches("^web$", "web-1"));
	assert_false(pattern_matches("(", "("));
	/* what could cost any amount of memory matches nothing */
	assert_false(pattern_matches("((a{1,255}){1,255}){1,255}", "aaaa"));
	assert_false(
		pattern_matches("a++++++++++++++++++++++++++++++++++++++++++++++++++", "aaaa"));
	assert_false(pattern_matches("((((((((((a+)+)+)+)+)+)+)+)+)+", "aaaa"));
	assert_false(pattern_matches("(a*)*\\1\\1", "aaaa"));
	assert_true(pattern_matches("^(web|db)+-[0-9]+\\.?$", "web-17"));
	memset(lengthy, '.', 1000);
	assert_false(pattern_matches(lengthy, lengthy));
}

static void globs_do_not_cross_slashes(void **state)
{
	(void)state;
	assert_true(glob_matches("deb*", "debian"));
	assert_true(glob_matches("*/app:*", "me/app:1"));
	assert_false(glob_matches("*", "me/app"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_forms_of_values_are_read),
		cmocka_unit_test(malformed_filters_are_refused),
		cmocka_unit_test(each_label_must_hold),
		cmocka_unit_test(booleans_are_true_or_false),
		cmocka_unit_test(patterns_match_parts_and_anchors),
		cmocka_unit_test(globs_do_not_cross_slashes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
