/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/files/copy-path.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/test.h"

static void assert_clean(const char *path, const char *expected)
{
	auto_free char *got = copy_clean(path);

	assert_string_equal(got, expected);
}

static void paths_become_absolute_and_clean(void **state)
{
	(void)state;
	assert_clean("/a/b", "/a/b");
	assert_clean("a//b/", "/a/b/");
	assert_clean("/a/./b/../c", "/a/c");
	assert_clean("../../x", "/x");
	assert_clean("/", "/");
	assert_clean("", "/");
	assert_clean("/a/.", "/a/.");
	assert_clean("/.", "/");
}

static void assert_base(const char *path, const char *expected)
{
	auto_free char *got = copy_base(path);

	assert_string_equal(got, expected);
}

static void the_base_is_the_last_part_or_nothing_for_a_content(void **state)
{
	(void)state;
	assert_base("/a/b", "b");
	assert_base("/a/b/", "b");
	assert_base("b", "b");
	assert_base("/a/.", "");
	assert_base(".", "");
	assert_base("..", "");
	assert_base("/", "");
}

static void assert_place(const char *target, bool exists, bool dir, const char *base,
			 bool source_dir, const char *expected)
{
	auto_free char *parent = NULL;
	auto_free char *name = NULL;
	struct error err = {};

	assert_int_equal(copy_place(target, exists, dir, base, source_dir, &parent, &name, &err),
			 0);
	auto_free char *got = xasprintf("%s + %s", parent, name);
	assert_string_equal(got, expected);
}

static void copies_go_into_folders_and_else_under_the_targets_name(void **state)
{
	(void)state;
	assert_place("/d", true, true, "src", true, "/d + src");
	assert_place("/d", true, true, "file", false, "/d + file");
	assert_place("/d", true, true, "", true, "/d + ");
	assert_place("/d/new", false, false, "src", true, "/d + new");
	assert_place("/d/new/", false, false, "src", true, "/d + new");
	assert_place("/d/f", true, false, "file", false, "/d + f");
	assert_place("f", false, false, "file", false, ". + f");
	assert_place("/f", false, false, "file", false, "/ + f");
}

static void assert_refused(const char *target, bool exists, bool source_dir, int code)
{
	char *parent = NULL;
	char *name = NULL;
	struct error err = {};

	assert_int_equal(copy_place(target, exists, false, "src", source_dir, &parent, &name, &err),
			 code);
}

static void copies_that_make_no_sense_are_refused(void **state)
{
	(void)state;
	assert_refused("/file", true, true, -ENOTDIR);
	assert_refused("/missing/", false, false, -ENOENT);
	assert_refused("/missing/.", false, true, -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_become_absolute_and_clean),
		cmocka_unit_test(the_base_is_the_last_part_or_nothing_for_a_content),
		cmocka_unit_test(copies_go_into_folders_and_else_under_the_targets_name),
		cmocka_unit_test(copies_that_make_no_sense_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
