/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tar/tar.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "store/test-tools.h"

/* What a tar tells, one line an entry: "type path mode uid:gid size link content". */
static int on_entry(void *context, const struct tar_entry *e, struct error *err)
{
	struct strbuf *out = context;

	(void)err;
	strbuf_addf(out, "\n%d %s %o %u:%u %llu", (int)e->type, e->path, e->mode, e->uid, e->gid,
		    (unsigned long long)e->size);
	if (e->link)
		strbuf_addf(out, " -> %s", e->link);
	if (e->mtime_sec != TT_MTIME || e->mtime_nsec)
		strbuf_addf(out, " %lld.%09u", (long long)e->mtime_sec, e->mtime_nsec);
	for (size_t i = 0; i < e->xattr_count; i++)
		strbuf_addf(out, " %s=%.*s", e->xattrs[i].name, (int)e->xattrs[i].len,
			    (const char *)e->xattrs[i].value);
	if (e->size)
		strbuf_addc(out, ' ');
	assert_int_equal(e->data_offset % TAR_BLOCK, 0);
	return 0;
}

static int on_data(void *context, const void *data, size_t len, struct error *err)
{
	(void)err;
	strbuf_add(context, data, len);
	return 0;
}

static const struct tar_events events = { on_entry, on_data };

static int parse_in(const struct strbuf *tar, size_t piece, struct strbuf *out)
{
	struct error err = { 0 };
	auto_tar_parser *p = tar_parser_new(&events, out, 1000);
	int r = 0;

	for (size_t at = 0; at < tar->len && r == 0; at += piece)
		r = tar_parser_write(p, tar->data + at,
				     tar->len - at < piece ? tar->len - at : piece, &err);
	return r < 0 ? r : tar_parser_finish(p, &err);
}

static void expect(const struct strbuf *tar, const char *text)
{
	static const size_t pieces[] = { 1u << 20, 511, 100, 1 };

	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		auto_strbuf out = STRBUF_INIT(TT_MAX);
		assert_int_equal(parse_in(tar, pieces[i], &out), 0);
		assert_string_equal(strbuf_text(&out), text);
	}
}

static void expect_refused(struct strbuf *tar)
{
	auto_strbuf out = STRBUF_INIT(TT_MAX);
	int r = parse_in(tar, 1u << 20, &out);

	if (r != -EBADMSG && r != -EFBIG && r != -ENAMETOOLONG)
		fail_msg("not refused (%d): %s", r, strbuf_text(&out));
	strbuf_clear(tar);
}

static void an_ordinary_tar_is_read_whatever_the_pieces(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);

	(void)state;
	tt_add(&tar, '5', "./", NULL, NULL);
	tt_add(&tar, '5', "etc/", NULL, NULL);
	tt_add(&tar, '0', "./etc//passwd", NULL, "root");
	tt_add(&tar, '\0', "old-file", NULL, "x");
	tt_add(&tar, '\0', "old-folder/", NULL, NULL);
	tt_add(&tar, '7', "contiguous", NULL, "yz");
	tt_add(&tar, '1', "/etc/group", "/etc/passwd", NULL);
	tt_add(&tar, '2', "link", "../../etc/./passwd", NULL);
	tt_add(&tar, '6', "pipe", NULL, NULL);
	tt_end(&tar);
	strbuf_adds(&tar, "what follows the end is nobody's");
	expect(&tar, "\n1  755 0:0 0\n1 etc 755 0:0 0\n0 etc/passwd 644 0:0 4 root"
		     "\n0 old-file 644 0:0 1 x\n1 old-folder 644 0:0 0"
		     "\n0 contiguous 644 0:0 2 yz\n3 etc/group 644 0:0 0 -> etc/passwd"
		     "\n2 link 644 0:0 0 -> ../../etc/./passwd\n6 pipe 644 0:0 0");
}

static void a_tar_may_end_without_empty_blocks(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);

	(void)state;
	expect(&tar, "");
	tt_add(&tar, '0', "a", NULL, "x");
	expect(&tar, "\n0 a 644 0:0 1 x");
	tt_end(&tar);
	tar.len -= TAR_BLOCK;
	expect(&tar, "\n0 a 644 0:0 1 x");
}

static void pax_records_win_over_the_header(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);

	(void)state;
	tt_pax(&tar, 'g', "comment=from git", NULL);
	tt_pax(&tar, 'x', "path=long/name", "uid=4294967294", "gid=7", "mtime=1.5", "atime=9",
	       "SCHILY.xattr.user.a=b=c", "LIBARCHIVE.xattr.user.b%20c=aGk", NULL);
	tt_add(&tar, '0', "short", NULL, "x");
	tt_pax(&tar, 'x', "mtime=-1.25", "linkpath=there", NULL);
	tt_add(&tar, '2', "link", "here", NULL);
	tt_pax(&tar, 'x', "size=3", NULL);
	tt_add(&tar, '0', "sized", NULL, "abc");
	memcpy(tt_header(&tar, 2) + 124, "00000000001", 11);
	tt_seal(tt_header(&tar, 2));
	tt_add(&tar, '0', "next", NULL, NULL);
	tt_end(&tar);
	expect(&tar, "\n0 long/name 644 4294967294:7 1 1.500000000 user.a=b=c user.b c=hi x"
		     "\n2 link 644 0:0 0 -> there -2.750000000\n0 sized 644 0:0 3 abc"
		     "\n0 next 644 0:0 0");
}

static void an_attribute_in_both_styles_counts_once(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);

	(void)state;
	tt_pax(&tar, 'x', "SCHILY.xattr.user.a=hi", "LIBARCHIVE.xattr.user.a=aGk=", NULL);
	tt_add(&tar, '0', "a", NULL, NULL);
	tt_end(&tar);
	expect(&tar, "\n0 a 644 0:0 0 user.a=hi");
}

static void gnu_long_names_are_read(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);

	(void)state;
	tt_long(&tar, 'K', "a/long/target");
	tt_long(&tar, 'L', "a/long/name");
	tt_add(&tar, '2', "a/lon", "a/lo", NULL);
	memcpy(tt_header(&tar, 1) + 257, "ustar  ", 8);
	tt_seal(tt_header(&tar, 1));
	tt_end(&tar);
	expect(&tar, "\n2 a/long/name 644 0:0 0 -> a/long/target");
}

static void large_numbers_come_in_base_256(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);

	(void)state;
	tt_add(&tar, '0', "a", NULL, NULL);
	char *h = tt_header(&tar, 1);
	memcpy(h + 108, "\x80\0\0\0\x12\x34\x56\x78", 8);
	memset(h + 136, 0xff, 12); /* -1 */
	tt_seal(h);
	tt_end(&tar);
	expect(&tar, "\n0 a 644 305419896:0 0 -1.000000000");
}

static void the_prefix_of_ustar_is_joined(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);

	(void)state;
	tt_add(&tar, '0', "name", NULL, NULL);
	memcpy(tt_header(&tar, 1) + 345, "some/prefix", 11);
	tt_seal(tt_header(&tar, 1));
	tt_end(&tar);
	expect(&tar, "\n0 some/prefix/name 644 0:0 0");
}

static void the_size_of_a_hard_link_counts_as_nothing(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);

	(void)state;
	tt_add(&tar, '0', "a", NULL, "x");
	tt_add(&tar, '1', "b", "a", NULL);
	memcpy(tt_header(&tar, 1) + 124, "00000000001", 11);
	tt_seal(tt_header(&tar, 1));
	tt_add(&tar, '0', "c", NULL, NULL);
	tt_end(&tar);
	expect(&tar, "\n0 a 644 0:0 1 x\n3 b 644 0:0 0 -> a\n0 c 644 0:0 0");
}

static void paths_that_lead_out_are_refused(void **state)
{
	static const char *const names[] = { "..",    "../a", "a/..",    "a/../b",
					     "/../a", "./..", "a/b/../c" };
	auto_strbuf tar = STRBUF_INIT(TT_MAX);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		tt_add(&tar, '0', names[i], NULL, "x");
		tt_end(&tar);
		expect_refused(&tar);
		tt_add(&tar, '1', "link", names[i], NULL);
		tt_end(&tar);
		expect_refused(&tar);
		auto_free char *record = xasprintf("path=%s", names[i]);
		tt_pax(&tar, 'x', record, NULL);
		tt_add(&tar, '0', "fine", NULL, "x");
		tt_end(&tar);
		expect_refused(&tar);
		tt_long(&tar, 'L', names[i]);
		tt_add(&tar, '0', "fine", NULL, "x");
		tt_end(&tar);
		expect_refused(&tar);
	}
	tt_add(&tar, '0', "..a/b../...", NULL, NULL);
	tt_end(&tar);
	expect(&tar, "\n0 ..a/b../... 644 0:0 0");
}

static void damaged_headers_are_refused(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	static const struct {
		size_t at;
		const char *bytes;
		size_t len;
	} damages[] = {
		{ 124, "9", 1 },                                /* a digit that is not octal */
		{ 124, "-0000000001", 11 },                     /* negative */
		{ 108, "\x81\0\0\0\0\0\0\0", 8 },               /* base 256 to some */
		{ 108, "0x10", 4 },                             /* another base */
		{ 108, "\xff\xff\xff\xff\xff\xff\xff\xff", 8 }, /* -1 */
		{ 124, "\x80\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12 }, /* too large */
		{ 329, "x", 1 }, /* a device number, though it means nothing here */
		{ 156, "S", 1 }, /* sparse */
		{ 156, "V", 1 }, /* volume label */
		{ 156, "M", 1 },
		{ 156, "D", 1 },
		{ 156, "X", 1 },
		{ 156, "?", 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		tt_add(&tar, '0', "a", NULL, NULL);
		memcpy(tt_header(&tar, 1) + damages[i].at, damages[i].bytes, damages[i].len);
		tt_seal(tt_header(&tar, 1));
		tt_end(&tar);
		expect_refused(&tar);
	}
	tt_add(&tar, '0', "a", NULL, NULL);
	tt_header(&tar, 1)[0] = 'b'; /* the checksum is of "a" */
	tt_end(&tar);
	expect_refused(&tar);
}

static void what_two_readers_read_differently_is_refused(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);

	(void)state;
	tt_pax(&tar, 'x', "path=a", "path=b", NULL);
	tt_add(&tar, '0', "c", NULL, NULL);
	expect_refused(&tar);
	tt_pax(&tar, 'x', "size=0", "size=512", NULL);
	tt_add(&tar, '0', "c", NULL, NULL);
	expect_refused(&tar);
	tt_pax(&tar, 'x', "SCHILY.xattr.user.a=1", "SCHILY.xattr.user.a=2", NULL);
	tt_add(&tar, '0', "c", NULL, NULL);
	expect_refused(&tar);
	tt_pax(&tar, 'x', "path=a", NULL);
	tt_pax(&tar, 'x', "uid=1", NULL);
	tt_add(&tar, '0', "c", NULL, NULL);
	expect_refused(&tar);
	tt_pax(&tar, 'x', "path=a", NULL);
	tt_long(&tar, 'L', "b");
	tt_add(&tar, '0', "c", NULL, NULL);
	expect_refused(&tar);
	tt_pax(&tar, 'g', "path=a", NULL);
	tt_add(&tar, '0', "c", NULL, NULL);
	expect_refused(&tar);
	tt_long(&tar, 'L', "a/long/name");
	memcpy(tt_header(&tar, 2) + 124, "00000000006", 11); /* its size ends it earlier */
	tt_seal(tt_header(&tar, 2));
	tt_add(&tar, '0', "c", NULL, NULL);
	expect_refused(&tar);
	tt_pax(&tar, 'x', "GNU.sparse.major=1", NULL);
	tt_add(&tar, '0', "c", NULL, NULL);
	expect_refused(&tar);
	tt_add(&tar, '0', "file/", NULL, NULL);
	expect_refused(&tar);
	tt_add(&tar, '5', "folder", NULL, "content");
	expect_refused(&tar);
	tt_add(&tar, '2', "link", "target", "content");
	expect_refused(&tar);
	tt_add(&tar, '2', "link", "", NULL);
	expect_refused(&tar);
	tt_add(&tar, '0', "./", NULL, "root as a file");
	expect_refused(&tar);
	tt_end(&tar);
	tar.len -= TAR_BLOCK; /* one empty block, then an entry */
	tt_add(&tar, '0', "hidden", NULL, NULL);
	expect_refused(&tar);
}

static void malformed_pax_records_are_refused(void **state)
{
	static const char *const bodies[] = {
		"8 a=b\n",  /* length too large */
		"5 a=b\n",  /* too small */
		"06 a=b\n", /* leading zero */
		"6 a=b\0",  /* no newline */
		"a=b\n",    /* no length */
		"6 =ab\n",  /* no key */
		"6 abc\n",  /* no value */
		"-6 a=b\n",        "99999999999999999999 a=b\n",
		"8 path=\n", /* empty */
		"10 uid=-1\n",     "11 mtime=x\n",
		"13 mtime=1.2x\n",
	};
	auto_strbuf tar = STRBUF_INIT(TT_MAX);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		const struct tt_entry pax = {
			'x', "pax", NULL, bodies[i], strlen(bodies[i]), 0644
		};
		tt_add_entry(&tar, &pax);
		tt_add(&tar, '0', "a", NULL, NULL);
		tt_end(&tar);
		expect_refused(&tar);
	}
	const struct tt_entry zero = { 'x', "pax", NULL, "13 path=a\0b\n\n", 13, 0644 };
	tt_add_entry(&tar, &zero);
	tt_add(&tar, '0', "a", NULL, NULL);
	expect_refused(&tar);
}

static void what_is_too_much_is_refused(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_strbuf deep = STRBUF_INIT(TT_MAX);
	auto_strbuf name = STRBUF_INIT(TT_MAX);

	(void)state;
	for (int i = 0; i < 257; i++)
		strbuf_adds(&deep, "d/");
	tt_long(&tar, 'L', strbuf_text(&deep));
	tt_add(&tar, '5', "d", NULL, NULL);
	expect_refused(&tar);
	for (int i = 0; i < 256; i++)
		strbuf_addc(&name, 'n');
	tt_long(&tar, 'L', strbuf_text(&name));
	tt_add(&tar, '0', "n", NULL, NULL);
	expect_refused(&tar);

	tt_add(&tar, 'x', "pax", NULL, NULL);
	memcpy(tt_header(&tar, 1) + 124, "07777777777", 11); /* 1 GiB of pax */
	tt_seal(tt_header(&tar, 1));
	expect_refused(&tar);
	for (int i = 0; i < 1001; i++)
		tt_add(&tar, '0', "a", NULL, NULL);
	expect_refused(&tar);

	/* 256 parts and 255 bytes are fine. */
	strbuf_consume(&deep, 2);
	tt_long(&tar, 'L', strbuf_text(&deep));
	tt_add(&tar, '5', "d", NULL, NULL);
	strbuf_consume(&name, 1);
	tt_long(&tar, 'L', strbuf_text(&name));
	tt_add(&tar, '0', "n", NULL, NULL);
	auto_strbuf out = STRBUF_INIT(TT_MAX);
	assert_int_equal(parse_in(&tar, 4096, &out), 0);
}

static void a_tar_that_is_cut_short_is_refused(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_strbuf whole = STRBUF_INIT(TT_MAX);

	(void)state;
	tt_pax(&whole, 'x', "uid=1", NULL);
	tt_add(&whole, '0', "a", NULL, "content");
	for (size_t len = 1; len < whole.len; len += 97) {
		strbuf_add(&tar, whole.data, len);
		expect_refused(&tar);
	}
	strbuf_add(&tar, whole.data, 2 * TAR_BLOCK); /* an extended header without its entry */
	expect_refused(&tar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ordinary_tar_is_read_whatever_the_pieces),
		cmocka_unit_test(a_tar_may_end_without_empty_blocks),
		cmocka_unit_test(pax_records_win_over_the_header),
		cmocka_unit_test(an_attribute_in_both_styles_counts_once),
		cmocka_unit_test(gnu_long_names_are_read),
		cmocka_unit_test(large_numbers_come_in_base_256),
		cmocka_unit_test(the_prefix_of_ustar_is_joined),
		cmocka_unit_test(the_size_of_a_hard_link_counts_as_nothing),
		cmocka_unit_test(paths_that_lead_out_are_refused),
		cmocka_unit_test(damaged_headers_are_refused),
		cmocka_unit_test(what_two_readers_read_differently_is_refused),
		cmocka_unit_test(malformed_pax_records_are_refused),
		cmocka_unit_test(what_is_too_much_is_refused),
		cmocka_unit_test(a_tar_that_is_cut_short_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
