/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/test.h"

static void folders_are_made_with_their_parents(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	auto_free char *path = xasprintf("%s/a/b/c", test_dir_path(dir));
	struct error err = {};

	assert_int_equal(path_make_dirs(path, 0700, &err), 0);
	assert_int_equal(path_make_dirs(path, 0700, &err), 0);
	auto_close int fd = path_open_dir(path, 0700, &err);
	assert_true(fd >= 0);
	test_write(dir, "file", "");
	auto_free char *under_file = xasprintf("%s/file/x", test_dir_path(dir));
	assert_int_equal(path_make_dirs(under_file, 0700, &err), -ENOTDIR);
}

static void a_tree_is_removed_and_no_link_followed(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	struct error err = {};

	test_write(dir, "kept/file", "x");
	test_write(dir, "tree/sub/file", "x");
	assert_int_equal(symlinkat("../kept", dir, "tree/link"), 0);
	assert_int_equal(symlinkat("/", dir, "tree/sub/root"), 0);
	assert_int_equal(mkfifoat(dir, "tree/fifo", 0600), 0);
	assert_int_equal(path_remove_tree_at(dir, "tree", &err), 0);
	assert_int_equal(faccessat(dir, "tree", F_OK, 0), -1);
	assert_int_equal(faccessat(dir, "kept/file", F_OK, 0), 0);
	assert_int_equal(path_remove_tree_at(dir, "tree", &err), 0);
}

/* A program in a container can nest folders far deeper than a process may have descriptors. */
static void a_tree_deeper_than_descriptors_reach_is_removed(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	struct error err;
	auto_close int at = fcntl(dir, F_DUPFD_CLOEXEC, 0);
	for (int depth = 0; depth < 3000; depth++) {
		const char *name = depth == 0 ? "tree" : "d";
		assert_int_equal(mkdirat(at, name, 0700), 0);
		int below = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(below >= 0);
		close_p(&at);
		at = below;
		test_write(at, "file", "x");
	}
	struct rlimit few = { .rlim_cur = 128, .rlim_max = 128 };
	struct rlimit before;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(path_remove_tree_at(dir, "tree", &err), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(faccessat(dir, "tree", F_OK, 0), -1);
}

/*
 * In a process of its own, which reaches into other mounts by a descriptor as the engine does into an
 * instance's: there the kernel does not refuse to remove what something is mounted on.
 */
static int remove_over_a_mount(int dir)
{
	struct error err;
	auto_free char *place = xasprintf("%s/tree/below/place", test_dir_path(dir));
	auto_free char *other = xasprintf("%s/other", test_dir_path(dir));
	auto_close int own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(other, place, NULL, MS_BIND, NULL) < 0)
		return 77;
	/* a namespace without anybody in it is kept by this */
	auto_close int kept = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	auto_close int there = open(test_dir_path(dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (kept < 0 || setns(own, CLONE_NEWNS) < 0)
		return 1;
	return path_remove_tree_at(there, "tree", &err) == -EXDEV ? 0 : 2;
}

static void a_removal_stops_at_a_mount_of_the_same_file_system(void **state)
{
	auto_test_dir int dir = test_dir();
	int status = 0;

	(void)state;
	test_write(dir, "tree/below/place/covered", "");
	test_write(dir, "other/file", "of somebody else");
	pid_t pid = fork();
	if (pid == 0)
		_exit(remove_over_a_mount(dir));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(faccessat(dir, "other/file", F_OK, 0), 0);
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

static void a_folder_is_listed_in_order_and_within_its_room(void **state)
{
	auto_test_dir int dir = test_dir();
	auto_strv names = {};
	struct error err = {};
	size_t room = 1000;

	(void)state;
	test_write(dir, "b", "");
	test_write(dir, ".a", "");
	test_write(dir, "c/below", "");
	assert_int_equal(path_list(dir, &room, &names, &err), 0);
	assert_int_equal(names.count, 3);
	assert_string_equal(names.items[0], ".a");
	assert_string_equal(names.items[2], "c");
	assert_true(room < 1000);
	room = 60;
	assert_int_equal(path_list(dir, &room, &names, &err), -E2BIG);
}

static void names_are_told_apart(void **state)
{
	(void)state;
	assert_true(path_is_plain_relative("a"));
	assert_true(path_is_plain_relative("a/b.c/..d"));
	static const char *const bad[] = { "",   "/a",   "a/",   "a//b", ".",
					   "..", "a/..", "../a", "a/./b" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(path_is_plain_relative(bad[i]));
	assert_true(path_is_component("...") && path_is_component("a b"));
	assert_false(path_is_component("a/b") || path_is_component("..") || path_is_component(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folders_are_made_with_their_parents),
		cmocka_unit_test(a_tree_is_removed_and_no_link_followed),
		cmocka_unit_test(a_tree_deeper_than_descriptors_reach_is_removed),
		cmocka_unit_test(a_removal_stops_at_a_mount_of_the_same_file_system),
		cmocka_unit_test(a_folder_is_listed_in_order_and_within_its_room),
		cmocka_unit_test(names_are_told_apart),
	};

	return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
