/* SPDX-License-Identifier: Apache-2.0 */
#include "files/copy-path.h"

#include <errno.h>
#include <string.h>

#include "base/test.h"

static void expect(const char *text, const char *path, const char *name, bool folder,
		   const char *archive_name)
{
	struct copy_path parts;
	struct error err;
	auto_free char *top = copy_path_archive_name(text);

	assert_int_equal(copy_path_split(text, &parts, &err), 0);
	assert_string_equal(parts.path, path);
	assert_string_equal(parts.name, name);
	assert_int_equal(parts.folder, folder);
	assert_string_equal(top, archive_name);
}

static void paths_mean_what_docker_means_by_them(void **state)
{
	(void)state;
	expect("/etc/passwd", "/etc/passwd", "passwd", false, "passwd");
	expect("etc/passwd", "/etc/passwd", "passwd", false, "passwd");
	expect("/etc/", "/etc", "etc", true, "etc");
	expect("/etc/.", "/etc", "etc", true, ".");
	expect("/", "/", "/", true, "");
	expect(".", "/", "/", true, "");
	expect("../../x//y/../z", "/x/z", "z", false, "z");
	expect("/a..", "/a..", "a..", false, "a..");
}

static void empty_and_endless_paths_are_refused(void **state)
{
	(void)state;
	struct copy_path parts;
	struct error err;
	char text[ROOTFS_PATH_MAX + 2];

	assert_int_equal(copy_path_split("", &parts, &err), -EINVAL);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(copy_path_split(text, &parts, &err), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_mean_what_docker_means_by_them),
		cmocka_unit_test(empty_and_endless_paths_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
