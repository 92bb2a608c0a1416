/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tar/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "store/test-tools.h"

#define BASE 0x70000000u

/* A root as an instance's: its folders belong to the range of ids. */
static void make_root(int dir)
{
	assert_int_equal(fchown(dir, BASE, BASE), 0);
	assert_int_equal(mkdirat(dir, "srv", 0755), 0);
	assert_int_equal(fchownat(dir, "srv", BASE, BASE, 0), 0);
}

static int unpack_with(int dir, const struct strbuf *tar, bool keep_kinds, struct error *err)
{
	const struct tar_unpack_options options = {
		.root_fd = dir,
		.path = "/srv",
		.id_base = BASE,
		.id_count = 65536,
		.keep_kinds = keep_kinds,
	};
	auto_tar_unpack *u = tar_unpack_new(&options);
	int r = 0;

	for (size_t at = 0; at < tar->len && r == 0; at += 100)
		r = tar_unpack_write(u, tar->data + at, tar->len - at < 100 ? tar->len - at : 100,
				     err);
	return r < 0 ? r : tar_unpack_finish(u, err);
}

static int unpack(int dir, const struct strbuf *tar)
{
	struct error err;

	return unpack_with(dir, tar, false, &err);
}

static void expect_text(int dir, const char *path, const char *text)
{
	auto_strbuf have = STRBUF_INIT(4096);
	struct error err;

	assert_int_equal(read_file_at(dir, path, 4096, &have, &err), 0);
	assert_string_equal(strbuf_text(&have), text);
}

static void entries_get_the_owners_of_the_tree(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	struct stat st;

	make_root(dir);
	tt_add_entry(&tar, &(struct tt_entry){ .type = '0',
					       .name = "a/b/file",
					       .content = "text",
					       .size = 4,
					       .mode = 04755,
					       .uid = 1000,
					       .gid = 7 });
	tt_add(&tar, '2', "soft", "/etc/passwd", NULL);
	tt_add(&tar, '1', "hard", "a/b/file", NULL);
	tt_end(&tar);
	assert_int_equal(unpack(dir, &tar), 0);
	expect_text(dir, "srv/hard", "text");
	assert_int_equal(fstatat(dir, "srv/a/b/file", &st, 0), 0);
	assert_int_equal(st.st_uid, BASE + 1000);
	assert_int_equal(st.st_gid, BASE + 7);
	assert_int_equal(st.st_mode & 07777, 04755);
	assert_int_equal(st.st_nlink, 2);
	assert_int_equal(fstatat(dir, "srv/a", &st, 0), 0);
	assert_int_equal(st.st_uid, BASE);
	assert_int_equal(fstatat(dir, "srv/soft", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(geteuid(), 0);
}

static void links_are_followed_inside_and_never_outside(void **state)
{
	(void)state;
	auto_test_dir int outside = test_dir();
	auto_test_dir int dir = test_dir();
	auto_strbuf tar = STRBUF_INIT(TT_MAX);

	make_root(dir);
	test_write(outside, "mark", "kept");
	assert_int_equal(symlinkat(test_dir_path(outside), dir, "srv/out"), 0);
	assert_int_equal(mkdirat(dir, "etc", 0755), 0);
	assert_int_equal(fchownat(dir, "etc", BASE, BASE, 0), 0);
	assert_int_equal(symlinkat("../../../etc", dir, "srv/in"), 0);
	tt_add(&tar, '0', "in/file", NULL, "inside");
	tt_end(&tar);
	assert_int_equal(unpack(dir, &tar), 0);
	expect_text(dir, "etc/file", "inside");

	strbuf_clear(&tar);
	tt_add(&tar, '0', "out/mark", NULL, "changed");
	tt_end(&tar);
	(void)unpack(dir, &tar);
	expect_text(outside, "mark", "kept");
}

static void what_belongs_to_nobody_inside_is_not_touched(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	auto_strbuf tar = STRBUF_INIT(TT_MAX);

	make_root(dir);
	assert_int_equal(mkdirat(dir, "srv/host", 0777), 0);
	tt_add(&tar, '0', "host/file", NULL, "x");
	tt_end(&tar);
	assert_int_equal(unpack(dir, &tar), -EACCES);
	assert_int_equal(faccessat(dir, "srv/host/file", F_OK, 0), -1);

	strbuf_clear(&tar);
	tt_add(&tar, '5', "host", NULL, NULL);
	tt_end(&tar);
	assert_int_equal(unpack(dir, &tar), -EACCES);
}

static void an_owner_that_the_tree_has_not_is_refused(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	auto_strbuf tar = STRBUF_INIT(TT_MAX);

	make_root(dir);
	tt_add_entry(&tar,
		     &(struct tt_entry){ .type = '5', .name = "a", .mode = 0755, .uid = 65536 });
	tt_end(&tar);
	assert_int_equal(unpack(dir, &tar), -EINVAL);
}

static void kinds_are_kept_where_asked_for(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	struct error err;

	make_root(dir);
	assert_int_equal(mkdirat(dir, "srv/folder", 0755), 0);
	assert_int_equal(fchownat(dir, "srv/folder", BASE, BASE, 0), 0);
	tt_add(&tar, '0', "folder", NULL, "now a file");
	tt_end(&tar);
	assert_int_equal(unpack_with(dir, &tar, true, &err), -EINVAL);
	assert_non_null(strstr(err.text, "cannot overwrite directory"));
	assert_int_equal(unpack(dir, &tar), 0);
	expect_text(dir, "srv/folder", "now a file");
}

static void devices_are_inert_and_whiteouts_refused(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	struct stat st;

	make_root(dir);
	tt_add_entry(&tar,
		     &(struct tt_entry){ .type = '4', .name = "disk", .mode = 0666, .major = 8 });
	tt_end(&tar);
	assert_int_equal(unpack(dir, &tar), 0);
	assert_int_equal(fstatat(dir, "srv/disk", &st, 0), 0);
	assert_int_not_equal(st.st_rdev >> 8, 8);

	strbuf_clear(&tar);
	tt_add_entry(&tar, &(struct tt_entry){ .type = '3', .name = "gone", .mode = 0666 });
	tt_end(&tar);
	assert_int_equal(unpack(dir, &tar), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_get_the_owners_of_the_tree),
		cmocka_unit_test(links_are_followed_inside_and_never_outside),
		cmocka_unit_test(what_belongs_to_nobody_inside_is_not_touched),
		cmocka_unit_test(an_owner_that_the_tree_has_not_is_refused),
		cmocka_unit_test(kinds_are_kept_where_asked_for),
		cmocka_unit_test(devices_are_inert_and_whiteouts_refused),
	};
	/* owners can be given by root alone */
	return geteuid() == 0 ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
