/* SPDX-License-Identifier: Apache-2.0 */
#include "api/text.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/test.h"

static void times_have_only_the_digits_they_need(void **state)
{
	char text[TIME_TEXT];

	(void)state;
	assert_string_equal(time_text(0, text), "0001-01-01T00:00:00Z");
	assert_string_equal(time_text(1700000000 * NSEC_PER_SEC, text), "2023-11-14T22:13:20Z");
	assert_string_equal(time_text(1700000000 * NSEC_PER_SEC + 120000000, text),
			    "2023-11-14T22:13:20.12Z");
	assert_string_equal(time_text(1700000000 * NSEC_PER_SEC + 1, text),
			    "2023-11-14T22:13:20.000000001Z");
}

static void instants_of_queries_are_seconds_or_dates(void **state)
{
	struct error err;
	int64_t ns = 7;

	(void)state;
	assert_int_equal(time_parse("since", "", &ns, &err), 0);
	assert_int_equal(time_parse("since", NULL, &ns, &err), 0);
	assert_int_equal(ns, 7);
	assert_int_equal(time_parse("since", "1700000000", &ns, &err), 0);
	assert_int_equal(ns, 1700000000 * NSEC_PER_SEC);
	assert_int_equal(time_parse("since", "1700000000.120000000", &ns, &err), 0);
	assert_int_equal(ns, 1700000000 * NSEC_PER_SEC + 120000000);
	assert_int_equal(time_parse("since", "2023-11-14T22:13:20Z", &ns, &err), 0);
	assert_int_equal(ns, 1700000000 * NSEC_PER_SEC);
}

static void durations_count_back_from_now(void **state)
{
	struct error err;
	int64_t ns = 0;
	int64_t before = clock_now();

	(void)state;
	assert_int_equal(time_parse("until", "1h30m", &ns, &err), 0);
	assert_in_range(ns, before - 5400 * NSEC_PER_SEC, clock_now() - 5400 * NSEC_PER_SEC);
	assert_int_equal(time_parse("until", "90s", &ns, &err), 0);
	assert_in_range(ns, before - 90 * NSEC_PER_SEC, clock_now() - 90 * NSEC_PER_SEC);
}

static void other_texts_are_no_instants(void **state)
{
	static const char *const bad[] = {
		"x", "-1", "1x", "1.", "1.x", " 1", "99999999999999999999", "1h30", "h", "12:99",
	};
	struct error err;
	int64_t ns = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (time_parse("since", bad[i], &ns, &err) != -EINVAL)
			fail_msg("'%s' was taken for a time", bad[i]);
	assert_int_equal(ns, 7);
}

static void durations_read_as_dockers(void **state)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} cases[] = {
		{ 0, "Less than a second" },  { 1, "1 second" },
		{ 59, "59 seconds" },         { 60, "About a minute" },
		{ 119, "About a minute" },    { 120, "2 minutes" },
		{ 45 * 60, "45 minutes" },    { 60 * 60, "About an hour" },
		{ 89 * 60, "About an hour" }, { 90 * 60, "2 hours" },
		{ 47 * 3600, "47 hours" },    { 48 * 3600, "2 days" },
		{ 13 * 86400, "13 days" },    { 14 * 86400, "2 weeks" },
		{ 60 * 86400, "2 months" },   { 729 * 86400, "24 months" },
		{ 730 * 86400, "2 years" },
	};
	char text[DURATION_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(duration_text(cases[i].seconds * NSEC_PER_SEC, text),
				    cases[i].text);
}

static void a_command_quotes_arguments_with_spaces(void **state)
{
	auto_strv args = { 0 };

	(void)state;
	auto_free char *bare = command_text("true", &args);
	assert_string_equal(bare, "true");
	strv_add(&args, "-c");
	strv_add(&args, "echo hi");
	auto_free char *quoted = command_text("sh", &args);
	assert_string_equal(quoted, "sh -c 'echo hi'");
}

static void sizes_have_four_digits_and_decimal_units(void **state)
{
	char text[SIZE_TEXT];

	(void)state;
	assert_string_equal(size_text(0, text), "0B");
	assert_string_equal(size_text(999, text), "999B");
	assert_string_equal(size_text(1234567, text), "1.235MB");
	assert_string_equal(size_text(124000000000, text), "124GB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_have_only_the_digits_they_need),
		cmocka_unit_test(instants_of_queries_are_seconds_or_dates),
		cmocka_unit_test(durations_count_back_from_now),
		cmocka_unit_test(other_texts_are_no_instants),
		cmocka_unit_test(durations_read_as_dockers),
		cmocka_unit_test(a_command_quotes_arguments_with_spaces),
		cmocka_unit_test(sizes_have_four_digits_and_decimal_units),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
