/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include <signal.h>

#include "base/signals.h"

static void a_signal_is_read_by_name_and_by_number(void **state)
{
	(void)state;
	assert_int_equal(signal_parse("SIGKILL"), SIGKILL);
	assert_int_equal(signal_parse("kill"), SIGKILL);
	assert_int_equal(signal_parse("9"), SIGKILL);
	assert_int_equal(signal_parse("sigTerm"), SIGTERM);
	assert_int_equal(signal_parse("RTMIN"), 34);
	assert_int_equal(signal_parse("SIGRTMIN+3"), 37);
	assert_int_equal(signal_parse("RTMAX-1"), 63);
	assert_int_equal(signal_parse("64"), 64);
}

static void what_is_no_signal_gives_zero(void **state)
{
	static const char *const bad[] = {
		"",       "0",      "65",           "-1",      "+9",      " 9",
		"9 ",     "SIG",    "SIGNOPE",      "RTMIN-1", "RTMAX+1", "RTMIN+31",
		"RTMIN+", "KILL\n", "999999999999", "0x9",     "SIG9",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(signal_parse(bad[i]), 0);
}

static void every_number_has_a_name_that_reads_back(void **state)
{
	char name[SIGNAL_NAME];

	(void)state;
	for (int number = 1; number <= 64; number++)
		assert_int_equal(signal_parse(signal_name(number, name)), number);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signal_is_read_by_name_and_by_number),
		cmocka_unit_test(what_is_no_signal_gives_zero),
		cmocka_unit_test(every_number_has_a_name_that_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
