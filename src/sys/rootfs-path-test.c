/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test.h"
#include "sys/rootfs.h"

static void expect(int dir, const char *path, const char *wanted)
{
	char real[ROOTFS_PATH_MAX];
	struct error err;

	assert_int_equal(rootfs_real_path(dir, path, real, &err), 0);
	assert_string_equal(real, wanted);
}

static void links_are_resolved_inside_the_root(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();

	test_write(dir, "run/deep/file", "");
	assert_int_equal(mkdirat(dir, "var", 0755), 0);
	assert_int_equal(symlinkat("/run", dir, "var/run"), 0);
	assert_int_equal(symlinkat("../../../../run/./deep", dir, "up"), 0);
	expect(dir, "/var/run/deep/file", "/run/deep/file");
	expect(dir, "up/file", "/run/deep/file");
	expect(dir, "/", "/");
	expect(dir, "../../..", "/");
	expect(dir, "run//deep/../deep/.", "/run/deep");
}

static void what_is_missing_is_kept_as_it_was_written(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();

	assert_int_equal(symlinkat("/none/there", dir, "dangling"), 0);
	expect(dir, "/dangling/more", "/none/there/more");
}

static void loops_and_long_paths_end(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	char real[ROOTFS_PATH_MAX];
	char path[ROOTFS_PATH_MAX + 8];
	struct error err;

	assert_int_equal(symlinkat("b", dir, "a"), 0);
	assert_int_equal(symlinkat("a", dir, "b"), 0);
	assert_int_equal(rootfs_real_path(dir, "/a", real, &err), -ELOOP);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(rootfs_real_path(dir, path, real, &err), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_are_resolved_inside_the_root),
		cmocka_unit_test(what_is_missing_is_kept_as_it_was_written),
		cmocka_unit_test(loops_and_long_paths_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
