/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tar/relay.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "store/test-tools.h"
#include "store/tree/tree.h"

static int to_strbuf(void *context, const void *data, size_t len, struct error *err)
{
	(void)err;
	strbuf_add(context, data, len);
	return 0;
}

static void add(struct strbuf *tar, const char *path, mode_t mode, const char *link, dev_t rdev)
{
	struct tar_writer w = { .sink = to_strbuf, .context = tar };
	const struct tar_header h = {
		.path = path,
		.mode = mode,
		.link = link,
		.hard_link = link && S_ISREG(mode),
		.rdev = rdev,
	};
	struct error err;

	assert_int_equal(tar_write_header(&w, &h, &err), 0);
}

static void add_file(struct strbuf *tar, const char *path, const char *content)
{
	struct tar_writer w = { .sink = to_strbuf, .context = tar };
	struct error err;

	assert_int_equal(tar_write_file(&w, path, content, strlen(content), 0, &err), 0);
}

/* What comes out, for @name; the input in pieces that end anywhere. */
static int relay(const char *name, struct strbuf *tar, struct strbuf *ret)
{
	struct tar_writer w = { .sink = to_strbuf, .context = tar };
	struct error err;
	int r = tar_write_end(&w, &err);

	auto_tar_relay *relay = tar_relay_new(name, to_strbuf, ret);
	for (size_t at = 0; at < tar->len && r == 0; at += 100)
		r = tar_relay_write(relay, tar->data + at,
				    tar->len - at < 100 ? tar->len - at : 100, &err);
	return r < 0 ? r : tar_relay_finish(relay, &err);
}

static int list_entry(void *context, const struct tar_entry *e, struct error *err)
{
	(void)err;
	strbuf_addf(context, "%s", e->path);
	if (e->type == TAR_HARD_LINK)
		strbuf_addf(context, "=%s", e->link);
	if (e->type == TAR_BLOCK_DEVICE || e->type == TAR_CHAR_DEVICE)
		strbuf_addf(context, "(%u:%u)", e->rdev_major, e->rdev_minor);
	strbuf_addc(context, ' ');
	return 0;
}

static int list_data(void *context, const void *data, size_t len, struct error *err)
{
	(void)err;
	strbuf_add(context, data, len);
	strbuf_addc(context, ' ');
	return 0;
}

static void expect(const struct strbuf *tar, const char *listing)
{
	static const struct tar_events events = { .entry = list_entry, .data = list_data };
	auto_strbuf text = STRBUF_INIT(65536);
	auto_tar_parser *p = tar_parser_new(&events, &text, 100);
	struct error err;

	assert_int_equal(tar_parser_write(p, tar->data, tar->len, &err), 0);
	assert_int_equal(tar_parser_finish(p, &err), 0);
	assert_string_equal(strbuf_text(&text), listing);
}

static void what_was_asked_for_is_passed_on(void **state)
{
	(void)state;
	auto_strbuf tar = STRBUF_INIT(1 << 20);
	auto_strbuf out = STRBUF_INIT(1 << 20);

	add(&tar, "dir", S_IFDIR | 0755, NULL, 0);
	add_file(&tar, "dir/file", "content");
	add(&tar, "dir/hard", S_IFREG | 0644, "dir/file", 0);
	add(&tar, "dir/soft", S_IFLNK | 0777, "/../anything", 0);
	assert_int_equal(relay("dir", &tar, &out), 0);
	expect(&out, "dir dir/file content dir/hard=dir/file dir/soft ");
}

static void names_are_written_as_for_a_container(void **state)
{
	(void)state;
	static const char *const names[] = { "", "." };
	static const char *const wanted[] = { "/file", "./file" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		auto_strbuf tar = STRBUF_INIT(1 << 20);
		auto_strbuf out = STRBUF_INIT(1 << 20);
		add(&tar, names[i], S_IFDIR | 0755, NULL, 0);
		add_file(&tar, wanted[i], "x");
		assert_int_equal(relay(names[i], &tar, &out), 0);
		assert_memory_equal(out.data + TAR_BLOCK, wanted[i], strlen(wanted[i]) + 1);
	}
}

static void a_whole_root_has_no_entry_of_its_own(void **state)
{
	(void)state;
	auto_strbuf tar = STRBUF_INIT(1 << 20);
	auto_strbuf out = STRBUF_INIT(1 << 20);

	add(&tar, "./", S_IFDIR | 0755, NULL, 0);
	add_file(&tar, "etc/hostname", "x");
	assert_int_equal(relay(NULL, &tar, &out), 0);
	expect(&out, "etc/hostname x ");
}

static void what_was_not_asked_for_is_refused(void **state)
{
	(void)state;
	static const char *const paths[] = { "other", "dirty", "dir/../../etc/passwd", "../dir" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		auto_strbuf tar = STRBUF_INIT(1 << 20);
		auto_strbuf out = STRBUF_INIT(1 << 20);
		add_file(&tar, paths[i], "x");
		assert_int_equal(relay("dir", &tar, &out), -EBADMSG);
	}
	auto_strbuf tar = STRBUF_INIT(1 << 20);
	auto_strbuf out = STRBUF_INIT(1 << 20);
	add(&tar, "dir", S_IFREG | 0644, "etc/shadow", 0);
	assert_int_equal(relay("dir", &tar, &out), -EBADMSG);
}

static void a_disk_of_the_host_comes_out_as_a_harmless_device(void **state)
{
	(void)state;
	auto_strbuf tar = STRBUF_INIT(1 << 20);
	auto_strbuf out = STRBUF_INIT(1 << 20);

	add(&tar, "dir/null", S_IFCHR | 0666, NULL, makedev(1, 3));
	add(&tar, "dir/sda", S_IFBLK | 0666, NULL, makedev(8, 0));
	assert_int_equal(relay("dir", &tar, &out), 0);
	auto_strbuf wanted = STRBUF_INIT(256);
	strbuf_addf(&wanted, "dir/null(1:3) dir/sda(%u:%u) ", TREE_INERT_MAJOR, TREE_INERT_MINOR);
	expect(&out, strbuf_text(&wanted));
}

static void a_tar_that_is_cut_short_is_refused(void **state)
{
	(void)state;
	auto_strbuf tar = STRBUF_INIT(1 << 20);
	auto_strbuf out = STRBUF_INIT(1 << 20);
	struct error err;

	add_file(&tar, "dir", "some content that is longer than what comes");
	auto_tar_relay *relay = tar_relay_new("dir", to_strbuf, &out);
	assert_int_equal(tar_relay_write(relay, tar.data, TAR_BLOCK + 3, &err), 0);
	assert_int_equal(tar_relay_finish(relay, &err), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_asked_for_is_passed_on),
		cmocka_unit_test(names_are_written_as_for_a_container),
		cmocka_unit_test(a_whole_root_has_no_entry_of_its_own),
		cmocka_unit_test(what_was_not_asked_for_is_refused),
		cmocka_unit_test(a_disk_of_the_host_comes_out_as_a_harmless_device),
		cmocka_unit_test(a_tar_that_is_cut_short_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
