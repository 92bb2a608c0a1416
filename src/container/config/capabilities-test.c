/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include <errno.h>
#include <string.h>

#include "container/config/capabilities.h"

static void every_number_has_a_name_that_reads_back(void **state)
{
	(void)state;
	for (int i = 0; CAPABILITY_ALL >> i; i++)
		assert_int_equal(capability_number(capability_name(i)), i);
	assert_null(capability_name(-1));
	assert_null(capability_name(41));
	assert_null(capability_name(64));
}

static void a_name_is_read_in_any_case_with_or_without_its_prefix(void **state)
{
	(void)state;
	assert_int_equal(capability_number("net_raw"), 13);
	assert_int_equal(capability_number("Cap_Net_Raw"), 13);
	assert_int_equal(capability_number("CAP_CAP_NET_RAW"), -EINVAL);
	assert_int_equal(capability_number("CAP_"), -EINVAL);
	assert_int_equal(capability_number(""), -EINVAL);
	assert_int_equal(capability_number("NET_RAW "), -EINVAL);
}

static void the_default_set_is_podmans_eleven(void **state)
{
	auto_strv names = {};

	(void)state;
	capabilities_names(CAPABILITY_DEFAULT, &names);
	assert_int_equal(names.count, 11);
	assert_false(strv_contains(&names, "CAP_NET_RAW"));
	assert_false(strv_contains(&names, "CAP_MKNOD"));
	assert_false(strv_contains(&names, "CAP_AUDIT_WRITE"));
	assert_string_equal(names.items[0], "CAP_CHOWN");
	assert_string_equal(names.items[10], "CAP_SETFCAP");
}

static void flags_add_and_drop_as_dockers_do(void **state)
{
	static const struct {
		const char *add;
		const char *drop;
		uint64_t result;
	} cases[] = {
		{ "", "", CAPABILITY_DEFAULT },
		{ "NET_RAW", "", CAPABILITY_DEFAULT | CAPABILITY_BIT(13) },
		{ "", "chown", CAPABILITY_DEFAULT & ~CAPABILITY_BIT(0) },
		{ "", "ALL", 0 },
		{ "CAP_KILL", "all", CAPABILITY_BIT(5) },
		{ "ALL", "", CAPABILITY_ALL },
		{ "ALL", "SYS_ADMIN", CAPABILITY_ALL & ~CAPABILITY_BIT(21) },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_strv add = {};
		auto_strv drop = {};
		uint64_t result = 0;
		struct error err = {};
		strv_split(&add, cases[i].add, ',');
		strv_split(&drop, cases[i].drop, ',');
		assert_int_equal(
			capabilities_adjust(CAPABILITY_DEFAULT, &add, &drop, &result, &err), 0);
		assert_true(result == cases[i].result);
	}
}

static void an_unknown_name_is_refused_in_dockers_words(void **state)
{
	auto_strv add = {};
	struct strv drop = {};
	uint64_t result = 7;
	struct error err = {};

	(void)state;
	strv_add(&add, "NOPE");
	assert_int_equal(capabilities_adjust(0, &add, &drop, &result, &err), -EINVAL);
	assert_string_equal(err.text, "invalid CapAdd: unknown capability: \"NOPE\"");
	assert_int_equal(result, 7);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_number_has_a_name_that_reads_back),
		cmocka_unit_test(a_name_is_read_in_any_case_with_or_without_its_prefix),
		cmocka_unit_test(the_default_set_is_podmans_eleven),
		cmocka_unit_test(flags_add_and_drop_as_dockers_do),
		cmocka_unit_test(an_unknown_name_is_refused_in_dockers_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
