/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strbuf.h"

#include <string.h>

#include "base/test.h"

static void what_is_appended_is_there_with_a_zero_behind(void **state)
{
	(void)state;
	auto_strbuf sb = STRBUF_INIT(1000);

	assert_string_equal(strbuf_text(&sb), "");
	strbuf_adds(&sb, "abc");
	strbuf_addc(&sb, '-');
	strbuf_addf(&sb, "%d%s", 42, "!");
	assert_string_equal(strbuf_text(&sb), "abc-42!");
	strbuf_consume(&sb, 4);
	assert_string_equal(strbuf_text(&sb), "42!");
	strbuf_consume(&sb, 99);
	assert_int_equal(sb.len, 0);
}

static void the_cap_holds_and_is_told(void **state)
{
	(void)state;
	auto_strbuf sb = STRBUF_INIT(4);

	strbuf_adds(&sb, "abcd");
	assert_false(sb.overflow);
	strbuf_addc(&sb, 'e');
	assert_true(sb.overflow);
	assert_string_equal(strbuf_text(&sb), "abcd");
	strbuf_clear(&sb);
	strbuf_addf(&sb, "%s", "wxyz");
	assert_false(sb.overflow);
	assert_string_equal(strbuf_text(&sb), "wxyz");
}

static void the_largest_cap_is_no_cap(void **state)
{
	auto_strbuf sb = STRBUF_INIT(SIZE_MAX);

	(void)state;
	for (int i = 0; i < 1000; i++)
		strbuf_adds(&sb, "0123456789");
	assert_false(sb.overflow);
	assert_int_equal(strlen(strbuf_text(&sb)), 10000);
}

static void taking_leaves_an_empty_buffer(void **state)
{
	(void)state;
	auto_strbuf sb = STRBUF_INIT(100);

	strbuf_adds(&sb, "text");
	auto_free char *text = strbuf_take(&sb);
	assert_string_equal(text, "text");
	assert_int_equal(sb.len, 0);
	strbuf_adds(&sb, "again");
	assert_string_equal(strbuf_text(&sb), "again");
}

static void a_buffer_may_be_without_a_cap(void **state)
{
	(void)state;
	auto_strbuf sb = STRBUF_INIT(SIZE_MAX);

	for (int i = 0; i < 1000; i++)
		strbuf_adds(&sb, "0123456789");
	assert_false(sb.overflow);
	assert_int_equal(sb.len, 10000);
	assert_true(sb.size > sb.len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_appended_is_there_with_a_zero_behind),
		cmocka_unit_test(the_cap_holds_and_is_told),
		cmocka_unit_test(the_largest_cap_is_no_cap),
		cmocka_unit_test(taking_leaves_an_empty_buffer),
		cmocka_unit_test(a_buffer_may_be_without_a_cap),
	};

	return cmocka_run_group_tests_name("strbuf", tests, NULL, NULL);
}
