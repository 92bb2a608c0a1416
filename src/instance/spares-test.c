/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/spares.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/test.h"

static bool is_folder(int dir_fd, const char *path)
{
	struct stat st;
	return fstatat(dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static void a_spare_is_taken_once_and_has_its_two_folders(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	auto_free char *path = xstrdup(test_dir_path(dir));
	struct spares spares;
	assert_int_equal(spares_init(&spares, path, NULL), 0);
	assert_int_equal(spares_take(&spares, dir, "none"), -ENOENT);
	assert_int_equal(spares_refill(&spares, NULL), 0);
	for (int i = 0; i < SPARES_MAX; i++) {
		auto_free char *name = xasprintf("i%d", i);
		auto_free char *upper = xasprintf("i%d/upper", i);
		auto_free char *work = xasprintf("i%d/work", i);
		assert_int_equal(spares_take(&spares, dir, name), 0);
		assert_true(is_folder(dir, upper) && is_folder(dir, work));
	}
	assert_int_equal(spares_take(&spares, dir, "more"), -ENOENT);
	spares_done(&spares);
}

static void a_folder_that_is_there_is_not_replaced(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	auto_free char *path = xstrdup(test_dir_path(dir));
	struct spares spares;
	assert_int_equal(spares_init(&spares, path, NULL), 0);
	assert_int_equal(spares_refill(&spares, NULL), 0);
	test_write(dir, "kept/file", "x");
	assert_int_equal(spares_take(&spares, dir, "kept"), -EEXIST);
	assert_int_equal(faccessat(dir, "kept/file", F_OK, 0), 0);
	spares_done(&spares);
}

static void what_an_earlier_engine_left_is_not_used(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	auto_free char *path = xstrdup(test_dir_path(dir));
	test_write(dir, "spare/0123456789abcdef/upper/etc/shadow", "left");
	struct spares spares;
	assert_int_equal(spares_init(&spares, path, NULL), 0);
	assert_false(is_folder(dir, "spare/0123456789abcdef"));
	spares_done(&spares);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_spare_is_taken_once_and_has_its_two_folders),
		cmocka_unit_test(a_folder_that_is_there_is_not_replaced),
		cmocka_unit_test(what_an_earlier_engine_left_is_not_used),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
