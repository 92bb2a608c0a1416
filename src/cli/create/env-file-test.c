/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/create/env-file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/test.h"

static int parse(const char *text, bool inherit, struct strv *ret)
{
	struct error err = {};

	return env_parse("file", text, strlen(text), inherit, ret, &err);
}

static void lines_are_taken_as_they_are(void **state)
{
	auto_strv v = {};

	(void)state;
	assert_int_equal(parse("A=1\n# a comment\n\n  B=\"x y\" # z\r\n\tC=\nD==", true, &v), 0);
	assert_int_equal(v.count, 4);
	assert_string_equal(v.items[0], "A=1");
	assert_string_equal(v.items[1], "B=\"x y\" # z");
	assert_string_equal(v.items[2], "C=");
	assert_string_equal(v.items[3], "D==");
}

static void a_mark_of_the_byte_order_is_dropped(void **state)
{
	auto_strv v = {};

	(void)state;
	assert_int_equal(parse("\xef\xbb\xbf"
			       "A=1",
			       true, &v),
			 0);
	assert_string_equal(v.items[0], "A=1");
}

static void a_bare_name_takes_our_own_value_or_is_dropped(void **state)
{
	auto_strv v = {};

	(void)state;
	(void)setenv("BERTH_TEST_SET", "here", 1);
	(void)unsetenv("BERTH_TEST_UNSET");
	assert_int_equal(parse("BERTH_TEST_SET\nBERTH_TEST_UNSET\n", true, &v), 0);
	assert_int_equal(v.count, 1);
	assert_string_equal(v.items[0], "BERTH_TEST_SET=here");
}

static void a_label_file_keeps_bare_names(void **state)
{
	auto_strv v = {};

	(void)state;
	assert_int_equal(parse("x\ny=1\n", false, &v), 0);
	assert_int_equal(v.count, 2);
	assert_string_equal(v.items[0], "x");
}

static void bad_names_are_refused(void **state)
{
	auto_strv v = {};
	struct error err = {};

	(void)state;
	assert_int_equal(parse("=1\n", true, &v), -EINVAL);
	assert_int_equal(parse("A B=1\n", true, &v), -EINVAL);
	assert_int_equal(env_parse("file", "A=\0B", 4, true, &v, &err), -EINVAL);
}

static void an_option_gives_a_value_a_name_of_ours_or_takes_one_away(void **state)
{
	auto_strv v = {};
	struct error err = {};

	(void)state;
	(void)setenv("BERTH_TEST_SET", "here", 1);
	(void)unsetenv("BERTH_TEST_UNSET");
	assert_int_equal(env_add("A=b c", &v, &err), 0);
	assert_int_equal(env_add("BERTH_TEST_SET", &v, &err), 0);
	assert_int_equal(env_add("BERTH_TEST_UNSET", &v, &err), 0);
	assert_string_equal(v.items[0], "A=b c");
	assert_string_equal(v.items[1], "BERTH_TEST_SET=here");
	assert_string_equal(v.items[2], "BERTH_TEST_UNSET");
	assert_int_equal(env_add("=x", &v, &err), -EINVAL);
	assert_int_equal(env_add("", &v, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_taken_as_they_are),
		cmocka_unit_test(a_mark_of_the_byte_order_is_dropped),
		cmocka_unit_test(a_bare_name_takes_our_own_value_or_is_dropped),
		cmocka_unit_test(a_label_file_keeps_bare_names),
		cmocka_unit_test(bad_names_are_refused),
		cmocka_unit_test(an_option_gives_a_value_a_name_of_ours_or_takes_one_away),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
