/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

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

static void a_folder_is_listed_in_order_and_within_its_room(void **state)
{
	auto_close int dir = test_dir();
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
	test_dir_done(&dir);
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
		cmocka_unit_test(a_folder_is_listed_in_order_and_within_its_room),
		cmocka_unit_test(names_are_told_apart),
	};

	return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
