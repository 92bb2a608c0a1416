/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strv.h"

#include "base/test.h"

static void a_list_grows_and_stays_terminated(void **state)
{
	(void)state;
	auto_strv v = {};

	for (int i = 0; i < 1000; i++) {
		strv_addf(&v, "%d", i);
		assert_int_equal(v.count, i + 1);
		assert_null(v.items[v.count]);
	}
	assert_string_equal(v.items[999], "999");
	strv_remove(&v, 0);
	assert_string_equal(v.items[0], "1");
	assert_null(v.items[v.count]);
}

static void splitting_keeps_empty_parts(void **state)
{
	(void)state;
	auto_strv v = {};

	strv_split(&v, "a::b:", ':');
	assert_int_equal(v.count, 4);
	assert_string_equal(v.items[1], "");
	assert_string_equal(v.items[3], "");
	auto_strv none = {};
	strv_split(&none, "", ':');
	assert_int_equal(none.count, 0);
}

static void an_environment_has_each_name_once(void **state)
{
	(void)state;
	auto_strv env = {};

	env_set(&env, "A=1");
	env_set(&env, "AB=2");
	env_set(&env, "A=3");
	assert_int_equal(env.count, 2);
	assert_string_equal(env_get(&env, "A"), "3");
	assert_null(env_get(&env, "B"));
	env_unset(&env, "A");
	assert_null(env_get(&env, "A"));
	assert_string_equal(env_get(&env, "AB"), "2");
}

static void a_copy_may_be_of_itself(void **state)
{
	(void)state;
	auto_strv v = {};

	strv_add(&v, "a");
	strv_copy(&v, &v);
	assert_int_equal(v.count, 1);
	assert_true(strv_contains(&v, "a"));
	assert_false(strv_contains(&v, "b"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_grows_and_stays_terminated),
		cmocka_unit_test(splitting_keeps_empty_parts),
		cmocka_unit_test(an_environment_has_each_name_once),
		cmocka_unit_test(a_copy_may_be_of_itself),
	};

	return cmocka_run_group_tests_name("strv", tests, NULL, NULL);
}
