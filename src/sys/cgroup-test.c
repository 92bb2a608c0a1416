/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/strbuf.h"
#include "base/test.h"
#include "sys/device-filter.h"

/* Folders with the files of a control group, in the place of a mounted hierarchy. */

static void make_files(int dir, const char *folder, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char path[256];
		(void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		test_write(dir, path, "");
	}
}

static void assert_file(int dir, const char *path, const char *text)
{
	auto_strbuf have = STRBUF_INIT(4096);
	struct error err;
	assert_int_equal(read_file_at(dir, path, 4096, &have, &err), 0);
	if (strcmp(strbuf_text(&have), text) != 0)
		fail_msg("%s holds '%s' instead of '%s'", path, strbuf_text(&have), text);
}

static const struct cgroup_limits limits = {
	.memory_bytes = 1000000,
	.memory_swap_bytes = 3000000,
	.memory_low_bytes = 500000,
	.cpu_quota_us = 50000,
	.cpu_period_us = CGROUP_LIMIT_NONE,
	.cpu_shares = 1024,
	.pids = CGROUP_LIMIT_MAX,
	.blkio_weight = 500,
	.memory_swappiness = CGROUP_LIMIT_NONE,
	.cpuset_cpus = "0-1",
};

static void limits_of_version_2_are_converted(void **state)
{
	(void)state;
	static const char *const names[] = { "memory.max", "memory.low", "memory.swap.max",
					     "pids.max",   "cpu.max",    "cpu.weight",
					     "io.weight",  "cpuset.cpus" };
	auto_test_dir int dir = test_dir();
	auto_cgroup *cg = NULL;
	struct error err;
	make_files(dir, "berth/one", names, ARRAY_SIZE(names));
	auto_cgroup_layout l = CGROUP_LAYOUT_NONE;
	l.unified = true;
	l.unified_fd = dup(dir);
	assert_int_equal(cgroup_open(&l, "berth/one", &cg, &err), 0);
	assert_true(cgroup_clone_fd(cg) >= 0);
	assert_int_equal(cgroup_limit(cg, &limits, &err), 0);
	assert_file(dir, "berth/one/memory.max", "1000000");
	assert_file(dir, "berth/one/memory.low", "500000");
	assert_file(dir, "berth/one/memory.swap.max", "2000000");
	assert_file(dir, "berth/one/pids.max", "max");
	assert_file(dir, "berth/one/cpu.max", "50000 100000");
	assert_file(dir, "berth/one/cpu.weight", "39");
	assert_file(dir, "berth/one/io.weight", "default 4950");
	assert_file(dir, "berth/one/cpuset.cpus", "0-1");
	struct cgroup_limits one = CGROUP_LIMITS_NONE;
	one.memory_swappiness = 0;
	assert_int_equal(cgroup_limit(cg, &one, &err), -EOPNOTSUPP);
	one = (struct cgroup_limits)CGROUP_LIMITS_NONE;
	one.oom_kill_disable = true;
	assert_int_equal(cgroup_limit(cg, &one, &err), -EOPNOTSUPP);
}

static void version_1_layout(int dir, struct cgroup_layout *l)
{
	static const char *const names[] = { "memory.limit_in_bytes",
					     "memory.memsw.limit_in_bytes",
					     "memory.soft_limit_in_bytes",
					     "memory.swappiness",
					     "cpu.shares",
					     "cpu.cfs_quota_us",
					     "pids.max",
					     "blkio.weight",
					     "cpuset.cpus",
					     "devices.deny",
					     "devices.allow",
					     "tasks" };
	static const char *const folders[CGROUP_CONTROLLER_COUNT] = {
		"cpu", "cpu", "cpuset", "memory", "devices", "freezer", "blkio", "pids"
	};
	for (int i = 0; i < CGROUP_CONTROLLER_COUNT; i++) {
		char path[64];
		(void)snprintf(path, sizeof(path), "%s/berth/one", folders[i]);
		make_files(dir, path, names, ARRAY_SIZE(names));
		l->fds[i] = openat(dir, folders[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		/* cpu and cpuacct are comounted, as systemd does it. */
		l->devs[i] = i <= CGROUP_CPUACCT ? 100 : (dev_t)(100 + i);
	}
}

static void limits_of_version_1_go_to_each_hierarchy_once(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	auto_cgroup *cg = NULL;
	auto_cgroup_layout l = CGROUP_LAYOUT_NONE;
	struct error err;
	version_1_layout(dir, &l);
	assert_int_equal(cgroup_open(&l, "berth/one", &cg, &err), 0);
	assert_int_equal(cgroup_folder(cg, CGROUP_CPU), cgroup_folder(cg, CGROUP_CPUACCT));
	assert_int_equal(cgroup_clone_fd(cg), -1);
	assert_int_equal(cgroup_limit(cg, &limits, &err), 0);
	assert_file(dir, "memory/berth/one/memory.limit_in_bytes", "1000000");
	assert_file(dir, "memory/berth/one/memory.memsw.limit_in_bytes", "3000000");
	assert_file(dir, "cpu/berth/one/cpu.cfs_quota_us", "50000");
	assert_file(dir, "cpu/berth/one/cpu.shares", "1024");
	assert_file(dir, "pids/berth/one/pids.max", "max");
	assert_file(dir, "cpuset/berth/one/cpuset.cpus", "0-1");
	assert_file(dir, "cpu/berth/one/cpuset.cpus", "");
	struct cgroup_limits one = CGROUP_LIMITS_NONE;
	one.memory_swappiness = 0;
	assert_int_equal(cgroup_limit(cg, &one, &err), 0);
	assert_file(dir, "memory/berth/one/memory.swappiness", "0");

	const struct device_rule rule = { true, 'c', 1, 3, DEVICE_ACCESS_ALL };
	assert_int_equal(cgroup_filter_devices(cg, &rule, 1, &err), 0);
	assert_file(dir, "devices/berth/one/devices.deny", "a");
	assert_file(dir, "devices/berth/one/devices.allow", "c 1:3 rwm");
	assert_int_equal(cgroup_enter(cg, &err), 0);
	assert_file(dir, "blkio/berth/one/tasks", "0");
}

static void a_limit_that_cannot_be_had_is_named(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	auto_cgroup *cg = NULL;
	auto_cgroup_layout l = CGROUP_LAYOUT_NONE;
	struct error err;
	struct cgroup_limits one = CGROUP_LIMITS_NONE;
	version_1_layout(dir, &l);
	close_p(&l.fds[CGROUP_PIDS]);
	l.fds[CGROUP_PIDS] = -1;
	assert_int_equal(cgroup_open(&l, "berth/one", &cg, &err), 0);
	assert_int_equal(cgroup_limit(cg, &one, &err), 0);
	one.pids = 5;
	assert_int_equal(cgroup_limit(cg, &one, &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.text, "pids.max"));
	one.pids = CGROUP_LIMIT_NONE;
	one.cpu_period_us = 1000;
	assert_int_equal(cgroup_limit(cg, &one, &err), -ENOENT);
	assert_non_null(strstr(err.text, "cpu.cfs_period_us of cgroup 'berth/one'"));
}

/* I4: no path leads out of the place of Berth's groups. */
static void I4_a_path_that_is_not_plain_is_refused(void **state)
{
	(void)state;
	static const char *const paths[] = { "",         "/",        "/berth",
					     "..",       "berth/..", "berth/../x",
					     "berth//x", "./berth",  "berth/." };
	auto_test_dir int dir = test_dir();
	auto_cgroup_layout l = CGROUP_LAYOUT_NONE;
	l.unified = true;
	l.unified_fd = dup(dir);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct cgroup *cg = NULL;
		struct error err;
		assert_int_equal(cgroup_open(&l, paths[i], &cg, &err), -EINVAL);
		assert_int_equal(cgroup_make(&l, paths[i], &cg, &err), -EINVAL);
		assert_null(cg);
	}
}

static void a_folder_without_hierarchies_is_told(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	auto_cgroup_layout l = CGROUP_LAYOUT_NONE;
	struct error err;
	assert_int_equal(cgroup_layout_probe(test_dir_path(dir), &l, &err), -ENOENT);
	assert_non_null(strstr(err.text, "no control groups are mounted"));
}

static void what_is_left_of_a_group_in_one_hierarchy_is_cleared(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	auto_cgroup_layout l = CGROUP_LAYOUT_NONE;
	struct error err;
	struct stat st;
	assert_int_equal(mkdirat(dir, "cpu", 0700), 0);
	assert_int_equal(mkdirat(dir, "pids", 0700), 0);
	assert_int_equal(mkdirat(dir, "cpu/one", 0700), 0);
	l.fds[CGROUP_CPU] = openat(dir, "cpu", O_PATH | O_CLOEXEC);
	l.fds[CGROUP_PIDS] = openat(dir, "pids", O_PATH | O_CLOEXEC);
	l.devs[CGROUP_PIDS] = 1;
	assert_int_equal(cgroup_clear(&l, "one", 1000, &err), 0);
	assert_int_equal(fstatat(dir, "cpu/one", &st, 0), -1);
	/* and where nothing is left, nothing is to be done */
	assert_int_equal(cgroup_clear(&l, "one", 1000, &err), 0);
	assert_int_equal(cgroup_clear(&l, "../one", 1000, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits_of_version_2_are_converted),
		cmocka_unit_test(limits_of_version_1_go_to_each_hierarchy_once),
		cmocka_unit_test(a_limit_that_cannot_be_had_is_named),
		cmocka_unit_test(I4_a_path_that_is_not_plain_is_refused),
		cmocka_unit_test(a_folder_without_hierarchies_is_told),
		cmocka_unit_test(what_is_left_of_a_group_in_one_hierarchy_is_cleared),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
