/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/names.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/test.h"

static void a_random_name_is_a_legal_one_of_two_words(void **state)
{
	(void)state;
	for (int i = 0; i < 2000; i++) {
		char name[INSTANCE_NAME_MAX + 1];
		struct error err;
		name_random(0, name);
		assert_int_equal(name_check(name, &err), 0);
		const char *joint = strchr(name, '_');
		assert_non_null(joint);
		assert_null(strchr(joint + 1, '_'));
		assert_false(isdigit((unsigned char)name[strlen(name) - 1]));
	}
}

static void later_tries_carry_a_number(void **state)
{
	(void)state;
	char name[INSTANCE_NAME_MAX + 1];
	name_random(7, name);
	assert_int_equal(name[strlen(name) - 1], '7');
}

static void names_that_docker_takes_are_taken(void **state)
{
	(void)state;
	static const char *const good[] = { "web", "a1", "My.App_1-x", "0a" };
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(name_check(good[i], NULL), 0);
}

static void names_with_other_bytes_or_lengths_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "",    "a",   "-a",   ".web",        "_x",
					   "a b", "a/b", "../x", "caf\xc3\xa9", "a\n" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(name_check(bad[i], NULL), -EINVAL);

	char at_limit[INSTANCE_NAME_MAX + 2];
	memset(at_limit, 'a', sizeof(at_limit));
	at_limit[INSTANCE_NAME_MAX + 1] = '\0';
	assert_int_equal(name_check(at_limit, NULL), -EINVAL);
	at_limit[INSTANCE_NAME_MAX] = '\0';
	assert_int_equal(name_check(at_limit, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_random_name_is_a_legal_one_of_two_words),
		cmocka_unit_test(later_tries_carry_a_number),
		cmocka_unit_test(names_that_docker_takes_are_taken),
		cmocka_unit_test(names_with_other_bytes_or_lengths_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
