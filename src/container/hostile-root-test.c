/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/test.h"
#include "container/container.h"
#include "container/plan/plan.h"
#include "container/test-world.h"

/*
 * Class A of the security classes: every place where Berth mounts or makes something, in an image
 * that has put something else there. The oracle is a canary beside the image's folder: whatever the
 * start comes to, nothing of the canary may have changed.
 */

enum kind {
	KIND_ABSOLUTE,  /* link to the canary by its host path */
	KIND_RELATIVE,  /* link that climbs out */
	KIND_PROC_ROOT, /* link by way of the caller's /proc/self/root */
	KIND_PROC_FD,   /* link by way of one of the caller's descriptors */
	KIND_DANGLING,
	KIND_LOOP,
	KIND_FIFO,
	KIND_FILE,
	KIND_FOLDER,
	KIND_COUNT
};

static const char *const targets[] = {
	"proc",       "sys",         "dev",       "dev/pts",      "dev/shm",
	"dev/mqueue", "dev/console", "dev/null",  "dev/ptmx",     "etc",
	"etc/hosts",  "etc/passwd",  "etc/group", "run",          "tmp",
	"srv",        "srv/work",    "volume",    "volume/below",
};

/* What the canary looks like; ctime tells every change. */
struct canary {
	struct timespec changed[3];
};

static void look_at_canary(int dir, struct canary *ret)
{
	static const char *const names[] = { "canary", "canary/file", "canary/folder" };
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct stat st;
		assert_int_equal(fstatat(dir, names[i], &st, AT_SYMLINK_NOFOLLOW), 0);
		ret->changed[i] = st.st_ctim;
	}
}

static void plant(const struct world *w, const char *path, enum kind kind)
{
	struct error err;
	auto_free char *link = NULL;
	int root = w->fds[0];
	assert_int_equal(path_remove_tree_at(root, path, &err), 0);
	const char *name = strrchr(path, '/') ? "folder" : "";
	switch (kind) {
	case KIND_ABSOLUTE:
		link = xasprintf("%s/canary/%s", test_dir_path(w->dir), name);
		break;
	case KIND_RELATIVE:
		link = xasprintf("../../../../../../../..%s/canary", test_dir_path(w->dir));
		break;
	case KIND_PROC_ROOT:
		link = xasprintf("/proc/self/root%s/canary/file", test_dir_path(w->dir));
		break;
	case KIND_PROC_FD:
		link = xasprintf("/proc/self/fd/%d/canary", w->dir);
		break;
	case KIND_DANGLING:
		link = xstrdup("/nowhere/at/all");
		break;
	case KIND_LOOP:
		link = xasprintf("/%s", path);
		break;
	case KIND_FIFO:
		assert_int_equal(mkfifoat(root, path, 0666), 0);
		return;
	case KIND_FILE:
		assert_int_equal(mknodat(root, path, S_IFREG | 0666, 0), 0);
		return;
	default:
		assert_int_equal(mkdirat(root, path, 0777), 0);
		return;
	}
	assert_int_equal(symlinkat(link, root, path), 0);
}

/* A world whose image has a folder for every target's parent, and a canary beside it. */
static void hostile_init(struct world *w, const char *script)
{
	world_init(w, script);
	test_write(w->dir, "canary/file", "untouched\n");
	assert_int_equal(mkdirat(w->dir, "canary/folder", 0777), 0);
	static const char *const parents[] = { "dev", "srv", "volume" };
	for (size_t i = 0; i < ARRAY_SIZE(parents); i++)
		assert_int_equal(mkdirat(w->fds[0], parents[i], 0755), 0);
	w->plan->cwd = "/srv/work";
	w->plan->cwd_create = true;
	struct plan_mount *m = plan_add_mount(w->plan, PLAN_MOUNT_TMPFS, "/volume/below");
	world_options(w->plan, m, "size=1m");
	plan_add_mount(w->plan, PLAN_MOUNT_TMPFS, "/tmp");
	plan_add_mount(w->plan, PLAN_MOUNT_TMPFS, "/run");
}

static void A1_nothing_outside_of_the_root_changes_whatever_an_image_holds(void **state)
{
	(void)state;
	for (size_t t = 0; t < ARRAY_SIZE(targets); t++) {
		for (int kind = 0; kind < KIND_COUNT; kind++) {
			auto_world w;
			auto_result res;
			struct canary before, after;
			hostile_init(&w, "echo in; touch /tmp/x /run/x /volume/below/x /dev/shm/x");
			plant(&w, targets[t], kind);
			w.plan->streams.terminal = false;
			look_at_canary(w.dir, &before);
			world_run(&w, &res);
			look_at_canary(w.dir, &after);
			if (memcmp(&before, &after, sizeof(before)) != 0)
				fail_msg("the canary changed: %s, kind %d", targets[t], kind);
			/* Either it was refused by name, or it ran in a root of its own. */
			if (res.r == 0)
				assert_non_null(strstr(strbuf_text(&res.output), "in\n"));
			else
				assert_true(res.err.text[0] != '\0');
			assert_false(world_cgroup_left(w.cgroup));
		}
	}
}

static void A1_twin_links_that_stay_inside_are_followed(void **state)
{
	(void)state;
	auto_world w;
	auto_result res;
	hostile_init(&w, "cat /etc/hosts; echo x > /volume/below/x; ls /data/store/below; pwd");
	struct error err;
	int root = w.fds[0];
	/* As images have them: /var/run -> /run, a resolver's file that is made later. */
	assert_int_equal(path_remove_tree_at(root, "volume", &err), 0);
	test_write(w.dir, "root/data/store/keep", "");
	assert_int_equal(symlinkat("/data/store", root, "volume"), 0);
	assert_int_equal(symlinkat("../run/hosts/made-later", root, "etc/hosts"), 0);
	world_run_well(&w, &res);
	assert_output(&res, "127.0.0.1 localhost\nx\n/srv/work\n");
}

/* A4: a masked path is hidden by Berth's own empty file, whatever the image's /dev/null is. */
static void A4_a_masked_path_does_not_depend_on_the_images_null_device(void **state)
{
	(void)state;
	auto_world w;
	auto_result res;
	hostile_init(&w, "cat /proc/timer_list | wc -c; echo x > /proc/timer_list || echo refused");
	struct error err;
	assert_int_equal(path_remove_tree_at(w.fds[0], "dev", &err), 0);
	assert_int_equal(mkdirat(w.fds[0], "dev", 0755), 0);
	assert_int_equal(symlinkat("/proc/sys/kernel/core_pattern", w.fds[0], "dev/null"), 0);
	world_run_well(&w, &res);
	assert_non_null(strstr(strbuf_text(&res.output), "0\n"));
	assert_non_null(strstr(strbuf_text(&res.output), "refused\n"));
}

/*
 * A4: proc and sysfs get their places by a link of the image that leads through a folder on which a
 * tmpfs is mounted later. By their paths nothing would be found any more to be masked.
 */
static void A4_what_is_masked_is_so_where_a_later_mount_covers_the_way(void **state)
{
	(void)state;
	static const char *const links[][2] = {
		{ "/run/p", "proc" },
		{ "/hidden/p", "run/p" },
		{ "/run/s", "sys" },
		{ "/hidden/s", "run/s" },
	};
	auto_world w;
	auto_result res;
	struct error err;
	hostile_init(&w, "cut -d' ' -f2,4 /hidden/p/self/mounts");
	int root = w.fds[0];
	assert_int_equal(mkdirat(root, "run", 0755), 0);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		assert_int_equal(path_remove_tree_at(root, links[i][1], &err), 0);
		assert_int_equal(symlinkat(links[i][0], root, links[i][1]), 0);
	}
	world_run_well(&w, &res);
	const char *mounts = strbuf_text(&res.output);
	assert_non_null(strstr(mounts, "/hidden/p rw"));
	assert_non_null(strstr(mounts, "/hidden/p/sys ro"));
	assert_non_null(strstr(mounts, "/hidden/p/timer_list ro"));
	assert_non_null(strstr(mounts, "/hidden/s ro"));
}

/* A5: without a stream of the caller's, 0 is the null device that Berth made. */
static void A5_the_programs_null_stream_is_the_null_device(void **state)
{
	(void)state;
	auto_world w;
	auto_result res;
	hostile_init(&w, "stat -L -c '%t:%T' /proc/self/fd/0");
	plant(&w, "dev/null", KIND_ABSOLUTE);
	world_run_well(&w, &res);
	assert_output(&res, "1:3\n");
}

/* C2: a working folder by way of a descriptor that the runtime still holds. */
static void C2_a_working_folder_through_a_descriptor_is_refused(void **state)
{
	(void)state;
	static const char *const folders[] = { "/proc/self/fd", "/proc/thread-self/fd",
					       "/proc/1/fd", "/proc/self/cwd", "/proc/self/root" };
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		for (int fd = 0; fd < 40; fd++) {
			auto_world w;
			auto_result res;
			bool plain = strstr(folders[i], "/fd") == NULL;
			hostile_init(&w, "pwd");
			w.plan->cwd_create = false;
			w.plan->cwd =
				plain ? folders[i] : plan_textf(w.plan, "%s/%d", folders[i], fd);
			world_run(&w, &res);
			assert_true(res.r < 0);
			if (plain)
				break;
		}
	}
}

/* D4: files of names that are no files to read. */
static void D4_hostile_user_files_cost_nothing(void **state)
{
	(void)state;
	static const enum kind kinds[] = { KIND_FIFO, KIND_FOLDER, KIND_LOOP, KIND_DANGLING };
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		auto_world w;
		auto_result res;
		hostile_init(&w, "echo $HOME");
		plant(&w, "etc/passwd", kinds[i]);
		w.plan->user.user = "1000";
		world_run_well(&w, &res);
		assert_output(&res, "/\n");
	}
	auto_world w;
	auto_result res;
	hostile_init(&w, "echo $HOME");
	assert_int_equal(truncate(xasprintf("%s/root/etc/passwd", test_dir_path(w.dir)), 1LL << 33),
			 0);
	w.plan->user.user = "1000";
	world_run(&w, &res);
	assert_int_equal(res.r, -EFBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(A1_nothing_outside_of_the_root_changes_whatever_an_image_holds),
		cmocka_unit_test(A1_twin_links_that_stay_inside_are_followed),
		cmocka_unit_test(A4_a_masked_path_does_not_depend_on_the_images_null_device),
		cmocka_unit_test(A4_what_is_masked_is_so_where_a_later_mount_covers_the_way),
		cmocka_unit_test(A5_the_programs_null_stream_is_the_null_device),
		cmocka_unit_test(C2_a_working_folder_through_a_descriptor_is_refused),
		cmocka_unit_test(D4_hostile_user_files_cost_nothing),
	};
	return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
