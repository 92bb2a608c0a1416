/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include "base/test.h"

static void a_time_is_written_and_read_back(void **state)
{
	(void)state;
	char text[CLOCK_TEXT];
	int64_t back = 0;

	clock_format(1763681069012345678LL, text);
	assert_string_equal(text, "2025-11-20T23:24:29.012345678Z");
	assert_true(clock_parse(text, &back));
	assert_true(back == 1763681069012345678LL);
	assert_true(clock_parse("2025-11-21T00:24:29.012345678+01:00", &back));
	assert_true(back == 1763681069012345678LL);
	clock_format(-1, text);
	assert_string_equal(text, "1969-12-31T23:59:59.999999999Z");
}

static void what_is_no_time_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "",
					   "now",
					   "2025-11-20",
					   "2025-11-20T23:24:29",
					   "2025-11-20T23:24:29.Z",
					   "2025-11-20T23:24:29Zx",
					   "2025-11-20T23:24:29+0100" };
	int64_t t;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(clock_parse(bad[i], &t));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_time_is_written_and_read_back),
		cmocka_unit_test(what_is_no_time_is_refused),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
