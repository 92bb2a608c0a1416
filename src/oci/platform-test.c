/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include <errno.h>
#include <stdlib.h>

#include "oci/platform.h"

static void platforms_are_read_and_normalized(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *normal;
	} cases[] = {
		{ "linux/amd64", "linux/amd64" },
		{ "linux/x86_64", "linux/amd64" },
		{ "amd64", "linux/amd64" },
		{ "linux/amd64/v1", "linux/amd64" },
		{ "linux/amd64/v3", "linux/amd64/v3" },
		{ "linux/arm64", "linux/arm64/v8" },
		{ "aarch64", "linux/arm64/v8" },
		{ "linux/arm", "linux/arm/v7" },
		{ "linux/arm/6", "linux/arm/v6" },
		{ "Linux/ARM/V5", "linux/arm/v5" },
		{ "armel", "linux/arm/v6" },
		{ "windows/amd64", "windows/amd64" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct platform p;
		struct error err = {};
		if (platform_parse(cases[i].text, &p, &err) < 0)
			fail_msg("%s", err.text);
		auto_free char *text = platform_text(&p);
		assert_string_equal(text, cases[i].normal);
	}
}

static void an_operating_system_alone_means_this_architecture(void **state)
{
	(void)state;
	struct platform host;
	struct platform p;

	platform_host(&host);
	assert_int_equal(platform_parse("linux", &p, NULL), 0);
	assert_memory_equal(&p, &host, sizeof(p));
}

static void what_is_no_platform_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "",
					   "/",
					   "linux/",
					   "linux//v8",
					   "a/b/c/d",
					   "linux/a b",
					   "linux/amd64\n",
					   "linux/0123456789012345678901234567890123456789" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct platform p;
		assert_int_equal(platform_parse(bad[i], &p, NULL), -EINVAL);
	}
}

static int score(const char *wanted, const char *offered)
{
	struct platform w;
	struct platform o;

	assert_int_equal(platform_parse(wanted, &w, NULL), 0);
	assert_int_equal(platform_parse(offered, &o, NULL), 0);
	return platform_score(&w, &o);
}

static void older_variants_run_and_newer_ones_do_not(void **state)
{
	(void)state;
	assert_true(score("linux/arm/v7", "linux/arm/v7") > score("linux/arm/v7", "linux/arm/v6"));
	assert_true(score("linux/arm/v7", "linux/arm/v6") > score("linux/arm/v7", "linux/arm/v5"));
	assert_int_equal(score("linux/arm/v6", "linux/arm/v7"), 0);
	assert_int_equal(score("linux/amd64", "linux/amd64/v3"), 0);
	assert_true(score("linux/amd64/v3", "linux/amd64") > 0);
	assert_int_equal(score("linux/amd64", "linux/arm64"), 0);
	assert_int_equal(score("linux/amd64", "windows/amd64"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(platforms_are_read_and_normalized),
		cmocka_unit_test(an_operating_system_alone_means_this_architecture),
		cmocka_unit_test(what_is_no_platform_is_refused),
		cmocka_unit_test(older_variants_run_and_newer_ones_do_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
