/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include <errno.h>

#include "store/registry/challenge.h"

static void a_bearer_challenge_names_realm_and_service(void **state)
{
	(void)state;
	auto_challenge c = {};

	assert_int_equal(
		challenge_parse("Bearer realm=\"https://auth.x/token\",service=\"reg\\\"y\","
				"scope=\"repository:a/b:pull,push\",error=invalid_token",
				&c),
		0);
	assert_true(c.bearer);
	assert_false(c.basic);
	assert_string_equal(c.realm, "https://auth.x/token");
	assert_string_equal(c.service, "reg\"y");
	assert_string_equal(c.error, "invalid_token");
}

static void several_challenges_in_one_header_are_told_apart(void **state)
{
	(void)state;
	auto_challenge c = {};

	assert_int_equal(challenge_parse("Negotiate, Basic realm=\"b, Bearer realm=x\" , bearer "
					 "realm = \"https://t\" , Bearer realm=\"https://other\"",
					 &c),
			 0);
	assert_true(c.basic);
	assert_true(c.bearer);
	assert_string_equal(c.realm, "https://t");
}

static void challenges_of_several_headers_add_up(void **state)
{
	(void)state;
	auto_challenge c = {};

	assert_int_equal(challenge_parse("Basic realm=\"x\"", &c), 0);
	assert_int_equal(challenge_parse("Bearer realm=\"https://t\"", &c), 0);
	assert_true(c.basic && c.bearer);
	assert_string_equal(c.realm, "https://t");
}

static void malformed_challenges_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"\"x\"",        "Bearer realm=\"x",        "Bearer realm=,",
		"Bearer realm", "Basic realm=\"x\" \"y\"", "@"
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		auto_challenge c = {};
		int r = challenge_parse(bad[i], &c);
		/* a word alone is a challenge of its own, which nobody knows */
		assert_true(r == -EBADMSG || (r == 0 && !c.realm));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bearer_challenge_names_realm_and_service),
		cmocka_unit_test(several_challenges_in_one_header_are_told_apart),
		cmocka_unit_test(challenges_of_several_headers_add_up),
		cmocka_unit_test(malformed_challenges_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
