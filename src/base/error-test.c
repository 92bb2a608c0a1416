/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <string.h>

#include "base/test.h"

static void act_object_and_cause_stand_outermost_first(void **state)
{
	(void)state;
	struct error err = {};

	assert_int_equal(error_set(&err, EACCES, "open memory.max of cgroup '%s'", "berth/4f9c"),
			 -EACCES);
	assert_int_equal(error_prefix(&err, "start %s", "web"), -EACCES);
	assert_string_equal(err.text,
			    "start web: open memory.max of cgroup 'berth/4f9c': Permission denied");
	assert_int_equal(err.code, -EACCES);
}

static void a_text_stays_on_one_line_and_inside_its_buffer(void **state)
{
	(void)state;
	struct error err = {};
	char name[2 * ERROR_TEXT];

	assert_int_equal(error_say(&err, EINVAL, "name 'a\nb'"), -EINVAL);
	assert_string_equal(err.text, "name 'a?b'");

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(error_set(&err, ENOENT, "open %s", name), -ENOENT);
	assert_non_null(strstr(err.text, ": No such file or directory"));
	assert_int_equal(error_prefix(&err, "%s", name), -ENOENT);
	assert_true(strlen(err.text) < ERROR_TEXT);
}

static void a_caller_without_a_record_still_gets_the_code(void **state)
{
	(void)state;
	assert_int_equal(error_set(NULL, EPERM, "x"), -EPERM);
	assert_int_equal(error_set(NULL, -EPERM, "x"), -EPERM);
	assert_int_equal(error_say(NULL, EBUSY, "x"), -EBUSY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(act_object_and_cause_stand_outermost_first),
		cmocka_unit_test(a_text_stays_on_one_line_and_inside_its_buffer),
		cmocka_unit_test(a_caller_without_a_record_still_gets_the_code),
	};

	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
