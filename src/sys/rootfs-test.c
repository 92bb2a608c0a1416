/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/test.h"

/* A root at root/, with a folder beside it that nothing may reach. */
struct tree {
	int dir;
	int root;
};

static void tree_init(struct tree *t)
{
	t->dir = test_dir();
	test_write(t->dir, "outside/file", "secret");
	test_write(t->dir, "root/etc/hosts", "hosts");
	t->root = openat(t->dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void tree_done(struct tree *t)
{
	close_p(&t->root);
	test_dir_done(&t->dir);
}
#define auto_tree auto_(tree_done) struct tree

static bool exists(const struct tree *t, const char *path)
{
	return faccessat(t->dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void links_are_followed_inside_the_root_only(void **state)
{
	(void)state;
	auto_tree t;
	struct error err;
	struct stat st, want;
	tree_init(&t);
	auto_free char *outside = xasprintf("%s/outside/file", test_dir_path(t.dir));
	assert_int_equal(symlinkat(outside, t.root, "absolute"), 0);
	assert_int_equal(symlinkat("../../outside/file", t.root, "etc/climbing"), 0);
	assert_int_equal(symlinkat("/etc/hosts", t.root, "inside"), 0);
	assert_int_equal(rootfs_open(t.root, "/absolute", O_PATH, &err), -ENOENT);
	assert_int_equal(rootfs_open(t.root, "etc/climbing", O_PATH, &err), -ENOENT);
	assert_int_equal(rootfs_open(t.root, "../../outside/file", O_PATH, &err), -ENOENT);
	auto_close int fd = rootfs_open(t.root, "/inside", O_PATH, &err);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(fstatat(t.root, "etc/hosts", &want, 0), 0);
	assert_int_equal(st.st_ino, want.st_ino);
	assert_int_equal(rootfs_open(t.root, "x", O_CREAT | O_WRONLY, &err), -EINVAL);
}

static void magic_links_are_not_followed(void **state)
{
	(void)state;
	struct error err;
	auto_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(rootfs_open(root, "/proc/self/root", O_PATH | O_DIRECTORY, &err), -ELOOP);
	assert_int_equal(rootfs_open(root, "/proc/self/cwd", O_PATH | O_DIRECTORY, &err), -ELOOP);
}

static void missing_folders_are_made_inside(void **state)
{
	(void)state;
	auto_tree t;
	struct error err;
	struct stat st;
	tree_init(&t);
	auto_close int fd = rootfs_make_dir(t.root, "/a/./b//../b/c/", 0750, &err);
	assert_true(fd >= 0);
	assert_int_equal(fstatat(t.dir, "root/a/b/c", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0750);
	auto_close int above = rootfs_make_dir(t.root, "/../../../d", 0755, &err);
	assert_true(above >= 0);
	assert_true(exists(&t, "root/d"));
}

static void a_dangling_links_target_is_made_inside(void **state)
{
	(void)state;
	auto_tree t;
	struct error err;
	tree_init(&t);
	assert_int_equal(symlinkat("../../run/resolve/conf", t.root, "etc/resolv.conf"), 0);
	auto_close int fd = rootfs_make_file(t.root, "/etc/resolv.conf", 0644, &err);
	assert_true(fd >= 0);
	assert_true(exists(&t, "root/run/resolve/conf"));

	auto_free char *outside = xasprintf("%s/outside/made", test_dir_path(t.dir));
	assert_int_equal(symlinkat(outside, t.root, "away"), 0);
	auto_close int away = rootfs_make_dir(t.root, "/away/folder", 0755, &err);
	assert_true(away >= 0);
	assert_false(exists(&t, "outside/made"));
	auto_free char *inside = xasprintf("root%s/folder", outside);
	assert_true(exists(&t, inside));
}

static void what_is_in_the_way_is_named_and_left(void **state)
{
	(void)state;
	auto_tree t;
	struct error err;
	tree_init(&t);
	assert_int_equal(rootfs_make_dir(t.root, "/etc/hosts", 0755, &err), -ENOTDIR);
	assert_int_equal(rootfs_make_dir(t.root, "/etc/hosts/below", 0755, &err), -ENOTDIR);
	assert_non_null(strstr(err.text, "/etc/hosts/below"));
	assert_int_equal(rootfs_make_file(t.root, "/etc", 0644, &err), -EISDIR);
	assert_int_equal(symlinkat("loop", t.root, "loop"), 0);
	assert_int_equal(rootfs_make_dir(t.root, "/loop/x", 0755, &err), -ELOOP);
	assert_int_equal(rootfs_make_file(t.root, "/loop", 0644, &err), -ELOOP);
}

static void a_way_too_long_is_refused(void **state)
{
	(void)state;
	auto_tree t;
	struct error err;
	char deep[400] = "", name[300];
	tree_init(&t);
	for (int i = 0; i < 90; i++)
		memcpy(deep + 4 * i, "/abc", 5);
	assert_int_equal(rootfs_make_dir(t.root, deep, 0755, &err), -ENAMETOOLONG);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(rootfs_make_file(t.root, name, 0644, &err), -ENAMETOOLONG);
	/* Links that grow the way without end. */
	assert_int_equal(symlinkat("grow/x", t.root, "grow"), 0);
	assert_int_equal(rootfs_make_dir(t.root, "grow", 0755, &err), -ELOOP);
}

static void only_small_regular_files_are_read(void **state)
{
	(void)state;
	auto_tree t;
	struct error err;
	auto_strbuf text = STRBUF_INIT(1024);
	tree_init(&t);
	assert_int_equal(rootfs_read_file(t.root, "/etc/hosts", 5, &text, &err), 0);
	assert_string_equal(strbuf_text(&text), "hosts");
	assert_int_equal(rootfs_read_file(t.root, "/etc/hosts", 4, &text, &err), -EFBIG);
	assert_int_equal(rootfs_read_file(t.root, "/etc", 100, &text, &err), -EINVAL);
	assert_int_equal(rootfs_read_file(t.root, "/none", 100, &text, &err), -ENOENT);
	assert_int_equal(mkfifoat(t.root, "fifo", 0600), 0);
	assert_int_equal(rootfs_read_file(t.root, "/fifo", 100, &text, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_are_followed_inside_the_root_only),
		cmocka_unit_test(magic_links_are_not_followed),
		cmocka_unit_test(missing_folders_are_made_inside),
		cmocka_unit_test(a_dangling_links_target_is_made_inside),
		cmocka_unit_test(what_is_in_the_way_is_named_and_left),
		cmocka_unit_test(a_way_too_long_is_refused),
		cmocka_unit_test(only_small_regular_files_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
