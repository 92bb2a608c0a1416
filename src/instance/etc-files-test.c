/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/etc-files.h"

#include <string.h>

#include "base/test.h"

static const char host_resolver[] =
	"# host\nnameserver 10.0.0.1\nsearch example.org\noptions ndots:2\n";

static const char *content(const struct plan *plan, const char *target)
{
	for (uint32_t i = 0; i < plan->files.count; i++)
		if (strcmp(plan->files.items[i].target, target) == 0)
			return plan->files.items[i].data;
	fail_msg("no file %s", target);
	return "";
}

static void the_three_files_name_the_host_and_copy_its_resolver(void **state)
{
	(void)state;
	auto_plan *plan = plan_new();
	const struct container_request request = {};
	etc_files_add(plan, &request, "box", host_resolver);
	assert_int_equal(plan->files.count, 3);
	assert_non_null(strstr(content(plan, "/etc/hosts"), "127.0.0.1\tlocalhost\n"));
	assert_non_null(strstr(content(plan, "/etc/hosts"), "\tbox\n"));
	assert_memory_equal(content(plan, "/etc/hostname"), "box\n", 4);
	assert_memory_equal(content(plan, "/etc/resolv.conf"), host_resolver,
			    sizeof(host_resolver) - 1);
}

static void settings_of_the_request_replace_the_hosts_lines(void **state)
{
	(void)state;
	auto_plan *plan = plan_new();
	struct container_request request = {};
	strv_add(&request.dns, "9.9.9.9");
	strv_add(&request.dns_search, "a.test");
	strv_add(&request.dns_search, "b.test");
	etc_files_add(plan, &request, "box", host_resolver);
	static const char expected[] =
		"# host\noptions ndots:2\nnameserver 9.9.9.9\nsearch a.test b.test\n";
	assert_memory_equal(content(plan, "/etc/resolv.conf"), expected, sizeof(expected) - 1);
	strv_done(&request.dns);
	strv_done(&request.dns_search);
}

static void extra_hosts_are_added_with_addresses_that_hold_colons(void **state)
{
	(void)state;
	auto_plan *plan = plan_new();
	struct container_request request = {};
	strv_add(&request.extra_hosts, "db:fd00::5");
	strv_add(&request.extra_hosts, "gw:host-gateway");
	etc_files_add(plan, &request, "box", "");
	assert_non_null(strstr(content(plan, "/etc/hosts"), "fd00::5\tdb\n"));
	assert_null(strstr(content(plan, "/etc/hosts"), "host-gateway"));
	strv_done(&request.extra_hosts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_three_files_name_the_host_and_copy_its_resolver),
		cmocka_unit_test(settings_of_the_request_replace_the_hosts_lines),
		cmocka_unit_test(extra_hosts_are_added_with_addresses_that_hold_colons),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
