/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/roster.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/test.h"

static void free_roster(struct roster *roster)
{
	roster_done(roster);
}

#define auto_test_roster auto_(free_roster) struct roster

static struct record *add(struct roster *roster, const char *id_start, const char *name)
{
	auto_record *r = record_new();
	(void)snprintf(r->id, sizeof(r->id), "%s%0*d", id_start,
		       INSTANCE_ID_LEN - (int)strlen(id_start), 0);
	r->name = xstrdup_or_null(name);
	assert_int_equal(roster_add(roster, r, NULL), 0);
	return r; /* kept alive by the roster */
}

static void finds(struct roster *roster, const char *ref, const struct record *expected)
{
	auto_record *r = NULL;
	struct error err = {};
	assert_int_equal(roster_find(roster, ref, &r, &err), 0);
	assert_ptr_equal(r, expected);
}

static void records_are_found_by_id_name_and_unique_prefix(void **state)
{
	(void)state;
	auto_test_roster roster;
	roster_init(&roster);
	const struct record *web = add(&roster, "abc1", "web");
	const struct record *db = add(&roster, "abd2", "db");
	finds(&roster, "web", web);
	finds(&roster, "/db", db);
	finds(&roster, "abc", web);
	finds(&roster, db->id, db);
}

static void a_prefix_of_several_ids_is_refused_and_an_unknown_one_not_found(void **state)
{
	(void)state;
	auto_test_roster roster;
	roster_init(&roster);
	(void)add(&roster, "abc1", "web");
	(void)add(&roster, "abd2", "db");
	struct record *r = NULL;
	struct error err;
	assert_int_equal(roster_find(&roster, "ab", &r, &err), -EINVAL);
	assert_int_equal(roster_find(&roster, "zz", &r, &err), -ENOENT);
	assert_string_equal(err.text, "No such container: zz");
	assert_int_equal(roster_find(&roster, "", &r, &err), -ENOENT);
	assert_null(r);
}

static void a_name_wins_over_an_id_that_begins_so(void **state)
{
	(void)state;
	auto_test_roster roster;
	roster_init(&roster);
	(void)add(&roster, "abc1", "web");
	const struct record *named = add(&roster, "fff1", "abc");
	finds(&roster, "abc", named);
}

static void a_taken_name_is_refused_in_dockers_words(void **state)
{
	(void)state;
	auto_test_roster roster;
	roster_init(&roster);
	(void)add(&roster, "abc1", "web");
	auto_record *second = record_new();
	second->name = xstrdup("web");
	struct error err;
	assert_int_equal(roster_add(&roster, second, &err), -EEXIST);
	assert_non_null(strstr(err.text, "The container name \"/web\" is already in use by"));
}

static void a_removed_record_gives_its_name_back_and_stays_valid_memory(void **state)
{
	(void)state;
	auto_test_roster roster;
	roster_init(&roster);
	auto_record *first = record_ref(add(&roster, "abc1", "web"));
	roster_remove(&roster, first);
	assert_true(first->removed);
	assert_string_equal(first->name, "web");
	const struct record *second = add(&roster, "abd1", "web");
	finds(&roster, "web", second);
}

static void a_record_without_a_name_gets_a_free_one(void **state)
{
	(void)state;
	auto_test_roster roster;
	roster_init(&roster);
	for (int i = 0; i < 300; i++) {
		char start[16];
		(void)snprintf(start, sizeof(start), "%04x", i);
		assert_non_null(add(&roster, start, NULL)->name);
	}
	assert_int_equal(map_count(roster.by_name), 300);
}

static void renaming_moves_the_name(void **state)
{
	(void)state;
	auto_test_roster roster;
	roster_init(&roster);
	struct record *web = add(&roster, "abc1", "web");
	(void)add(&roster, "abd1", "db");
	assert_int_equal(roster_rename(&roster, web, "db", NULL), -EEXIST);
	assert_int_equal(roster_rename(&roster, web, "-x", NULL), -EINVAL);
	assert_int_equal(roster_rename(&roster, web, "www", NULL), 0);
	finds(&roster, "www", web);
	struct record *r = NULL;
	assert_int_equal(roster_find(&roster, "web", &r, NULL), -ENOENT);
}

static void id_ranges_do_not_overlap_and_are_reused_late(void **state)
{
	(void)state;
	auto_test_roster roster;
	roster_init(&roster);
	struct record *first = add(&roster, "abc1", "a1");
	struct record *second = add(&roster, "abd1", "b1");
	assert_int_equal(record_id_base(first), 0);
	assert_int_equal(roster_take_slot(&roster, first, NULL), 0);
	assert_int_equal(roster_take_slot(&roster, second, NULL), 0);
	assert_int_equal(record_id_base(first), ID_BASE);
	assert_int_equal(record_id_base(second), ID_BASE + 65536);
	roster_remove(&roster, first);
	struct record *third = add(&roster, "abe1", "c1");
	assert_int_equal(roster_take_slot(&roster, third, NULL), 0);
	assert_int_equal(record_id_base(third), ID_BASE + 2 * 65536);
}

static void the_last_id_range_ends_below_the_reserved_ids(void **state)
{
	(void)state;
	assert_true((uint64_t)ID_BASE + (uint64_t)ID_SLOTS * 65536 < UINT32_MAX - 1);
}

static void when_all_id_ranges_are_taken_that_is_said(void **state)
{
	(void)state;
	auto_test_roster roster;
	roster_init(&roster);
	struct record *r = add(&roster, "abc1", "a1");
	for (size_t i = 0; i < ID_SLOTS; i++)
		assert_int_equal(roster_take_slot(&roster, r, NULL), 0);
	assert_int_equal(roster_take_slot(&roster, r, NULL), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_found_by_id_name_and_unique_prefix),
		cmocka_unit_test(a_prefix_of_several_ids_is_refused_and_an_unknown_one_not_found),
		cmocka_unit_test(a_name_wins_over_an_id_that_begins_so),
		cmocka_unit_test(a_taken_name_is_refused_in_dockers_words),
		cmocka_unit_test(a_removed_record_gives_its_name_back_and_stays_valid_memory),
		cmocka_unit_test(a_record_without_a_name_gets_a_free_one),
		cmocka_unit_test(renaming_moves_the_name),
		cmocka_unit_test(id_ranges_do_not_overlap_and_are_reused_late),
		cmocka_unit_test(the_last_id_range_ends_below_the_reserved_ids),
		cmocka_unit_test(when_all_id_ranges_are_taken_that_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
