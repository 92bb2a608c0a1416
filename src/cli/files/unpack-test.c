/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/files/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/test.h"
#include "cli/files/pack.h"

/* An archive in memory. */
static int keep(void *context, const void *data, size_t len, struct error *err)
{
	(void)err;
	strbuf_add(context, data, len);
	return 0;
}

static void add(struct strbuf *tar, const char *path, mode_t mode, const char *content,
		const char *link, bool hard)
{
	struct tar_writer w = { .sink = keep, .context = tar };
	const struct tar_header h = {
		.path = path,
		.mode = mode,
		.size = content ? strlen(content) : 0,
		.mtime_sec = 1000,
		.link = link,
		.hard_link = hard,
	};
	struct error err = {};

	assert_int_equal(tar_write_header(&w, &h, &err), 0);
	if (content) {
		assert_int_equal(tar_write_data(&w, content, strlen(content), &err), 0);
		assert_int_equal(tar_write_pad(&w, strlen(content), &err), 0);
	}
}

static void add_file(struct strbuf *tar, const char *path, const char *content)
{
	add(tar, path, S_IFREG | 0644, content, NULL, false);
}

static void add_folder(struct strbuf *tar, const char *path)
{
	add(tar, path, S_IFDIR | 0755, NULL, NULL, false);
}

static void add_link(struct strbuf *tar, const char *path, const char *to)
{
	add(tar, path, S_IFLNK | 0777, NULL, to, false);
}

static int unpack(struct strbuf *tar, int dir, const char *base, const char *name,
		  struct error *err)
{
	const struct unpack_options options = { .dir_fd = dir, .base = base, .name = name };
	auto_unpack *u = unpack_new(&options);
	struct tar_writer w = { .sink = keep, .context = tar };

	assert_int_equal(tar_write_end(&w, err), 0);
	/* in odd pieces, as a network gives them */
	for (size_t at = 0; at < tar->len;) {
		size_t n = tar->len - at < 333 ? tar->len - at : 333;
		int r = unpack_write(u, tar->data + at, n, err);
		if (r < 0)
			return r;
		at += n;
	}
	return unpack_finish(u, err);
}

static void assert_content(int dir, const char *path, const char *expected)
{
	auto_strbuf text = STRBUF_INIT(4096);
	struct error err = {};

	if (read_file_at(dir, path, 4096, &text, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(strbuf_text(&text), expected);
}

#define ARCHIVE_MAX (1U << 20)

static void a_tree_arrives_under_its_new_name(void **state)
{
	auto_test_dir int dir = test_dir();
	auto_strbuf tar = STRBUF_INIT(ARCHIVE_MAX);
	struct error err = {};
	struct stat a;
	struct stat b;

	(void)state;
	add_folder(&tar, "etc");
	add_file(&tar, "etc/a", "one");
	add(&tar, "etc/hard", S_IFREG | 0644, NULL, "etc/a", true);
	add_folder(&tar, "etc/sub");
	add_file(&tar, "etc/sub/b", "two");
	add_link(&tar, "etc/link", "/somewhere");
	assert_int_equal(unpack(&tar, dir, "etc", "new", &err), 0);
	assert_content(dir, "new/a", "one");
	assert_content(dir, "new/sub/b", "two");
	assert_int_equal(fstatat(dir, "new/a", &a, 0), 0);
	assert_int_equal(fstatat(dir, "new/hard", &b, 0), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	assert_int_equal(a.st_mtim.tv_sec, 1000);
	assert_int_equal(fstatat(dir, "new/sub", &b, 0), 0);
	assert_int_equal(b.st_mtim.tv_sec, 1000);
	assert_int_equal(fstatat(dir, "new/link", &b, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISLNK(b.st_mode));
}

static void a_content_arrives_in_the_folder_itself(void **state)
{
	auto_test_dir int dir = test_dir();
	auto_strbuf tar = STRBUF_INIT(ARCHIVE_MAX);
	struct error err = {};

	(void)state;
	add_folder(&tar, "./");
	add_file(&tar, "./a", "one");
	assert_int_equal(unpack(&tar, dir, "", "", &err), 0);
	assert_content(dir, "a", "one");
}

static void a_file_takes_the_place_of_another(void **state)
{
	auto_test_dir int dir = test_dir();
	auto_strbuf tar = STRBUF_INIT(ARCHIVE_MAX);
	struct error err = {};

	(void)state;
	test_write(dir, "target", "old and longer");
	add_file(&tar, "a", "new");
	assert_int_equal(unpack(&tar, dir, "a", "target", &err), 0);
	assert_content(dir, "target", "new");
}

static void a_link_of_the_archive_is_not_followed(void **state)
{
	auto_test_dir int dir = test_dir();
	auto_test_dir int outside = test_dir();
	auto_strbuf tar = STRBUF_INIT(ARCHIVE_MAX);
	struct error err = {};

	(void)state;
	add_folder(&tar, "x");
	add_link(&tar, "x/way", test_dir_path(outside));
	add_file(&tar, "x/way/file", "escaped");
	assert_true(unpack(&tar, dir, "x", "x", &err) < 0);
	assert_int_equal(faccessat(outside, "file", F_OK, 0), -1);
}

static void a_link_in_the_target_is_replaced_rather_than_followed(void **state)
{
	auto_test_dir int dir = test_dir();
	auto_test_dir int outside = test_dir();
	auto_strbuf tar = STRBUF_INIT(ARCHIVE_MAX);
	struct error err = {};

	(void)state;
	test_write(outside, "file", "untouched");
	assert_int_equal(symlinkat(test_dir_path(outside), dir, "x"), 0);
	assert_int_equal(symlinkat("/nonexistent", dir, "y"), 0);
	add_folder(&tar, "x");
	add_file(&tar, "x/file", "new");
	add_file(&tar, "y", "new");
	assert_int_equal(unpack(&tar, dir, "", "", &err), 0);
	assert_content(dir, "x/file", "new");
	assert_content(dir, "y", "new");
	assert_content(outside, "file", "untouched");
}

static void a_link_in_the_target_on_the_way_is_refused(void **state)
{
	auto_test_dir int dir = test_dir();
	auto_test_dir int outside = test_dir();
	auto_strbuf tar = STRBUF_INIT(ARCHIVE_MAX);
	struct error err = {};

	(void)state;
	assert_int_equal(symlinkat(test_dir_path(outside), dir, "x"), 0);
	/* without an entry for the folder itself */
	add_file(&tar, "x/file", "escaped");
	assert_true(unpack(&tar, dir, "", "", &err) < 0);
	assert_int_equal(faccessat(outside, "file", F_OK, 0), -1);
}

static void what_was_not_asked_for_is_refused(void **state)
{
	static const char *const paths[] = { "other", "etcetera/x", "etc2" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		auto_test_dir int dir = test_dir();
		auto_strbuf tar = STRBUF_INIT(ARCHIVE_MAX);
		struct error err = {};
		add_file(&tar, paths[i], "x");
		assert_int_equal(unpack(&tar, dir, "etc", "etc", &err), -EBADMSG);
	}
}

static void a_path_that_leads_up_is_refused(void **state)
{
	auto_test_dir int dir = test_dir();
	auto_strbuf tar = STRBUF_INIT(ARCHIVE_MAX);
	struct error err = {};

	(void)state;
	add_file(&tar, "etc/../../x", "x");
	assert_true(unpack(&tar, dir, "etc", "etc", &err) < 0);
}

static void a_hard_link_to_what_was_not_asked_for_is_refused(void **state)
{
	auto_test_dir int dir = test_dir();
	auto_strbuf tar = STRBUF_INIT(ARCHIVE_MAX);
	struct error err = {};

	(void)state;
	test_write(dir, "secret", "s");
	add_folder(&tar, "etc");
	add(&tar, "etc/x", S_IFREG | 0644, NULL, "secret", true);
	assert_int_equal(unpack(&tar, dir, "etc", "etc", &err), -EBADMSG);
}

static void a_hard_link_through_a_link_of_the_target_is_refused(void **state)
{
	auto_test_dir int dir = test_dir();
	auto_test_dir int outside = test_dir();
	auto_strbuf tar = STRBUF_INIT(ARCHIVE_MAX);
	struct error err = {};

	(void)state;
	test_write(outside, "secret", "s");
	test_write(dir, "etc/keep", "");
	assert_int_equal(symlinkat(test_dir_path(outside), dir, "etc/way"), 0);
	add(&tar, "etc/x", S_IFREG | 0644, NULL, "etc/way/secret", true);
	assert_true(unpack(&tar, dir, "etc", "etc", &err) < 0);
	assert_int_equal(faccessat(dir, "etc/x", F_OK, 0), -1);
}

static void set_id_bits_do_not_arrive(void **state)
{
	auto_test_dir int dir = test_dir();
	auto_strbuf tar = STRBUF_INIT(ARCHIVE_MAX);
	struct error err = {};
	struct stat st;

	(void)state;
	add(&tar, "a", S_IFREG | 06755, "x", NULL, false);
	assert_int_equal(unpack(&tar, dir, "a", "a", &err), 0);
	assert_int_equal(fstatat(dir, "a", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
}

static void a_folder_is_not_replaced_by_a_file(void **state)
{
	auto_test_dir int dir = test_dir();
	auto_strbuf tar = STRBUF_INIT(ARCHIVE_MAX);
	struct error err = {};

	(void)state;
	test_write(dir, "x/inside", "kept");
	add_file(&tar, "x", "file");
	assert_int_equal(unpack(&tar, dir, "x", "x", &err), -EISDIR);
	assert_content(dir, "x/inside", "kept");
}

static void an_archive_that_is_cut_off_is_an_error(void **state)
{
	auto_test_dir int dir = test_dir();
	auto_strbuf tar = STRBUF_INIT(ARCHIVE_MAX);
	const struct unpack_options options = { .dir_fd = dir, .base = "", .name = "" };
	auto_unpack *u = unpack_new(&options);
	struct error err = {};

	(void)state;
	add_file(&tar, "a", "0123456789");
	assert_int_equal(unpack_write(u, tar.data, TAR_BLOCK + 5, &err), 0);
	assert_true(unpack_finish(u, &err) < 0);
}

static void what_is_packed_can_be_unpacked(void **state)
{
	auto_test_dir int from = test_dir();
	auto_test_dir int to = test_dir();
	auto_strbuf tar = STRBUF_INIT(ARCHIVE_MAX);
	struct tar_writer w = { .sink = keep, .context = &tar };
	const struct unpack_options options = { .dir_fd = to, .base = "renamed", .name = "x" };
	auto_unpack *u = unpack_new(&options);
	struct error err = {};

	(void)state;
	test_write(from, "d/e", "deep");
	test_write(from, "f", "flat");
	assert_int_equal(pack_path(&w, test_dir_path(from), "renamed", false, &err), 0);
	assert_int_equal(unpack_write(u, tar.data, tar.len, &err), 0);
	assert_int_equal(unpack_finish(u, &err), 0);
	assert_content(to, "x/d/e", "deep");
	assert_content(to, "x/f", "flat");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tree_arrives_under_its_new_name),
		cmocka_unit_test(a_content_arrives_in_the_folder_itself),
		cmocka_unit_test(a_file_takes_the_place_of_another),
		cmocka_unit_test(a_link_of_the_archive_is_not_followed),
		cmocka_unit_test(a_link_in_the_target_is_replaced_rather_than_followed),
		cmocka_unit_test(a_link_in_the_target_on_the_way_is_refused),
		cmocka_unit_test(what_was_not_asked_for_is_refused),
		cmocka_unit_test(a_path_that_leads_up_is_refused),
		cmocka_unit_test(a_hard_link_to_what_was_not_asked_for_is_refused),
		cmocka_unit_test(a_hard_link_through_a_link_of_the_target_is_refused),
		cmocka_unit_test(set_id_bits_do_not_arrive),
		cmocka_unit_test(a_folder_is_not_replaced_by_a_file),
		cmocka_unit_test(an_archive_that_is_cut_off_is_an_error),
		cmocka_unit_test(what_is_packed_can_be_unpacked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
