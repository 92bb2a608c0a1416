/* SPDX-License-Identifier: Apache-2.0 */
#include "container/user-lookup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/test.h"
#include "container/plan/plan.h"

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "redis:x:999:998::/var/lib/redis:/usr/sbin/nologin\n"
			     "redis:x:1:1::/second:/bin/sh\n"
			     "0:x:55:56::/zero:/bin/sh\n"
			     "broken:x:-1:0::/:\n"
			     "short:x\n"
			     ":x:7:7::/:\n"
			     "big:x:4294967296:0::/:\n"
			     "relative:x:60:60::home:/bin/sh\n"
			     "last:x:61:61::/last:/bin/sh";
static const char group[] = "root:x:0:\n"
			    "redis:x:998:\n"
			    "audio:x:29:redis,other\n"
			    "video:x:44:other,redis\n"
			    "prefix:x:45:redi,rediss\n"
			    "bad:x:99999999999:redis\n"
			    "again:x:29:redis\n"
			    "77:x:78:\n";

struct lookup {
	const char *user;
	int r;
	uint32_t uid, gid;
	const char *groups; /* with spaces */
	const char *home;
};

/* H1: the forms of a user. */
static const struct lookup lookups[] = {
	{ "", 0, 0, 0, "0", "/root" },
	{ "root", 0, 0, 0, "0", "/root" },
	{ "redis", 0, 999, 998, "998 29 44", "/var/lib/redis" },
	{ "redis:", 0, 999, 998, "998 29 44", "/var/lib/redis" },
	{ "redis:audio", 0, 999, 29, "29", "/var/lib/redis" },
	{ "redis:12345", 0, 999, 12345, "12345", "/var/lib/redis" },
	{ "999", 0, 999, 998, "998 29 44", "/var/lib/redis" },
	{ "0999", 0, 999, 998, "998 29 44", "/var/lib/redis" },
	{ "999:44", 0, 999, 44, "44", "/var/lib/redis" },
	{ "0", 0, 0, 0, "0", "/root" }, /* and not the user of that name */
	{ "5000", 0, 5000, 0, "0", "/" },
	{ "5000:77", 0, 5000, 77, "77", "/" },
	{ "4294967294", 0, 4294967294u, 0, "0", "/" },
	{ "relative", 0, 60, 60, "60", "/" },
	{ "last", 0, 61, 61, "61", "/last" },
	{ "4294967295", -ENOENT, 0, 0, "", "" },
	{ "4294967296", -ENOENT, 0, 0, "", "" },
	{ "4294968296", -ENOENT, 0, 0, "", "" },
	{ "18446744073709551616", -ENOENT, 0, 0, "", "" },
	{ "-1", -ENOENT, 0, 0, "", "" },
	{ "+1", -ENOENT, 0, 0, "", "" },
	{ " 1", -ENOENT, 0, 0, "", "" },
	{ "1 ", -ENOENT, 0, 0, "", "" },
	{ "0x0", -ENOENT, 0, 0, "", "" },
	{ "\xd9\xa1", -ENOENT, 0, 0, "", "" }, /* a digit, but not one of ours */
	{ "broken", -ENOENT, 0, 0, "", "" },
	{ "short", -ENOENT, 0, 0, "", "" },
	{ "big", -ENOENT, 0, 0, "", "" },
	{ "nobody", -ENOENT, 0, 0, "", "" },
	{ "redis:nogroup", -ENOENT, 0, 0, "", "" },
	{ "redis:bad", -ENOENT, 0, 0, "", "" },
	{ "redis:-1", -ENOENT, 0, 0, "", "" },
	{ "redis:4294967295", -ENOENT, 0, 0, "", "" },
};

static void H1_every_form_of_a_user_gives_what_docker_gives(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lookups); i++) {
		const struct lookup *l = &lookups[i];
		struct plan_user user = { .user = l->user };
		struct credentials c = { 0 };
		struct error err = { 0 };
		int r = user_resolve(&user, passwd, group, &c, &err);
		if (r != l->r)
			fail_msg("'%s' gives %d: %s", l->user, r, err.text);
		if (r < 0)
			continue;
		char groups[256] = "";
		for (size_t g = 0; g < c.group_count; g++)
			(void)snprintf(groups + strlen(groups), sizeof(groups) - strlen(groups),
				       "%s%u", g ? " " : "", c.groups[g]);
		if (c.uid != l->uid || c.gid != l->gid || strcmp(groups, l->groups) != 0 ||
		    strcmp(c.home, l->home) != 0)
			fail_msg("'%s' is %u:%u (%s) at %s", l->user, c.uid, c.gid, groups, c.home);
	}
}

static void numbers_of_a_configuration_are_taken_as_they_are(void **state)
{
	(void)state;
	struct credentials c;
	uint32_t more[] = { 7, 999, 7 };
	const char *names[] = { "video", "4000" };
	struct plan_user user = {
		.uid = 999,
		.gid = 5,
		.groups = { more, 3, 3 },
		.group_names = { names, 2, 2 },
	};
	assert_int_equal(user_resolve(&user, passwd, group, &c, NULL), 0);
	assert_int_equal(c.uid, 999);
	assert_int_equal(c.gid, 5);
	assert_int_equal(c.group_count, 5);
	assert_int_equal(c.groups[0], 5);
	assert_int_equal(c.groups[3], 44);
	assert_int_equal(c.groups[4], 4000);
	assert_string_equal(c.home, "/var/lib/redis");
	user.uid = UINT32_MAX;
	assert_int_equal(user_resolve(&user, passwd, group, &c, NULL), -EINVAL);
}

static void more_groups_than_the_kernel_takes_are_refused(void **state)
{
	(void)state;
	struct credentials c;
	uint32_t more[USER_GROUPS_MAX + 1];
	for (uint32_t i = 0; i < ARRAY_SIZE(more); i++)
		more[i] = 10 + i;
	struct plan_user user = { .groups = { more, ARRAY_SIZE(more), ARRAY_SIZE(more) } };
	assert_int_equal(user_resolve(&user, "", "", &c, NULL), -E2BIG);
}

static void a_line_without_end_is_only_a_long_line(void **state)
{
	(void)state;
	struct credentials c;
	struct plan_user user = { .user = "root" };
	auto_free char *line = xmalloc(USER_FILE_MAX);
	memset(line, ':', USER_FILE_MAX - 1);
	line[USER_FILE_MAX - 1] = '\0';
	assert_int_equal(user_resolve(&user, line, line, &c, NULL), -ENOENT);
	memset(line, 'a', USER_FILE_MAX - 1);
	assert_int_equal(user_resolve(&user, line, line, &c, NULL), -ENOENT);
	user.user = line;
	assert_int_equal(user_resolve(&user, passwd, group, &c, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(H1_every_form_of_a_user_gives_what_docker_gives),
		cmocka_unit_test(numbers_of_a_configuration_are_taken_as_they_are),
		cmocka_unit_test(more_groups_than_the_kernel_takes_are_refused),
		cmocka_unit_test(a_line_without_end_is_only_a_long_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
