/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/listing.h"

#include <string.h>

#include "base/test.h"
#include "cli/table.h"

static const struct listing_column columns[] = {
	{ "ID", "CONTAINER ID" },
	{ "Labels", "LABELS" },
	{ "Names", "NAMES" },
	{},
};
static const struct listing_kind kind = { columns, "{{.ID}}\t{{.Names}}", "{{.ID}}" };

static void add(struct listing *l, const char *id, const char *name)
{
	struct json_object *row = json_object_new_object();
	struct json_object *methods = json_object_new_object();
	struct error err = {};

	json_add_string(row, "Names", name);
	json_add_string(row, "ID", id);
	json_add_string(row, "Labels", "a.b=1");
	json_add_string(json_add(methods, "Label", json_object_new_object()), "a.b", "1");
	assert_int_equal(listing_add(l, row, methods, &err), 0);
}

static void assert_prints(const char *format, bool quiet, const char *expected)
{
	auto_listing *l = NULL;
	auto_strbuf out = STRBUF_INIT(65536);
	struct error err = {};

	assert_int_equal(listing_new(&kind, format, quiet, &l, &err), 0);
	add(l, "4f9c", "web");
	add(l, "77aa", "a-rather-long-name");
	listing_text(l, &out);
	assert_string_equal(strbuf_text(&out), expected);
}

static void without_a_format_a_list_is_a_table(void **state)
{
	static const char expected[] = "CONTAINER ID   NAMES\n"
				       "4f9c           web\n"
				       "77aa           a-rather-long-name\n";

	(void)state;
	assert_prints(NULL, false, expected);
	assert_prints("table", false, expected);
	assert_prints("", false, expected);
}

static void quiet_shows_ids_only(void **state)
{
	(void)state;
	assert_prints(NULL, true, "4f9c\n77aa\n");
	assert_prints("table", true, "4f9c\n77aa\n");
}

static void a_template_counts_more_than_quiet(void **state)
{
	(void)state;
	assert_prints("{{.Names}}", true, "web\na-rather-long-name\n");
}

static void a_table_of_ones_own_has_heads(void **state)
{
	(void)state;
	assert_prints("table {{.Names}}\\t{{.ID}}", false,
		      "NAMES                CONTAINER ID\n"
		      "web                  4f9c\n"
		      "a-rather-long-name   77aa\n");
}

static void a_label_is_headed_by_the_last_part_of_its_name(void **state)
{
	(void)state;
	assert_prints("table {{.ID}}\t{{.Label \"a.b\"}}", false,
		      "CONTAINER ID   b\n"
		      "4f9c           1\n"
		      "77aa           1\n");
}

static void json_gives_an_object_a_line_with_sorted_names(void **state)
{
	(void)state;
	assert_prints("json", false,
		      "{\"ID\":\"4f9c\",\"Labels\":\"a.b=1\",\"Names\":\"web\"}\n"
		      "{\"ID\":\"77aa\",\"Labels\":\"a.b=1\",\"Names\":\"a-rather-long-name\"}\n");
}

static void a_field_that_no_row_has_is_an_error(void **state)
{
	auto_listing *l = NULL;
	struct error err = {};

	(void)state;
	assert_int_not_equal(listing_new(&kind, "table {{.Nope}}", false, &l, &err), 0);
	assert_int_not_equal(listing_new(&kind, "{{.Names", false, &l, &err), 0);
}

static void columns_are_at_least_ten_wide_and_count_characters(void **state)
{
	auto_strv lines = {};
	auto_strbuf out = STRBUF_INIT(65536);

	(void)state;
	strv_add(&lines, "A\tB\tC");
	strv_add(&lines, "\u2026\u2026\tbbbbbbbbbbbb\t");
	table_format(&lines, TABLE_WIDTH_MIN, &out);
	assert_string_equal(strbuf_text(&out), "A         B              C\n"
					       "\u2026\u2026        bbbbbbbbbbbb   \n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_format_a_list_is_a_table),
		cmocka_unit_test(quiet_shows_ids_only),
		cmocka_unit_test(a_template_counts_more_than_quiet),
		cmocka_unit_test(a_table_of_ones_own_has_heads),
		cmocka_unit_test(a_label_is_headed_by_the_last_part_of_its_name),
		cmocka_unit_test(json_gives_an_object_a_line_with_sorted_names),
		cmocka_unit_test(a_field_that_no_row_has_is_an_error),
		cmocka_unit_test(columns_are_at_least_ten_wide_and_count_characters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
