/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/test.h"

static void many_keys_are_found_again_in_order(void **state)
{
	(void)state;
	auto_map *m = map_new(free);
	char key[16];

	for (int i = 0; i < 5000; i++) {
		(void)snprintf(key, sizeof(key), "k%d", i);
		map_set(m, key, xstrdup(key));
	}
	assert_int_equal(map_count(m), 5000);
	for (int i = 0; i < 5000; i++) {
		(void)snprintf(key, sizeof(key), "k%d", i);
		assert_string_equal(map_get(m, key), key);
	}
	size_t at = 0;
	const char *first;
	assert_non_null(map_next(m, &at, &first));
	assert_string_equal(first, "k0");
}

static void what_is_removed_is_gone_and_its_room_used_again(void **state)
{
	(void)state;
	auto_map *m = map_new(free);

	for (int round = 0; round < 1000; round++) {
		map_set(m, "a", xstrdup("1"));
		map_set(m, "b", xstrdup("2"));
		map_remove(m, "a");
		auto_free char *taken = map_take(m, "b");
		assert_string_equal(taken, "2");
		assert_null(map_get(m, "a"));
		assert_null(map_get(m, "b"));
	}
	assert_int_equal(map_count(m), 0);
}

static void entries_may_be_removed_while_walking(void **state)
{
	(void)state;
	auto_map *m = map_new(free);
	char key[16];

	for (int i = 0; i < 100; i++) {
		(void)snprintf(key, sizeof(key), "%d", i);
		map_set(m, key, xstrdup(key));
	}
	size_t at = 0;
	int seen = 0;
	for (const char *name; map_next(m, &at, &name); seen++)
		map_remove(m, name);
	assert_int_equal(seen, 100);
	assert_int_equal(map_count(m), 0);
}

static void setting_again_replaces(void **state)
{
	(void)state;
	auto_map *m = map_new(free);

	map_set(m, "a", xstrdup("1"));
	map_set(m, "a", xstrdup("2"));
	assert_string_equal(map_get(m, "a"), "2");
	assert_int_equal(map_count(m), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_keys_are_found_again_in_order),
		cmocka_unit_test(what_is_removed_is_gone_and_its_room_used_again),
		cmocka_unit_test(entries_may_be_removed_while_walking),
		cmocka_unit_test(setting_again_replaces),
	};

	return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
