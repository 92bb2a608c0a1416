/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/test.h"
#include "container/plan/plan.h"
#include "container/test-world.h"

/* Real containers; see test-world.h for what they need. */

static void a_program_runs_and_its_status_comes_back(void **state)
{
	(void)state;
	auto_world w;
	auto_result res;
	world_init(&w, "echo hello; exit 7");
	world_run_well(&w, &res);
	assert_output(&res, "hello\n");
	assert_int_equal(res.exit_code, 7);
	assert_false(world_cgroup_left(w.cgroup));
}

static void a_failed_start_leaves_no_control_group(void **state)
{
	(void)state;
	auto_world w;
	auto_result res;
	world_init(&w, "true");
	w.plan->cwd = "/etc/passwd";
	world_run(&w, &res);
	assert_int_equal(res.r, -ENOTDIR);
	assert_int_equal(res.exit_code, 125);
	assert_non_null(strstr(res.err.text, "working folder /etc/passwd"));
	assert_false(world_cgroup_left(w.cgroup));
}

/* Runs a script and expects exactly this of it. */
static void expect(struct world *w, const char *output)
{
	auto_result res;
	world_run_well(w, &res);
	assert_output(&res, output);
	assert_int_equal(res.exit_code, 0);
}

static void the_user_and_its_groups_come_from_the_images_files(void **state)
{
	(void)state;
	auto_world w;
	world_init(&w, "id -u; id -g; id -G; echo $HOME");
	w.plan->user.user = "user";
	*plan_add(w.plan, &w.plan->user.groups) = 44;
	expect(&w, "1000\n1001\n1001 44 1002\n/home/user\n");
}

static void a_number_without_a_line_is_taken_with_group_0(void **state)
{
	(void)state;
	auto_world w;
	world_init(&w, "id -u; id -g; id -G; echo $HOME");
	w.plan->user.user = "4242";
	expect(&w, "4242\n0\n0\n/\n");
}

static void an_unknown_name_is_refused(void **state)
{
	(void)state;
	auto_world w;
	auto_result res;
	world_init(&w, "true");
	w.plan->user.user = "nobody-here";
	world_run(&w, &res);
	assert_int_equal(res.r, -ENOENT);
	assert_non_null(strstr(res.err.text, "no matching entries in passwd file"));
}

static void the_working_folder_is_made_only_where_that_is_asked(void **state)
{
	(void)state;
	auto_world w, without;
	auto_result res;
	world_init(&w, "pwd; ls -ld . | head -c 10");
	w.plan->cwd = "/srv/deep/er";
	w.plan->cwd_create = true;
	expect(&w, "/srv/deep/er\ndrwxr-xr-x");
	world_init(&without, "true");
	without.plan->cwd = "/srv/deep/er";
	world_run(&without, &res);
	assert_int_equal(res.r, -ENOENT);
}

static void masked_paths_are_empty_and_cannot_be_written(void **state)
{
	(void)state;
	auto_world w;
	world_init(&w, "cat /proc/kcore /proc/timer_list; ls /proc/acpi /sys/firmware; "
		       "echo x 2>/dev/null >/proc/timer_list || echo refused");
	auto_result res;
	world_run_well(&w, &res);
	/* /proc/acpi and /sys/firmware may not exist here; what is masked shows nothing. */
	assert_non_null(strstr(strbuf_text(&res.output), "refused\n"));
	assert_null(strstr(strbuf_text(&res.output), "Timer List"));
	assert_null(memchr(res.output.data, '\x7f', res.output.len));
}

static void read_only_paths_refuse_a_write_with_erofs(void **state)
{
	(void)state;
	auto_world w;
	world_init(&w, "echo 1 > /proc/sys/kernel/shmmni");
	auto_result res;
	world_run_well(&w, &res);
	assert_non_null(strstr(strbuf_text(&res.output), "Read-only file system"));
}

static void a_read_only_root_has_its_targets_but_takes_no_write(void **state)
{
	(void)state;
	auto_world w;
	auto_result res;
	world_init(&w, "touch /x; touch /new/there/y && echo written; cat /etc/hosts");
	w.plan->root.read_only = true;
	struct plan_mount *m = plan_add_mount(w.plan, PLAN_MOUNT_TMPFS, "/new/there");
	world_options(w.plan, m, "size=1m,mode=1777");
	world_run_well(&w, &res);
	assert_non_null(strstr(strbuf_text(&res.output), "/x: Read-only file system\n"));
	assert_non_null(strstr(strbuf_text(&res.output), "written\n127.0.0.1 localhost\n"));
}

static void what_is_written_lands_in_the_upper_folder_with_shifted_owner(void **state)
{
	(void)state;
	auto_world w;
	struct stat st;
	world_init(&w, "echo hi > /file; stat -c %u /file /bin/busybox");
	expect(&w, "0\n0\n");
	assert_int_equal(fstatat(w.dir, "state/upper/file", &st, 0), 0);
	assert_int_equal(st.st_uid, WORLD_ID_BASE);
}

static void a_bind_keeps_its_owners_both_ways(void **state)
{
	(void)state;
	auto_world w;
	struct stat st;
	world_init(&w, "stat -c %u /data /data/file; cat /data/file; echo new > /data/made");
	test_write(w.dir, "host/file", "from the host\n");
	struct plan_mount *m = plan_add_mount(w.plan, PLAN_MOUNT_BIND, "/data");
	m->source = plan_textf(w.plan, "%s/host", test_dir_path(w.dir));
	m->flags = PLAN_MOUNT_RECURSIVE | PLAN_MOUNT_IDMAP;
	expect(&w, "0\n0\nfrom the host\n");
	assert_int_equal(fstatat(w.dir, "host/made", &st, 0), 0);
	assert_int_equal(st.st_uid, 0);
}

static void a_read_only_bind_of_a_file_by_descriptor_takes_no_write(void **state)
{
	(void)state;
	auto_world w;
	auto_result res;
	world_init(&w, "cat /etc/motd; echo x > /etc/motd");
	test_write(w.dir, "motd", "welcome\n");
	w.fds[3] = openat(w.dir, "motd", O_PATH | O_CLOEXEC);
	struct plan_mount *m = plan_add_mount(w.plan, PLAN_MOUNT_BIND, "/etc/motd");
	m->source_fd = 3;
	m->flags = PLAN_MOUNT_IDMAP_OPTIONAL;
	m->attr_set = MOUNT_ATTR_RDONLY;
	world_run_well(&w, &res);
	assert_non_null(strstr(strbuf_text(&res.output), "welcome\n"));
	assert_non_null(strstr(strbuf_text(&res.output), "Read-only file system"));
}

static void capabilities_and_no_new_privs_are_as_asked(void **state)
{
	(void)state;
	auto_world w;
	world_init(&w, "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status");
	static const struct {
		uint16_t code;
		uint8_t jt, jf;
		uint32_t k;
	} allow = { 6, 0, 0, 0x7fff0000 };
	w.plan->seccomp = &allow;
	w.plan->seccomp_len = sizeof(allow);
	expect(&w, "CapInh:\t0000000000000000\nCapPrm:\t00000000800405fb\n"
		   "CapEff:\t00000000800405fb\nCapBnd:\t00000000800405fb\n"
		   "CapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n");
}

static void a_user_that_is_not_root_keeps_no_capability(void **state)
{
	(void)state;
	auto_world w;
	world_init(&w, "grep -E '^Cap(Inh|Prm|Eff|Amb)' /proc/self/status");
	w.plan->user.user = "user";
	expect(&w, "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\n"
		   "CapEff:\t0000000000000000\nCapAmb:\t0000000000000000\n");
}

/* C1 of the security classes: nothing but the standard streams reaches the program. */
static void a_program_holds_only_its_standard_streams(void **state)
{
	(void)state;
	auto_world w;
	int extra[40];
	world_init(&w, "ls /proc/self/fd");
	for (size_t i = 0; i < ARRAY_SIZE(extra); i++)
		extra[i] = open("/", O_PATH | O_DIRECTORY);
	/* 3 is the folder that ls itself reads. */
	expect(&w, "0\n1\n2\n3\n");
	for (size_t i = 0; i < ARRAY_SIZE(extra); i++)
		(void)close(extra[i]);
}

static void a_limit_is_set_as_asked(void **state)
{
	(void)state;
	auto_world w;
	world_init(&w, "ulimit -n; ulimit -Hn");
	*plan_add(w.plan, &w.plan->rlimits) = (struct plan_rlimit){ RLIMIT_NOFILE, 100, 200, true };
	expect(&w, "100\n200\n");
}

static void a_limit_above_what_is_held_is_cut_unless_the_user_asked_for_it(void **state)
{
	(void)state;
	auto_world w;
	auto_result res;
	struct rlimit before, low = { 0, 0 };
	assert_int_equal(getrlimit(RLIMIT_CORE, &before), 0);
	world_init(&w, "ulimit -Hc");
	struct plan_rlimit *r = plan_add(w.plan, &w.plan->rlimits);
	*r = (struct plan_rlimit){ RLIMIT_CORE, UINT64_MAX, UINT64_MAX, false };
	assert_int_equal(setrlimit(RLIMIT_CORE, &low), 0);
	world_run_well(&w, &res);
	bool raised = strcmp(strbuf_text(&res.output), "0\n") != 0;
	r->required = true;
	auto_result again;
	world_run(&w, &again);
	/* A host that lets root raise it does so in both cases. */
	assert_int_equal(again.r == 0, raised);
	if (!raised)
		assert_non_null(strstr(again.err.text, "raise resource limit"));
}

static void names_and_sysctls_are_the_containers_own(void **state)
{
	(void)state;
	auto_world w;
	world_init(&w, "hostname; cat /proc/sys/kernel/domainname /proc/sys/net/ipv4/ip_forward "
		       "/proc/sys/kernel/shmmni");
	w.plan->domainname = "example";
	*plan_add(w.plan, &w.plan->sysctls) = (struct plan_sysctl){ "net.ipv4.ip_forward", "1" };
	*plan_add(w.plan, &w.plan->sysctls) = (struct plan_sysctl){ "kernel.shmmni", "123" };
	expect(&w, "box\nexample\n1\n123\n");
}

static void a_sysctl_outside_of_its_tree_is_refused(void **state)
{
	(void)state;
	static const char *const keys[] = { "../self/oom_score_adj", "net/../../sysrq-trigger",
					    "kernel.core_pattern", "no.such.key" };
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		auto_world w;
		auto_result res;
		world_init(&w, "true");
		*plan_add(w.plan, &w.plan->sysctls) = (struct plan_sysctl){ keys[i], "1" };
		world_run(&w, &res);
		assert_true(res.r < 0);
		assert_non_null(strstr(res.err.text, "sysctl"));
	}
}

static void process_1_is_berths_own_init_where_that_is_asked(void **state)
{
	(void)state;
	auto_world w;
	auto_result res;
	world_init(&w, "cat /proc/1/comm; cat /proc/$$/stat | grep -c ' (sh) '; (sleep 0.01 &); "
		       "kill -TERM $$");
	w.plan->init = true;
	world_run_well(&w, &res);
	assert_null(strstr(strbuf_text(&res.output), "sh\n1\n1"));
	assert_int_equal(res.exit_code, 143);
	assert_int_equal(res.signal, 0);
}

static void with_the_hosts_users_everything_else_is_as_it_was(void **state)
{
	(void)state;
	auto_world w;
	world_init(&w, "id -u; cat /proc/self/uid_map | head -c 30 | wc -l; cat /proc/1/comm; "
		       "touch /dev/null; echo x > /dev/null; cat /etc/hosts");
	world_host_user(&w);
	auto_result res;
	world_run_well(&w, &res);
	assert_int_equal(res.exit_code, 0);
	assert_non_null(strstr(strbuf_text(&res.output), "127.0.0.1 localhost\n"));
}

static void the_number_of_processes_is_limited(void **state)
{
	(void)state;
	auto_world w;
	auto_result res;
	world_init(&w, "for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; echo all; kill $(jobs -p)");
	w.plan->cgroup.pids = 4;
	world_run_well(&w, &res);
	assert_non_null(strstr(strbuf_text(&res.output), "can't fork"));
}

static void a_device_outside_of_the_policy_can_not_be_opened(void **state)
{
	(void)state;
	auto_world w;
	auto_result res;
	world_init(&w, "head -c 1 /dev/kmsg; head -c 1 /dev/zero | wc -c");
	*plan_add(w.plan, &w.plan->devices) =
		(struct plan_device){ "/dev/kmsg", S_IFCHR, 1, 11, 0666, 0, 0 };
	world_run_well(&w, &res);
	assert_non_null(strstr(strbuf_text(&res.output), "Operation not permitted\n1\n"));
}

static void the_containers_cgroups_show_nothing_above_them(void **state)
{
	(void)state;
	auto_world w;
	auto_result res;
	world_init(&w,
		   "cat /proc/self/cgroup; cd /sys/fs/cgroup; ls; [ ! -d pids ] || cd pids; ls; "
		   "mkdir x");
	world_run_well(&w, &res);
	assert_null(strstr(strbuf_text(&res.output), "berth-test"));
	assert_non_null(strstr(strbuf_text(&res.output), "Read-only file system"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_runs_and_its_status_comes_back),
		cmocka_unit_test(a_failed_start_leaves_no_control_group),
		cmocka_unit_test(the_user_and_its_groups_come_from_the_images_files),
		cmocka_unit_test(a_number_without_a_line_is_taken_with_group_0),
		cmocka_unit_test(an_unknown_name_is_refused),
		cmocka_unit_test(the_working_folder_is_made_only_where_that_is_asked),
		cmocka_unit_test(masked_paths_are_empty_and_cannot_be_written),
		cmocka_unit_test(read_only_paths_refuse_a_write_with_erofs),
		cmocka_unit_test(a_read_only_root_has_its_targets_but_takes_no_write),
		cmocka_unit_test(what_is_written_lands_in_the_upper_folder_with_shifted_owner),
		cmocka_unit_test(a_bind_keeps_its_owners_both_ways),
		cmocka_unit_test(a_read_only_bind_of_a_file_by_descriptor_takes_no_write),
		cmocka_unit_test(capabilities_and_no_new_privs_are_as_asked),
		cmocka_unit_test(a_user_that_is_not_root_keeps_no_capability),
		cmocka_unit_test(a_program_holds_only_its_standard_streams),
		cmocka_unit_test(a_limit_is_set_as_asked),
		cmocka_unit_test(a_limit_above_what_is_held_is_cut_unless_the_user_asked_for_it),
		cmocka_unit_test(names_and_sysctls_are_the_containers_own),
		cmocka_unit_test(a_sysctl_outside_of_its_tree_is_refused),
		cmocka_unit_test(process_1_is_berths_own_init_where_that_is_asked),
		cmocka_unit_test(with_the_hosts_users_everything_else_is_as_it_was),
		cmocka_unit_test(the_number_of_processes_is_limited),
		cmocka_unit_test(a_device_outside_of_the_policy_can_not_be_opened),
		cmocka_unit_test(the_containers_cgroups_show_nothing_above_them),
	};
	return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
