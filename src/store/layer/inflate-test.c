/* SPDX-License-Identifier: Apache-2.0 */
#include "store/layer/inflate.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "store/test-tools.h"

static int collect(void *context, const uint8_t *data, size_t len, struct error *err)
{
	struct strbuf *out = context;

	(void)err;
	strbuf_add(out, data, len);
	return 0;
}

static int run(const struct strbuf *in, size_t piece, struct strbuf *out, enum inflate_kind *ret)
{
	struct error err = { 0 };
	auto_inflate *z = inflate_new(collect, out);
	int r = 0;

	for (size_t at = 0; at < in->len && r == 0; at += piece)
		r = inflate_write(z, in->data + at, in->len - at < piece ? in->len - at : piece,
				  &err);
	if (r == 0)
		r = inflate_finish(z, &err);
	*ret = inflate_kind(z);
	return r;
}

static void fill(struct strbuf *sb, size_t len)
{
	uint32_t x = 1;

	for (size_t i = 0; i < len; i++) {
		x = x * 1664525u + 1013904223u;
		strbuf_addc(sb, i % 3 ? 'a' : (char)(x >> 24));
	}
}

static void expect_same(const struct strbuf *in, const struct strbuf *plain, enum inflate_kind kind)
{
	static const size_t pieces[] = { 1u << 20, 4096, 7, 1 };

	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		auto_strbuf out = STRBUF_INIT(TT_MAX);
		enum inflate_kind found = INFLATE_UNKNOWN;
		assert_int_equal(run(in, pieces[i], &out, &found), 0);
		assert_int_equal(found, kind);
		assert_int_equal(out.len, plain->len);
		assert_memory_equal(strbuf_text(&out), strbuf_text(plain), plain->len);
	}
}

static void every_kind_comes_out_as_it_was_whatever_the_pieces(void **state)
{
	auto_strbuf plain = STRBUF_INIT(TT_MAX);
	auto_strbuf gzip = STRBUF_INIT(TT_MAX);
	auto_strbuf zstd = STRBUF_INIT(TT_MAX);

	(void)state;
	fill(&plain, 700000);
	tt_gzip(&plain, &gzip);
	tt_zstd(&plain, 0, &zstd);
	expect_same(&plain, &plain, INFLATE_PLAIN);
	expect_same(&gzip, &plain, INFLATE_GZIP);
	expect_same(&zstd, &plain, INFLATE_ZSTD);
}

static void members_and_frames_follow_each_other(void **state)
{
	static const char skippable[] = "\x50\x2a\x4d\x18\x04\x00\x00\x00"
					"abcd";
	auto_strbuf one = STRBUF_INIT(TT_MAX);
	auto_strbuf two = STRBUF_INIT(TT_MAX);
	auto_strbuf gzip = STRBUF_INIT(TT_MAX);
	auto_strbuf zstd = STRBUF_INIT(TT_MAX);

	(void)state;
	fill(&one, 5000);
	strbuf_add(&two, one.data, one.len);
	strbuf_add(&two, one.data, one.len);
	tt_gzip(&one, &gzip);
	tt_gzip(&one, &gzip);
	tt_zstd(&one, 0, &zstd);
	strbuf_add(&zstd, skippable, sizeof(skippable) - 1);
	tt_zstd(&one, 0, &zstd);
	expect_same(&gzip, &two, INFLATE_GZIP);
	expect_same(&zstd, &two, INFLATE_ZSTD);
}

static void less_than_a_magic_number_is_plain(void **state)
{
	auto_strbuf empty = STRBUF_INIT(TT_MAX);
	auto_strbuf tiny = STRBUF_INIT(TT_MAX);

	(void)state;
	strbuf_adds(&tiny, "ab");
	expect_same(&empty, &empty, INFLATE_PLAIN);
	expect_same(&tiny, &tiny, INFLATE_PLAIN);
}

static void expect_refused(const struct strbuf *in)
{
	auto_strbuf out = STRBUF_INIT(TT_MAX);
	enum inflate_kind kind = INFLATE_UNKNOWN;

	assert_int_equal(run(in, 4096, &out, &kind), -EBADMSG);
}

static void what_is_cut_or_damaged_is_refused(void **state)
{
	auto_strbuf plain = STRBUF_INIT(TT_MAX);
	auto_strbuf gzip = STRBUF_INIT(TT_MAX);
	auto_strbuf zstd = STRBUF_INIT(TT_MAX);

	(void)state;
	fill(&plain, 50000);
	tt_gzip(&plain, &gzip);
	tt_zstd(&plain, 0, &zstd);

	for (size_t cut = 1; cut <= 9; cut += 4) {
		gzip.len -= cut;
		expect_refused(&gzip);
		gzip.len += cut;
		zstd.len -= cut;
		expect_refused(&zstd);
		zstd.len += cut;
	}
	gzip.data[gzip.len - 6] ^= 1; /* the checksum */
	expect_refused(&gzip);
	gzip.data[gzip.len - 6] ^= 1;
	strbuf_adds(&gzip, "garbage behind");
	expect_refused(&gzip);
}

static void a_zstd_window_past_the_cap_is_refused(void **state)
{
	/* A frame header that asks for a window of 2 GiB, then an empty raw last block. */
	static const char huge[] = "\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00";
	auto_strbuf in = STRBUF_INIT(TT_MAX);

	(void)state;
	strbuf_add(&in, huge, sizeof(huge) - 1);
	expect_refused(&in);
}

static void a_compression_that_is_not_supported_is_called_by_its_name(void **state)
{
	static const uint8_t xz[] = { 0xfd, '7', 'z', 'X', 'Z', 0 };
	auto_inflate *z = inflate_new(collect, NULL);
	struct error err = { 0 };

	(void)state;
	assert_int_equal(inflate_write(z, xz, sizeof(xz), &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.text, "xz"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_comes_out_as_it_was_whatever_the_pieces),
		cmocka_unit_test(members_and_frames_follow_each_other),
		cmocka_unit_test(less_than_a_magic_number_is_plain),
		cmocka_unit_test(what_is_cut_or_damaged_is_refused),
		cmocka_unit_test(a_zstd_window_past_the_cap_is_refused),
		cmocka_unit_test(a_compression_that_is_not_supported_is_called_by_its_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
