/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/human.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/test.h"

static void assert_size(double bytes, int digits, const char *text)
{
	char out[HUMAN_TEXT];

	human_size(bytes, digits, out);
	assert_string_equal(out, text);
}

static void sizes_are_in_powers_of_a_thousand(void **state)
{
	(void)state;
	assert_size(0, 3, "0B");
	assert_size(999, 3, "999B");
	assert_size(1000, 3, "1kB");
	assert_size(123456, 3, "123kB");
	assert_size(7654321, 3, "7.65MB");
	assert_size(124000000, 3, "124MB");
	assert_size(7654321000, 4, "7.654GB");
}

static void what_rounds_up_to_a_thousand_is_one_of_the_next_unit(void **state)
{
	(void)state;
	assert_size(999700, 3, "1MB");
	assert_size(999400, 3, "999kB");
}

static void binary_sizes_are_in_powers_of_1024(void **state)
{
	char out[HUMAN_TEXT];

	(void)state;
	human_size_binary(1536, out);
	assert_string_equal(out, "1.5KiB");
	human_size_binary(8246337536.0, out);
	assert_string_equal(out, "7.68GiB");
}

static void assert_duration(int64_t seconds, const char *text)
{
	char out[HUMAN_TEXT];

	human_duration(seconds * NSEC_PER_SEC, out);
	assert_string_equal(out, text);
}

static void durations_are_told_roughly(void **state)
{
	(void)state;
	assert_duration(0, "Less than a second");
	assert_duration(1, "1 second");
	assert_duration(59, "59 seconds");
	assert_duration(60, "About a minute");
	assert_duration(119, "About a minute");
	assert_duration(120, "2 minutes");
	assert_duration(59L * 60, "59 minutes");
	assert_duration(60L * 60, "About an hour");
	assert_duration(89L * 60, "About an hour");
	assert_duration(90L * 60, "2 hours");
	assert_duration(47L * 3600, "47 hours");
	assert_duration(48L * 3600, "2 days");
	assert_duration(14L * 86400, "2 weeks");
	assert_duration(60L * 86400, "2 months");
	assert_duration(800L * 86400, "2 years");
}

static void bytes_are_read_in_powers_of_1024(void **state)
{
	static const struct {
		const char *text;
		int64_t bytes;
	} good[] = {
		{ "0", 0 },
		{ "42", 42 },
		{ "42b", 42 },
		{ "1k", 1024 },
		{ "1KB", 1024 },
		{ "1kib", 1024 },
		{ "512m", 536870912 },
		{ "1.5g", 1610612736 },
		{ "-1", -1 },
		{ "2t", 2199023255552 },
		{ "1 m", 1048576 },
	};
	static const char *const bad[] = {
		"", "x", "1x", "1mm", "--1", "1.2.3", "1e5", "9999999p"
	};
	int64_t value;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_true(human_parse_bytes(good[i].text, &value));
		assert_int_equal(value, good[i].bytes);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(human_parse_bytes(bad[i], &value));
}

static void durations_are_read_as_go_does(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
	} good[] = {
		{ "0", 0 },
		{ "5s", 5000000000 },
		{ "1m30s", 90000000000 },
		{ "1.5h", 5400000000000 },
		{ "300ms", 300000000 },
		{ "10us", 10000 },
		{ "-2s", -2000000000 },
	};
	static const char *const bad[] = { "", "5", "s", "5x", "1h 2m", "1..5s" };
	int64_t value;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_true(human_parse_duration(good[i].text, &value));
		assert_int_equal(value, good[i].ns);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(human_parse_duration(bad[i], &value));
}

static void processors_have_at_most_nine_decimals(void **state)
{
	int64_t value;

	(void)state;
	assert_true(human_parse_cpus("1.5", &value));
	assert_int_equal(value, 1500000000);
	assert_true(human_parse_cpus("0.000000001", &value));
	assert_int_equal(value, 1);
	assert_false(human_parse_cpus("0.0000000001", &value));
	assert_false(human_parse_cpus("x", &value));
	assert_false(human_parse_cpus("-1", &value));
}

static void instants_have_many_forms(void **state)
{
	const int64_t now = 1700000000 * NSEC_PER_SEC;
	int64_t value;

	(void)state;
	assert_true(human_parse_instant("2023-11-14T22:13:20Z", now, &value));
	assert_int_equal(value, now);
	assert_true(human_parse_instant("2023-11-14T23:13:20.5+01:00", now, &value));
	assert_int_equal(value, now + NSEC_PER_SEC / 2);
	assert_true(human_parse_instant("1700000000.25", now, &value));
	assert_int_equal(value, now + NSEC_PER_SEC / 4);
	assert_true(human_parse_instant("10m", now, &value));
	assert_int_equal(value, now - 600 * NSEC_PER_SEC);
	assert_true(human_parse_instant("2023-11-14", now, &value));
	assert_int_equal(value, 1699920000 * NSEC_PER_SEC);
	assert_false(human_parse_instant("yesterday", now, &value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_in_powers_of_a_thousand),
		cmocka_unit_test(what_rounds_up_to_a_thousand_is_one_of_the_next_unit),
		cmocka_unit_test(binary_sizes_are_in_powers_of_1024),
		cmocka_unit_test(durations_are_told_roughly),
		cmocka_unit_test(bytes_are_read_in_powers_of_1024),
		cmocka_unit_test(durations_are_read_as_go_does),
		cmocka_unit_test(processors_have_at_most_nine_decimals),
		cmocka_unit_test(instants_have_many_forms),
	};

	(void)setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
