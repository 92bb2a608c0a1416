/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tar/write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/image/image.h"
#include "store/test-tools.h"

static int to_strbuf(void *context, const void *data, size_t len, struct error *err)
{
	(void)err;
	strbuf_add(context, data, len);
	return 0;
}

static void write_tree(int dir, const struct tar_tree_options *options, struct strbuf *ret)
{
	struct tar_writer w = { .sink = to_strbuf, .context = ret };
	struct error err = { 0 };

	if (tar_write_tree(&w, dir, options, &err) < 0 || tar_write_end(&w, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(w.written, ret->len);
}

/* What the tar means, seen as a layer. */
static void show(const struct strbuf *tar, struct strbuf *ret)
{
	auto_tt_store s;
	struct layer_info info;
	struct image_layers *layers = NULL;
	struct digest id;
	struct error err = { 0 };

	tt_store_open(&s, STORE_MODE_FOLDER);
	if (tt_ingest(&s, tar, NULL, 0, &info, &err) < 0)
		fail_msg("%s", err.text);
	tt_commit(&s, &info, 1, NULL, "x", &id);
	assert_int_equal(image_layers_get(s.store, &id, &layers, &err), 0);
	tt_manifest(layers->fds[0], ret);
	image_layers_put(s.store, layers);
}

static void set_time(int dir, const char *name, int64_t sec, long nsec)
{
	const struct timespec times[2] = { { sec, nsec }, { sec, nsec } };
	assert_int_equal(utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW), 0);
}

/* Names and numbers around every limit of ustar. */
static void fill(int dir)
{
	char name[200];
	auto_strbuf path = STRBUF_INIT(4096);
	auto_strbuf target = STRBUF_INIT(4096);

	for (int len = 97; len <= 103; len++) {
		(void)snprintf(name, sizeof(name), "%0*d", len, len);
		test_write(dir, name, name);
	}
	for (int i = 0; i < 40; i++)
		strbuf_addf(&path, "folder-%02d/", i);
	strbuf_adds(&path, "file");
	test_write(dir, strbuf_text(&path), "deep");
	for (int i = 0; i < 300; i++)
		strbuf_addc(&target, 'x');
	assert_int_equal(symlinkat(strbuf_text(&target), dir, "long-link"), 0);
	assert_int_equal(symlinkat("file", dir, "short-link"), 0);
	test_write(dir, "owned", "x");
	assert_int_equal(fchownat(dir, "owned", 4000000, 2097151, 0), 0);
	assert_int_equal(fchmodat(dir, "owned", 06755, 0), 0);
	assert_int_equal(linkat(dir, "owned", dir, "owned-too", 0), 0);
	test_write(dir, "old", "x");
	set_time(dir, "old", -7, 250000000);
	test_write(dir, "precise", "x");
	set_time(dir, "precise", 1700000000, 123456789);
	assert_int_equal(mknodat(dir, "null", S_IFCHR | 0666, makedev(1, 3)), 0);
	assert_int_equal(mkfifoat(dir, "pipe", 0600), 0);
	auto_free char *attribute = xasprintf("/proc/self/fd/%d/precise", dir);
	assert_int_equal(setxattr(attribute, "user.note", "a\0b", 3, 0), 0);
}

static void a_tree_comes_back_as_it_was(void **state)
{
	auto_test_dir int dir = test_dir();
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_strbuf again = STRBUF_INIT(TT_MAX);
	auto_strbuf before = STRBUF_INIT(TT_MAX);
	auto_strbuf after = STRBUF_INIT(TT_MAX);
	const struct tar_tree_options options = { 0 };

	(void)state;
	fill(dir);
	tt_manifest(dir, &before);
	write_tree(dir, &options, &tar);
	show(&tar, &after);
	/* The root itself gets no entry. */
	assert_string_equal(strchr(strbuf_text(&before), '\n'), strchr(strbuf_text(&after), '\n'));
	write_tree(dir, &options, &again);
	assert_int_equal(tar.len, again.len);
	assert_memory_equal(tar.data, again.data, tar.len);
}

static void owners_are_shifted_back(void **state)
{
	auto_test_dir int dir = test_dir();
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_strbuf after = STRBUF_INIT(TT_MAX);
	const struct tar_tree_options options = { .id_shift = 100000, .id_count = 65536 };

	(void)state;
	test_write(dir, "inside", "x");
	assert_int_equal(fchownat(dir, "inside", 100005, 100000, 0), 0);
	test_write(dir, "outside", "x");
	write_tree(dir, &options, &tar);
	show(&tar, &after);
	assert_non_null(strstr(strbuf_text(&after), "/inside 100644 5:0"));
	assert_non_null(strstr(strbuf_text(&after), "/outside 100644 65534:65534"));
}

static void marks_of_an_upper_folder_become_whiteouts(void **state)
{
	auto_test_dir int dir = test_dir();
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_strbuf after = STRBUF_INIT(TT_MAX);
	const struct tar_tree_options options = { .convert_whiteouts = true };

	(void)state;
	test_write(dir, "folder/new", "x");
	assert_int_equal(mknodat(dir, "folder/gone", S_IFCHR, 0), 0);
	auto_free char *folder = xasprintf("/proc/self/fd/%d/folder", dir);
	assert_int_equal(setxattr(folder, "trusted.overlay.opaque", "y", 1, 0), 0);
	assert_int_equal(setxattr(folder, "trusted.overlay.impure", "y", 1, 0), 0);
	write_tree(dir, &options, &tar);
	assert_non_null(memmem(tar.data, tar.len, "folder/.wh.gone", 15));
	assert_non_null(memmem(tar.data, tar.len, "folder/.wh..wh..opq", 19));
	show(&tar, &after);
	assert_non_null(strstr(strbuf_text(&after), "/folder/gone 20000"));
	assert_non_null(strstr(strbuf_text(&after), "trusted.overlay.opaque=79"));
	assert_null(strstr(strbuf_text(&after), "impure"));
}

static void what_is_skipped_is_left_out_with_all_it_holds(void **state)
{
	auto_test_dir int dir = test_dir();
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_strbuf after = STRBUF_INIT(TT_MAX);
	auto_strv skip = { 0 };
	const struct tar_tree_options options = { .skip = &skip, .prefix = "top" };

	(void)state;
	test_write(dir, "kept/secret", "x");
	test_write(dir, "proc/1/status", "x");
	strv_add(&skip, "proc");
	strv_add(&skip, "secret");
	write_tree(dir, &options, &tar);
	show(&tar, &after);
	assert_non_null(strstr(strbuf_text(&after), "/top/kept/secret "));
	assert_null(strstr(strbuf_text(&after), "proc"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tree_comes_back_as_it_was),
		cmocka_unit_test(owners_are_shifted_back),
		cmocka_unit_test(marks_of_an_upper_folder_become_whiteouts),
		cmocka_unit_test(what_is_skipped_is_left_out_with_all_it_holds),
	};
	if (geteuid() != 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
