/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/process.h"
#include "store/image/image.h"
#include "store/test-tools.h"

/*
 * What a layer means: the same tar is stored as an EROFS index and as a folder, and both are looked at
 * through the file system. Where GNU tar means the same, it is a third witness.
 */

static const enum store_mode modes[] = { STORE_MODE_EROFS_FILE, STORE_MODE_EROFS_LOOP,
					 STORE_MODE_FOLDER };

static bool can_mount;

static int find_out(void **state)
{
	(void)state;
	can_mount = tt_can_mount();
	return 0;
}

/* The layer's tree as one mode shows it, or the failure. */
static int show(enum store_mode mode, const struct strbuf *tar, struct strbuf *ret,
		struct error *err)
{
	auto_tt_store s;
	struct layer_info info;
	struct image_layers *layers = NULL;
	struct digest id;

	tt_store_open(&s, mode);
	int r = tt_ingest(&s, tar, NULL, 0, &info, err);
	if (r < 0) {
		assert_int_equal(tt_count_files(&s, "layers"), 0);
		assert_int_equal(tt_count_files(&s, "blobs/sha256"), 0);
		return r;
	}
	tt_commit(&s, &info, 1, NULL, "x", &id);
	r = image_layers_get(s.store, &id, &layers, err);
	if (r < 0)
		fail_msg("%s", err->text);
	tt_manifest(layers->fds[0], ret);
	image_layers_put(s.store, layers);
	return 0;
}

/* All modes agree; @ret receives what they show. */
static void show_all(struct strbuf *tar, struct strbuf *ret)
{
	struct error err = { 0 };

	tt_end(tar);
	if (show(STORE_MODE_FOLDER, tar, ret, &err) < 0)
		fail_msg("%s", err.text);
	for (size_t i = 0; can_mount && i < ARRAY_SIZE(modes); i++) {
		auto_strbuf other = STRBUF_INIT(TT_MAX);
		if (show(modes[i], tar, &other, &err) < 0)
			fail_msg("%s", err.text);
		assert_string_equal(strbuf_text(ret), strbuf_text(&other));
	}
}

/* The inode number that a folder's listing gives a name; 0 is one of a name that is hidden. */
static ino_t listed_number(int dir_fd, const char *folder, const char *name)
{
	ino_t found = 0;
	int fd = openat(dir_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fdopendir(fd);

	assert_non_null(dir);
	for (struct dirent *d; (d = readdir(dir));) {
		if (strcmp(d->d_name, name) == 0)
			found = d->d_ino;
	}
	(void)closedir(dir);
	return found;
}

static void every_listed_name_has_an_inode_number(void **state)
{
	(void)state;
	for (size_t i = 0; can_mount && i < ARRAY_SIZE(modes); i++) {
		auto_strbuf tar = STRBUF_INIT(TT_MAX);
		auto_tt_store s;
		struct layer_info info;
		struct image_layers *layers = NULL;
		struct digest id;
		struct error err = { 0 };

		tt_add(&tar, '0', "folder/file", NULL, "x");
		tt_end(&tar);
		tt_store_open(&s, modes[i]);
		assert_int_equal(tt_ingest(&s, &tar, NULL, 0, &info, &err), 0);
		tt_commit(&s, &info, 1, NULL, "x", &id);
		assert_int_equal(image_layers_get(s.store, &id, &layers, &err), 0);
		assert_int_not_equal(listed_number(layers->fds[0], "folder", ".."), 0);
		assert_int_not_equal(listed_number(layers->fds[0], "folder", "file"), 0);
		assert_int_not_equal(listed_number(layers->fds[0], ".", "."), 0);
		assert_int_not_equal(listed_number(layers->fds[0], ".", ".."), 0);
		image_layers_put(s.store, layers);
	}
}

static void expect_refused(struct strbuf *tar)
{
	tt_end(tar);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		struct error err = { 0 };
		auto_strbuf out = STRBUF_INIT(TT_MAX);
		if (!can_mount && modes[i] != STORE_MODE_FOLDER)
			continue;
		int r = show(modes[i], tar, &out, &err);
		if (r != -EBADMSG)
			fail_msg("not refused (%d): %s", r, strbuf_text(&out));
	}
	strbuf_clear(tar);
}

/* The line of one path, without its newline; "" where there is none. */
static const char *line_of(const struct strbuf *shown, const char *path)
{
	static char line[1024];
	auto_free char *start = xasprintf("\n%s ", path);

	const char *found = strstr(strbuf_text(shown), start);
	if (!found)
		return "";
	(void)snprintf(line, sizeof(line), "%.*s", (int)strcspn(found + 1, "\n"), found + 1);
	return line;
}

static void expect_line(const struct strbuf *shown, const char *path, const char *text)
{
	const char *line = line_of(shown, path);

	if (!strstr(line, text))
		fail_msg("'%s' is not in '%s' of\n%s", text, line, strbuf_text(shown));
}

static void expect_none(const struct strbuf *shown, const char *path)
{
	if (*line_of(shown, path))
		fail_msg("'%s' should not be there", path);
}

/* ---- Benign ---- */

static void add_corpus(struct strbuf *tar)
{
	char name[64];
	auto_strbuf target = STRBUF_INIT(TT_MAX);

	tt_add(tar, '5', "./", NULL, NULL);
	tt_add(tar, '5', "usr", NULL, NULL);
	tt_add(tar, '5', "usr/bin", NULL, NULL);
	tt_add(tar, '0', "usr/bin/a", NULL, "program");
	tt_add(tar, '1', "usr/bin/b", "usr/bin/a", NULL);
	tt_add(tar, '1', "c", "./usr/bin/b", NULL);
	tt_add(tar, '2', "bin", "usr/bin", NULL);
	tt_add(tar, '2', "absolute", "/usr/bin", NULL);
	tt_add(tar, '2', "outside", "../../../etc/shadow", NULL);
	tt_add(tar, '0', "!before-the-dots", NULL, "x");
	tt_add(tar, '0', "-dash", NULL, NULL);
	tt_add(tar, '6', "pipe", NULL, NULL);
	const struct tt_entry setuid = { '0', "su", NULL, "suid", 4, 04755, 1, 2000000, 0, 0 };
	tt_add_entry(tar, &setuid);
	const struct tt_entry null = { '3', "null", NULL, NULL, 0, 0666, 0, 0, 1, 3 };
	tt_add_entry(tar, &null);
	tt_pax(tar, 'x', "mtime=-5.000000007", "SCHILY.xattr.user.k=v", "uid=3000000000", NULL);
	tt_add(tar, '0', "with-attributes", NULL, "data");
	tt_add(tar, '5', "many", NULL, NULL);
	for (int i = 0; i < 700; i++) {
		(void)snprintf(name, sizeof(name), "many/a-rather-long-name-of-a-file-%d",
			       i * 7919);
		tt_add(tar, '0', name, NULL, i % 50 ? "" : name);
	}
	for (int length = 1; length < 2000; length += 333) {
		strbuf_clear(&target);
		for (int i = 0; i < length; i++)
			strbuf_addc(&target, (char)('a' + i % 26));
		(void)snprintf(name, sizeof(name), "link-%d", length);
		tt_long(tar, 'K', strbuf_text(&target));
		tt_add(tar, '2', name, "x", NULL);
	}
}

/* GNU tar's extraction of the same bytes. */
static void extract(const struct strbuf *tar, struct strbuf *ret)
{
	auto_test_dir int dir = test_dir();
	auto_free char *root = xasprintf("--directory=%s/root", test_dir_path(dir));
	auto_free char *file = xasprintf("--file=%s/tar", test_dir_path(dir));
	char *argv[] = { "/bin/tar",
			 "--extract",
			 "--preserve-permissions",
			 "--numeric-owner",
			 "--xattrs",
			 "--xattrs-include=*",
			 root,
			 file,
			 NULL };
	struct error err = { 0 };

	auto_close int fd = openat(dir, "tar", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, tar->data, tar->len), (ssize_t)tar->len);
	assert_int_equal(mkdirat(dir, "root", 0755), 0);
	int status = process_run(argv, 60000, NULL, &err);
	if (status != 0)
		fail_msg("tar: %d %s", status, err.text);
	auto_close int opened = openat(dir, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	tt_manifest(opened, ret);
}

static void an_ordinary_layer_is_the_same_in_each_mode_and_to_gnu_tar(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_strbuf shown = STRBUF_INIT(TT_MAX);
	auto_strbuf gnu = STRBUF_INIT(TT_MAX);

	(void)state;
	add_corpus(&tar);
	show_all(&tar, &shown);
	expect_line(&shown, "/usr/bin/a", "links=3");
	expect_line(&shown, "/with-attributes", "3000000000:0");
	if (access("/bin/tar", X_OK) < 0)
		skip();
	extract(&tar, &gnu);
	assert_string_equal(strbuf_text(&shown), strbuf_text(&gnu));
}

static void an_empty_layer_has_a_root(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_strbuf shown = STRBUF_INIT(TT_MAX);

	(void)state;
	show_all(&tar, &shown);
	assert_string_equal(strbuf_text(&shown), " 40755 0:0 0 0.000000000 links=2 rdev=0:0\n");
}

static void parents_that_no_entry_names_are_made(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_strbuf shown = STRBUF_INIT(TT_MAX);
	const struct tt_entry late = { '5', "a", NULL, NULL, 0, 0700, 5, 6, 0, 0 };

	(void)state;
	tt_add(&tar, '0', "a/b/c", NULL, "x");
	tt_add_entry(&tar, &late);
	show_all(&tar, &shown);
	expect_line(&shown, "/a", "40700 5:6");
	expect_line(&shown, "/a/b", "40755 0:0");
	expect_line(&shown, "/a/b/c", "100644");
}

static void a_later_entry_replaces_an_earlier_one(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_strbuf shown = STRBUF_INIT(TT_MAX);

	(void)state;
	tt_add(&tar, '0', "file", NULL, "old");
	tt_add(&tar, '0', "file", NULL, "newer");
	tt_add(&tar, '0', "was-folder/inside", NULL, "x");
	tt_add(&tar, '2', "was-folder", "file", NULL);
	tt_add(&tar, '2', "was-link", "/", NULL);
	tt_add(&tar, '5', "was-link", NULL, NULL);
	tt_add(&tar, '0', "was-link/inside", NULL, "x");
	tt_add(&tar, '0', "kept/inside", NULL, "x");
	tt_add(&tar, '5', "kept", NULL, NULL);
	tt_add(&tar, '0', "first", NULL, "shared");
	tt_add(&tar, '1', "second", "first", NULL);
	tt_add(&tar, '0', "first", NULL, "own");
	tt_add(&tar, '1', "second", "second", NULL);
	show_all(&tar, &shown);
	expect_line(&shown, "/file", " 5 ");
	expect_line(&shown, "/was-folder", "-> file");
	expect_none(&shown, "/inside");
	expect_line(&shown, "/was-link/inside", "100644");
	expect_line(&shown, "/kept/inside", "100644");
	expect_line(&shown, "/first", "links=1");
	expect_line(&shown, "/second", "links=1");
}

static void links_below_linked_parents_stay_within_the_layer(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_strbuf shown = STRBUF_INIT(TT_MAX);

	(void)state;
	tt_add(&tar, '5', "run", NULL, NULL);
	tt_add(&tar, '5', "var", NULL, NULL);
	tt_add(&tar, '2', "var/run", "/run", NULL);
	tt_add(&tar, '0', "var/run/absolute", NULL, "x");
	tt_add(&tar, '2', "var/up", "../../../../run", NULL);
	tt_add(&tar, '0', "var/up/relative", NULL, "x");
	tt_add(&tar, '2', "dangling", "/new/place", NULL);
	tt_add(&tar, '0', "dangling/file", NULL, "x");
	tt_add(&tar, '1', "hard", "/var/run/absolute", NULL);
	show_all(&tar, &shown);
	expect_line(&shown, "/run/absolute", "links=2");
	expect_line(&shown, "/run/relative", "100644");
	expect_line(&shown, "/new/place/file", "100644");
	expect_line(&shown, "/var/run", "-> /run");
	expect_line(&shown, "/hard", "links=2");
}

static void whiteouts_become_those_of_overlayfs(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_strbuf shown = STRBUF_INIT(TT_MAX);

	(void)state;
	tt_add(&tar, '0', "dir/.wh.gone", NULL, NULL);
	tt_add(&tar, '0', "emptied/.wh..wh..opq", NULL, NULL);
	tt_add(&tar, '0', "emptied/kept", NULL, NULL);
	tt_add(&tar, '0', ".wh.replaced", NULL, NULL);
	tt_add(&tar, '0', "replaced/new", NULL, NULL);
	tt_add(&tar, '0', "also-replaced/new", NULL, NULL);
	tt_add(&tar, '0', ".wh.also-replaced", NULL, NULL);
	tt_add(&tar, '0', "file", NULL, "x");
	tt_add(&tar, '0', ".wh.file", NULL, NULL);
	tt_add(&tar, '0', ".wh..wh.plnk/1.2", NULL, "aufs");
	tt_add(&tar, '0', ".wh..wh.aufs", NULL, NULL);
	show_all(&tar, &shown);
	expect_line(&shown, "/dir/gone", "20000 0:0 0 1700000000.000000000 links=1 rdev=0:0");
	expect_line(&shown, "/emptied", "trusted.overlay.opaque=79");
	expect_line(&shown, "/emptied/kept", "100644");
	expect_line(&shown, "/replaced", "trusted.overlay.opaque=79");
	expect_line(&shown, "/also-replaced", "trusted.overlay.opaque=79");
	expect_line(&shown, "/file", "100644");
	expect_none(&shown, "/.wh..wh.aufs");
	expect_none(&shown, "/.wh..wh.plnk");
}

static void attributes_that_steer_overlayfs_are_dropped(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_strbuf shown = STRBUF_INIT(TT_MAX);

	(void)state;
	tt_pax(&tar, 'x', "SCHILY.xattr.trusted.overlay.redirect=/etc",
	       "SCHILY.xattr.trusted.overlay.opaque=y", "SCHILY.xattr.user.overlay.opaque=y",
	       "SCHILY.xattr.security.selinux=x", "SCHILY.xattr.trusted.other=kept",
	       "SCHILY.xattr.user.mine=kept", NULL);
	tt_add(&tar, '5', "dir", NULL, NULL);
	show_all(&tar, &shown);
	assert_null(strstr(strbuf_text(&shown), "overlay"));
	assert_null(strstr(strbuf_text(&shown), "selinux"));
	expect_line(&shown, "/dir", "trusted.other=6b657074");
	expect_line(&shown, "/dir", "user.mine=6b657074");
}

static void devices_of_the_host_become_inert(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_strbuf shown = STRBUF_INIT(TT_MAX);
	const struct tt_entry disk = { '4', "sda", NULL, NULL, 0, 0660, 0, 6, 8, 0 };
	const struct tt_entry memory = { '3', "mem", NULL, NULL, 0, 0640, 0, 0, 1, 1 };
	const struct tt_entry zero = { '3', "zero", NULL, NULL, 0, 0666, 0, 0, 1, 5 };

	(void)state;
	tt_add_entry(&tar, &disk);
	tt_add_entry(&tar, &memory);
	tt_add_entry(&tar, &zero);
	show_all(&tar, &shown);
	expect_line(&shown, "/sda", "60660 0:6 0 1700000000.000000000 links=1 rdev=0:1048575");
	expect_line(&shown, "/mem", "20640 0:0 0 1700000000.000000000 links=1 rdev=0:1048575");
	expect_line(&shown, "/zero", "rdev=1:5");
}

/* ---- Hostile ---- */

static void what_makes_no_sense_as_a_tree_is_refused(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	const struct tt_entry whiteout = { '3', "lower", NULL, NULL, 0, 0600, 0, 0, 0, 0 };
	static const char *const whiteouts[] = { ".wh.", ".wh..", ".wh...", "a/.wh.", ".wh.a/b" };

	(void)state;
	tt_add(&tar, '1', "hard", "/etc/passwd", NULL); /* not in the layer */
	expect_refused(&tar);
	tt_add(&tar, '5', "dir", NULL, NULL);
	tt_add(&tar, '1', "hard", "dir", NULL);
	expect_refused(&tar);
	tt_add(&tar, '1', "hard", "/", NULL);
	expect_refused(&tar);
	tt_add(&tar, '0', "file", NULL, "x");
	tt_add(&tar, '0', "file/below", NULL, "x");
	expect_refused(&tar);
	tt_add(&tar, '2', "a", "b", NULL);
	tt_add(&tar, '2', "b", "a", NULL);
	tt_add(&tar, '0', "a/file", NULL, "x");
	expect_refused(&tar);
	tt_add(&tar, '0', ".wh.gone", NULL, NULL);
	tt_add(&tar, '1', "hard", "gone", NULL);
	expect_refused(&tar);
	tt_add_entry(&tar, &whiteout);
	expect_refused(&tar);
	tt_add(&tar, '2', ".wh.link", "x", NULL);
	expect_refused(&tar);
	tt_add(&tar, '0', ".wh.full", NULL, "content");
	expect_refused(&tar);
	for (size_t i = 0; i < ARRAY_SIZE(whiteouts); i++) {
		tt_add(&tar, '0', whiteouts[i], NULL, NULL);
		expect_refused(&tar);
	}
}

/* A chain in which each link doubles the way: what it costs must be bounded. */
static void links_that_multiply_are_refused(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	char name[16];
	char target[32];

	(void)state;
	tt_add(&tar, '5', "l0", NULL, NULL);
	for (int i = 1; i <= 30; i++) {
		(void)snprintf(name, sizeof(name), "l%d", i);
		(void)snprintf(target, sizeof(target), "l%d/../l%d", i - 1, i - 1);
		tt_add(&tar, '2', name, target, NULL);
	}
	tt_add(&tar, '0', "l30/file", NULL, "x");
	expect_refused(&tar);
}

static void folders_cannot_be_nested_without_end_through_links(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_strbuf deep = STRBUF_INIT(TT_MAX);

	(void)state;
	for (int i = 0; i < 200; i++)
		strbuf_addf(&deep, "%sd", i ? "/" : "");
	tt_long(&tar, 'L', strbuf_text(&deep));
	tt_add(&tar, '5', "d", NULL, NULL);
	tt_long(&tar, 'K', strbuf_text(&deep));
	tt_add(&tar, '2', "down", "d", NULL);
	auto_free char *below = xasprintf("down/%s", strbuf_text(&deep));
	tt_long(&tar, 'L', below);
	tt_add(&tar, '5', "d", NULL, NULL);
	expect_refused(&tar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ordinary_layer_is_the_same_in_each_mode_and_to_gnu_tar),
		cmocka_unit_test(every_listed_name_has_an_inode_number),
		cmocka_unit_test(an_empty_layer_has_a_root),
		cmocka_unit_test(parents_that_no_entry_names_are_made),
		cmocka_unit_test(a_later_entry_replaces_an_earlier_one),
		cmocka_unit_test(links_below_linked_parents_stay_within_the_layer),
		cmocka_unit_test(whiteouts_become_those_of_overlayfs),
		cmocka_unit_test(attributes_that_steer_overlayfs_are_dropped),
		cmocka_unit_test(devices_of_the_host_become_inert),
		cmocka_unit_test(what_makes_no_sense_as_a_tree_is_refused),
		cmocka_unit_test(links_that_multiply_are_refused),
		cmocka_unit_test(folders_cannot_be_nested_without_end_through_links),
	};
	if (geteuid() != 0)
		return 77; /* meson: skipped; layers have owners and devices */
	return cmocka_run_group_tests(tests, find_out, NULL);
}
