/* SPDX-License-Identifier: Apache-2.0 */
#include "store/layer/ingest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "oci/manifest.h"
#include "store/blob.h"
#include "store/hash.h"
#include "store/image/image.h"
#include "store/tar/tar.h"
#include "store/store-internal.h"
#include "store/test-tools.h"

static void make_tar(struct strbuf *ret, size_t content)
{
	auto_free char *text = xmalloc(content + 1);
	uint32_t x = 7;

	for (size_t i = 0; i < content; i++) {
		x = x * 1664525u + 1013904223u;
		text[i] = (char)('a' + (x >> 28));
	}
	text[content] = '\0';
	tt_add(ret, '5', "dir", NULL, NULL);
	tt_add(ret, '0', "dir/file", NULL, text);
	tt_end(ret);
}

static void digest_of(const struct strbuf *data, struct digest *ret)
{
	hash_buffer(DIGEST_SHA256, data->data, data->len, ret);
}

static bool reads_whole(struct tt_store *s, const struct digest *image, size_t size)
{
	struct error err = { 0 };
	struct image_layers *layers = NULL;
	struct stat st;

	if (image_layers_get(s->store, image, &layers, &err) < 0)
		fail_msg("%s", err.text);
	bool good = fstatat(layers->fds[0], "dir/file", &st, 0) == 0 && st.st_size == (off_t)size;
	image_layers_put(s->store, layers);
	return good;
}

static void each_compression_gives_the_same_layer(void **state)
{
	static const char *const types[] = { MEDIA_OCI_LAYER, MEDIA_OCI_LAYER_GZIP,
					     MEDIA_OCI_LAYER_ZSTD };
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_strbuf gzip = STRBUF_INIT(TT_MAX);
	auto_strbuf zstd = STRBUF_INIT(TT_MAX);
	const struct strbuf *const forms[] = { &tar, &gzip, &zstd };
	struct digest diff_id;
	struct error err = { 0 };

	(void)state;
	make_tar(&tar, 3000000); /* enough for the second thread */
	tt_gzip(&tar, &gzip);
	tt_zstd(&tar, 0, &zstd);
	digest_of(&tar, &diff_id);
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		auto_tt_store s;
		struct layer_info info;
		struct digest blob;
		struct digest image;
		tt_store_open(&s, STORE_MODE_AUTO);
		digest_of(forms[i], &blob);
		const struct layer_expect expect = { &blob, &diff_id, (int64_t)forms[i]->len };
		assert_int_equal(tt_ingest(&s, forms[i], &expect, 70001, &info, &err), 0);
		assert_string_equal(info.media_type, types[i]);
		assert_int_equal(info.tar_size, tar.len);
		assert_int_equal(info.content_size, 3000000);
		assert_int_equal(info.entries, 2);
		assert_true(layer_exists(s.lease, &blob, &diff_id));
		tt_commit(&s, &info, 1, "x:1", "x", &image);
		assert_true(reads_whole(&s, &image, 3000000));
		assert_int_equal(tt_count_files(&s, "tmp"), 0);
	}
}

static void what_is_not_what_was_promised_is_refused_and_leaves_nothing(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_strbuf gzip = STRBUF_INIT(TT_MAX);
	auto_tt_store s;
	struct digest diff_id;
	struct digest blob;
	struct digest other;

	(void)state;
	make_tar(&tar, 2000000);
	tt_gzip(&tar, &gzip);
	digest_of(&tar, &diff_id);
	digest_of(&gzip, &blob);
	hash_buffer(DIGEST_SHA256, "x", 1, &other);
	int64_t size = (int64_t)gzip.len;
	const struct layer_expect wrong[] = {
		{ &other, &diff_id, size },
		{ &blob, &other, size },
		{ &blob, &diff_id, size - 1 },
		{ &blob, &diff_id, size + 1 },
	};
	tt_store_open(&s, STORE_MODE_AUTO);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct error err = { 0 };
		assert_int_equal(tt_ingest(&s, &gzip, &wrong[i], 0, NULL, &err), -EBADMSG);
		assert_int_equal(tt_count_files(&s, "tmp"), 0);
		assert_int_equal(tt_count_files(&s, "layers"), 0);
		assert_int_equal(tt_count_files(&s, "blobs/sha256"), 0);
	}
	const struct layer_expect right = { &blob, &diff_id, size };
	struct error err = { 0 };
	assert_int_equal(tt_ingest(&s, &gzip, &right, 0, NULL, &err), 0);
}

static void garbage_behind_a_valid_beginning_is_refused(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_tt_store s;
	struct error err = { 0 };

	(void)state;
	tt_store_open(&s, STORE_MODE_AUTO);
	make_tar(&tar, 2000000);
	tar.len -= 2 * TAR_BLOCK;
	for (int i = 0; i < 600; i++)
		strbuf_adds(&tar, "garbage ");
	assert_int_equal(tt_ingest(&s, &tar, NULL, 4096, NULL, &err), -EBADMSG);
	strbuf_clear(&tar);
	strbuf_adds(&tar, "not a tar at all");
	assert_int_equal(tt_ingest(&s, &tar, NULL, 0, NULL, &err), -EBADMSG);
}

/* Gives the first part and stops, as a cut connection does. */
static void give_part(struct tt_store *s, const struct strbuf *data, const struct layer_expect *e,
		      size_t len, bool suspend)
{
	auto_layer_ingest *ingest = NULL;
	struct error err = { 0 };

	assert_int_equal(layer_ingest_begin(s->lease, e, &ingest, &err), 0);
	assert_int_equal(layer_ingest_write(ingest, data->data, len, &err), 0);
	if (suspend)
		layer_ingest_suspend(ingest);
}

static int resume(struct tt_store *s, const struct strbuf *data, const struct layer_expect *e,
		  uint64_t *ret_offset)
{
	auto_layer_ingest *ingest = NULL;
	struct error err = { 0 };

	assert_int_equal(layer_ingest_begin(s->lease, e, &ingest, &err), 0);
	int r = layer_ingest_resume(ingest, ret_offset, &err);
	if (r == 0)
		r = layer_ingest_write(ingest, data->data + *ret_offset, data->len - *ret_offset,
				       &err);
	return r < 0 ? r : layer_ingest_finish(ingest, NULL, &err);
}

static void a_suspended_layer_goes_on_where_it_stopped(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_strbuf gzip = STRBUF_INIT(TT_MAX);
	auto_tt_store s;
	struct digest blob;
	uint64_t offset = 0;

	(void)state;
	make_tar(&tar, 2000000);
	tt_gzip(&tar, &gzip);
	digest_of(&gzip, &blob);
	const struct layer_expect expect = { &blob, NULL, (int64_t)gzip.len };
	tt_store_open(&s, STORE_MODE_AUTO);

	give_part(&s, &gzip, &expect, 300000, true);
	tt_store_reopen(&s);
	assert_int_equal(resume(&s, &gzip, &expect, &offset), 0);
	assert_int_equal(offset, 300000);
	assert_int_equal(tt_count_files(&s, "tmp"), 0);
}

static void what_was_not_suspended_is_not_kept(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_tt_store s;
	struct digest blob;
	uint64_t offset = 9;

	(void)state;
	make_tar(&tar, 100000);
	digest_of(&tar, &blob);
	const struct layer_expect expect = { &blob, NULL, -1 };
	tt_store_open(&s, STORE_MODE_AUTO);
	give_part(&s, &tar, &expect, 50000, false);
	assert_int_equal(tt_count_files(&s, "tmp"), 0);
	assert_int_equal(resume(&s, &tar, &expect, &offset), 0);
	assert_int_equal(offset, 0);
}

static void a_damaged_beginning_is_dropped_and_the_next_try_starts_over(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_tt_store s;
	struct digest blob;
	uint64_t offset = 0;

	(void)state;
	make_tar(&tar, 100000);
	digest_of(&tar, &blob);
	const struct layer_expect expect = { &blob, NULL, -1 };
	tt_store_open(&s, STORE_MODE_AUTO);
	tar.data[2000] ^= 1;
	give_part(&s, &tar, &expect, 50000, true);
	tar.data[2000] ^= 1;
	assert_int_equal(resume(&s, &tar, &expect, &offset), -EBADMSG);
	assert_int_equal(resume(&s, &tar, &expect, &offset), 0);
	assert_int_equal(offset, 0);
}

static void two_ingests_of_one_blob_do_not_disturb_each_other(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_tt_store s;
	struct digest blob;
	struct error err = { 0 };

	(void)state;
	make_tar(&tar, 100000);
	digest_of(&tar, &blob);
	const struct layer_expect expect = { &blob, NULL, -1 };
	tt_store_open(&s, STORE_MODE_AUTO);
	{
		auto_layer_ingest *first = NULL;
		assert_int_equal(layer_ingest_begin(s.lease, &expect, &first, &err), 0);
		assert_int_equal(layer_ingest_write(first, tar.data, 5000, &err), 0);
		assert_int_equal(tt_ingest(&s, &tar, &expect, 0, NULL, &err), 0);
		assert_int_equal(layer_ingest_write(first, tar.data + 5000, tar.len - 5000, &err),
				 0);
		assert_int_equal(layer_ingest_finish(first, NULL, &err), 0);
	}
	assert_true(layer_exists(s.lease, &blob, &blob));
	assert_int_equal(tt_count_files(&s, "tmp"), 0);
}

static void what_no_image_names_is_gone_after_a_restart(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_tt_store s;
	struct layer_info info;
	struct digest image;
	struct error err = { 0 };

	(void)state;
	tt_store_open(&s, STORE_MODE_AUTO);
	make_tar(&tar, 100);
	assert_int_equal(tt_ingest(&s, &tar, NULL, 0, &info, &err), 0);
	tt_commit(&s, &info, 1, "kept:1", "x", &image);
	strbuf_clear(&tar);
	make_tar(&tar, 200);
	assert_int_equal(tt_ingest(&s, &tar, NULL, 0, &info, &err), 0);
	test_write(s.dir_fd, "tmp/new-left", "by a crash");
	test_write(s.dir_fd, "layers/0123/index.erofs", "by a crash");
	assert_int_equal(tt_count_files(&s, "layers"), 3);

	tt_store_reopen(&s);
	assert_int_equal(tt_count_files(&s, "tmp"), 0);
	assert_int_equal(tt_count_files(&s, "layers"), 1);
	assert_int_equal(tt_count_files(&s, "blobs/sha256"), 3);
	assert_true(reads_whole(&s, &image, 100));
}

/* Writes one byte of a file anew, as a failing disk or a curious administrator would. */
static void flip(struct tt_store *s, const char *path, off_t at)
{
	char byte = 0;

	auto_close int fd = openat(s->dir_fd, path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

static void M2_a_flipped_byte_of_a_blob_is_noticed_at_its_next_use(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_tt_store s;
	struct layer_info info;
	struct digest image;
	struct error err = { 0 };

	(void)state;
	tt_store_open(&s, STORE_MODE_AUTO);
	make_tar(&tar, 3000);
	assert_int_equal(tt_ingest(&s, &tar, NULL, 0, &info, &err), 0);
	tt_commit(&s, &info, 1, "x:1", "x", &image);
	auto_free char *path = xasprintf("blobs/sha256/%s", digest_hex(&info.diff_id));
	for (size_t at = 0; at < tar.len; at += 61) {
		flip(&s, path, (off_t)at);
		assert_int_equal(blob_open(s.store, &info.diff_id, NULL, &err), -EBADMSG);
		assert_int_equal(store_verify(s.store, &image, &err), -EBADMSG);
		flip(&s, path, (off_t)at);
		assert_int_equal(store_verify(s.store, &image, &err), 0);
	}

	flip(&s, path, 600);
	struct image_layers *layers = NULL;
	if (store_mode(s.store) != STORE_MODE_FOLDER)
		assert_int_equal(image_layers_get(s.store, &image, &layers, &err), -EBADMSG);
	assert_false(layer_exists(s.lease, &info.blob, &info.diff_id));
	assert_int_equal(tt_ingest(&s, &tar, NULL, 0, &info, &err), 0);
	assert_true(reads_whole(&s, &image, 3000));
}

static void a_lost_tar_or_index_is_made_anew_from_what_is_left(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_strbuf gzip = STRBUF_INIT(TT_MAX);
	auto_tt_store s;
	struct layer_info info;
	struct digest image;
	struct error err = { 0 };

	(void)state;
	tt_store_open(&s, STORE_MODE_AUTO);
	if (store_mode(s.store) == STORE_MODE_FOLDER)
		skip();
	make_tar(&tar, 3000);
	tt_gzip(&tar, &gzip);
	assert_int_equal(tt_ingest(&s, &gzip, NULL, 0, &info, &err), 0);
	tt_commit(&s, &info, 1, "x:1", "x", &image);
	auto_free char *blob = xasprintf("blobs/sha256/%s", digest_hex(&info.diff_id));
	auto_free char *index = xasprintf("layers/%s/" LAYER_INDEX, digest_hex(&info.diff_id));
	flip(&s, index, 1600);
	tt_store_reopen(&s);
	assert_true(reads_whole(&s, &image, 3000));
	tt_store_reopen(&s);
	assert_int_equal(unlinkat(s.dir_fd, blob, 0), 0);
	assert_true(reads_whole(&s, &image, 3000));
	tt_store_reopen(&s);
	flip(&s, blob, 700);
	assert_true(reads_whole(&s, &image, 3000));
}

static void an_index_of_an_older_writer_is_built_anew(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_tt_store s;
	struct layer_info info;
	struct digest image;
	struct error err = { 0 };

	(void)state;
	tt_store_open(&s, STORE_MODE_AUTO);
	if (store_mode(s.store) == STORE_MODE_FOLDER)
		skip();
	make_tar(&tar, 3000);
	assert_int_equal(tt_ingest(&s, &tar, NULL, 0, &info, &err), 0);
	tt_commit(&s, &info, 1, "x:1", "x", &image);
	auto_free char *index = xasprintf("layers/%s/" LAYER_INDEX, digest_hex(&info.diff_id));
	auto_free char *older = xasprintf("layers/%s/index.erofs", digest_hex(&info.diff_id));
	assert_int_equal(renameat(s.dir_fd, index, s.dir_fd, older), 0);
	tt_store_reopen(&s);
	assert_true(reads_whole(&s, &image, 3000));
	assert_int_equal(faccessat(s.dir_fd, index, F_OK, 0), 0);
	assert_int_equal(faccessat(s.dir_fd, older, F_OK, 0), -1);
}

static void a_store_moves_between_modes(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_strbuf gzip = STRBUF_INIT(TT_MAX);
	auto_tt_store s;
	struct layer_info info;
	struct digest image;
	struct error err = { 0 };

	(void)state;
	if (!tt_can_mount())
		skip();
	tt_store_open(&s, STORE_MODE_FOLDER);
	make_tar(&tar, 3000);
	tt_gzip(&tar, &gzip);
	assert_int_equal(tt_ingest(&s, &gzip, NULL, 0, &info, &err), 0);
	tt_commit(&s, &info, 1, "x:1", "x", &image);
	s.mode = STORE_MODE_AUTO;
	tt_store_reopen(&s);
	assert_true(reads_whole(&s, &image, 3000));
	s.mode = STORE_MODE_FOLDER;
	tt_store_reopen(&s);
	assert_true(reads_whole(&s, &image, 3000));
}

static void E3_bombs_are_refused(void **state)
{
	auto_strbuf zeros = STRBUF_INIT(256u << 20);
	auto_strbuf bomb = STRBUF_INIT(256u << 20);
	auto_tt_store s;
	struct error err = { 0 };
	const struct tt_entry huge = { '0', "huge", NULL, NULL, 0, 0644, 0, 0, 0, 0 };

	(void)state;
	tt_store_open(&s, STORE_MODE_FOLDER);
	/* A file that claims 1 TiB, then zstd frames of 64 MiB of zeros, 1:30000. */
	tt_add_entry(&zeros, &huge);
	memcpy(tt_header(&zeros, 1) + 124, "\x80\0\0\0\0\0\x01\0\0\0\0\0", 12);
	tt_seal(tt_header(&zeros, 1));
	tt_zstd(&zeros, 0, &bomb);
	zeros.len = 0;
	assert_true(strbuf_reserve(&zeros, 64u << 20));
	memset(zeros.data, 0, 64u << 20);
	zeros.len = 64u << 20;
	for (int i = 0; i < 20; i++)
		tt_zstd(&zeros, 0, &bomb);
	assert_int_equal(tt_ingest(&s, &bomb, NULL, 0, NULL, &err), -EFBIG);
	assert_int_equal(tt_count_files(&s, "tmp"), 0);
}

static void E3_entries_without_end_are_refused(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_strbuf bomb = STRBUF_INIT(TT_MAX);
	auto_tt_store s;
	struct error err = { 0 };

	(void)state;
	tt_store_open(&s, STORE_MODE_AUTO);
	for (int i = 0; i < 50000; i++) {
		char name[16];
		(void)snprintf(name, sizeof(name), "%d", i);
		tt_add(&tar, '6', name, NULL, NULL);
	}
	for (int i = 0; i < 10; i++)
		tt_zstd(&tar, 0, &bomb);
	assert_int_equal(tt_ingest(&s, &bomb, NULL, 0, NULL, &err), -EFBIG);
	assert_non_null(strstr(err.text, "entries"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_compression_gives_the_same_layer),
		cmocka_unit_test(what_is_not_what_was_promised_is_refused_and_leaves_nothing),
		cmocka_unit_test(garbage_behind_a_valid_beginning_is_refused),
		cmocka_unit_test(a_suspended_layer_goes_on_where_it_stopped),
		cmocka_unit_test(what_was_not_suspended_is_not_kept),
		cmocka_unit_test(a_damaged_beginning_is_dropped_and_the_next_try_starts_over),
		cmocka_unit_test(two_ingests_of_one_blob_do_not_disturb_each_other),
		cmocka_unit_test(what_no_image_names_is_gone_after_a_restart),
		cmocka_unit_test(M2_a_flipped_byte_of_a_blob_is_noticed_at_its_next_use),
		cmocka_unit_test(a_lost_tar_or_index_is_made_anew_from_what_is_left),
		cmocka_unit_test(an_index_of_an_older_writer_is_built_anew),
		cmocka_unit_test(a_store_moves_between_modes),
		cmocka_unit_test(E3_bombs_are_refused),
		cmocka_unit_test(E3_entries_without_end_are_refused),
	};
	if (geteuid() != 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
