/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client/tunnel.h"

#include <errno.h>

#include "base/macros.h"
#include "base/test.h"

static void expect(const char *url, const char *port, const char *target)
{
	auto_strv argv = {};
	struct error err = {};
	size_t at = 3;

	if (tunnel_ssh_arguments(url, &argv, &err) < 0)
		fail_msg("%s: %s", url, err.text);
	assert_int_equal(argv.count, port ? 7 : 6);
	assert_string_equal(argv.items[0], "ssh");
	if (port)
		assert_string_equal(argv.items[at++], port);
	assert_string_equal(argv.items[at], "--");
	assert_string_equal(argv.items[at + 1], target);
	assert_string_equal(argv.items[at + 2], "berth system dial-stdio");
}

static void an_address_becomes_a_target_and_a_port(void **state)
{
	(void)state;
	expect("ssh://host", NULL, "host");
	expect("ssh://me@host:2222/", "-p2222", "me@host");
	expect("ssh://me@[fe80::1]:22", "-p22", "me@fe80::1");
	expect("ssh://[::1]", NULL, "::1");
}

static void nothing_of_an_address_is_an_option(void **state)
{
	static const char *const urls[] = {
		"ssh://-oProxyCommand=touch x",
		"ssh://me@-oProxyCommand=x",
		"ssh://-oX=y@host",
		"ssh://host:-oProxyCommand=x",
		"ssh://host:",
		"ssh://host:22x",
		"ssh://",
		"ssh://@host",
		"ssh://[::1",
		"ssh://:22",
		"ssh://host:222222",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		auto_strv argv = {};
		struct error err = {};
		if (tunnel_ssh_arguments(urls[i], &argv, &err) != -EINVAL)
			fail_msg("not refused: %s", urls[i]);
		assert_int_equal(argv.count, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_becomes_a_target_and_a_port),
		cmocka_unit_test(nothing_of_an_address_is_an_option),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
