/* SPDX-License-Identifier: Apache-2.0 */
#include "store/archive/archive.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/blob.h"
#include "store/hash.h"
#include "store/image/image.h"
#include "store/tar/tar.h"
#include "store/test-tools.h"

/* ---- Parts of archives ---- */

static void make_layer(struct strbuf *ret, const char *file)
{
	tt_add(ret, '0', file, NULL, file);
	tt_end(ret);
}

static void add_bytes(struct strbuf *tar, const char *path, const void *data, size_t len)
{
	const struct tt_entry entry = { '0', path, NULL, data, len, 0644, 0, 0, 0, 0 };
	tt_add_entry(tar, &entry);
}

static void add_blob(struct strbuf *tar, const void *data, size_t len, struct digest *ret)
{
	hash_buffer(DIGEST_SHA256, data, len, ret);
	auto_free char *path = xasprintf("blobs/sha256/%s", digest_hex(ret));
	add_bytes(tar, path, data, len);
}

static char *config_for(const struct digest *diff_id)
{
	return xasprintf("{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":"
			 "\"layers\",\"diff_ids\":[\"%s\"]}}",
			 diff_id->text);
}

static int load(struct tt_store *s, const struct strbuf *archive, size_t piece, struct strv *refs,
		struct strv *ids, struct error *err)
{
	auto_archive_load *l = NULL;

	int r = archive_load_begin(s->store, NULL, NULL, &l, err);
	for (size_t at = 0; at < archive->len && r == 0; at += piece) {
		size_t len = archive->len - at < piece ? archive->len - at : piece;
		r = archive_load_write(l, archive->data + at, len, err);
	}
	return r < 0 ? r : archive_load_finish(l, refs, ids, err);
}

static void expect_loaded(struct tt_store *s, const struct strbuf *archive, const char *reference)
{
	auto_strv refs = { 0 };
	auto_strv ids = { 0 };
	struct error err = { 0 };

	if (load(s, archive, 5000, &refs, &ids, &err) < 0)
		fail_msg("%s", err.text);
	if (!reference) {
		assert_int_equal(refs.count, 0);
		assert_int_equal(ids.count, 1);
		return;
	}
	assert_true(strv_contains(&refs, reference));
	struct image *image = NULL;
	assert_int_equal(image_find(s->store, reference, &image, &err), 0);
	if (store_verify(s->store, &image->id, &err) < 0)
		fail_msg("%s", err.text);
	image_free(image);
}

static void expect_refused(const struct strbuf *archive, const char *why)
{
	auto_tt_store s;
	auto_strv refs = { 0 };
	auto_strv ids = { 0 };
	auto_images images = { 0 };
	struct error err = { 0 };

	tt_store_open(&s, STORE_MODE_AUTO);
	assert_true(load(&s, archive, 4096, &refs, &ids, &err) < 0);
	if (!strstr(err.text, why))
		fail_msg("'%s' is not in '%s'", why, err.text);
	assert_int_equal(image_list(s.store, &images, &err), 0);
	assert_int_equal(images.count, 0);
	tt_store_reopen(&s);
	assert_int_equal(tt_count_files(&s, "blobs/sha256"), 0);
	assert_int_equal(tt_count_files(&s, "layers"), 0);
	assert_int_equal(tt_count_files(&s, "tmp"), 0);
}

/* ---- docker save of old ---- */

/* Two images whose second layer folder is a link to the first, as docker 20 writes it. */
static void make_old_archive(struct strbuf *tar, const char *link)
{
	auto_strbuf layer = STRBUF_INIT(TT_MAX);
	struct digest diff_id;

	make_layer(&layer, "file");
	hash_buffer(DIGEST_SHA256, layer.data, layer.len, &diff_id);
	auto_free char *config = config_for(&diff_id);
	tt_add(tar, '5', "aaaa/", NULL, NULL);
	tt_add(tar, '0', "aaaa/VERSION", NULL, "1.0");
	tt_add(tar, '0', "aaaa/json", NULL, "{\"id\":\"aaaa\"}");
	add_bytes(tar, "aaaa/layer.tar", layer.data, layer.len);
	tt_add(tar, '5', "bbbb/", NULL, NULL);
	tt_add(tar, '2', "bbbb/layer.tar", link, NULL);
	tt_add(tar, '0', "one.json", NULL, config);
	auto_free char *other = xasprintf("%s\n", config);
	tt_add(tar, '0', "two.json", NULL, other);
	tt_add(tar, '0', "manifest.json", NULL,
	       "[{\"Config\":\"one.json\",\"RepoTags\":[\"app:1\",\"app:one\"],"
	       "\"Layers\":[\"aaaa/layer.tar\"]},"
	       "{\"Config\":\"two.json\",\"RepoTags\":null,\"Layers\":[\"bbbb/layer.tar\"]}]");
	tt_add(tar, '0', "repositories", NULL, "{\"app\":{\"1\":\"aaaa\"}}");
	tt_end(tar);
}

static void an_archive_of_old_docker_is_loaded(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_strbuf gzip = STRBUF_INIT(TT_MAX);
	auto_strv refs = { 0 };
	auto_strv ids = { 0 };
	auto_tt_store s;
	auto_tt_store t;
	struct error err = { 0 };

	(void)state;
	make_old_archive(&tar, "../aaaa/layer.tar");
	tt_store_open(&s, STORE_MODE_AUTO);
	if (load(&s, &tar, 777, &refs, &ids, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(refs.count, 2);
	assert_string_equal(refs.items[0], "app:1");
	assert_int_equal(ids.count, 1);
	assert_int_equal(tt_count_files(&s, "layers"), 1);

	tt_gzip(&tar, &gzip);
	tt_store_open(&t, STORE_MODE_FOLDER);
	expect_loaded(&t, &gzip, "app:one");
}

static void links_of_an_archive_stay_within_it(void **state)
{
	static const char *const links[] = { "/etc/passwd", "../../../../etc/passwd",
					     "../bbbb/layer.tar", "missing" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		auto_strbuf tar = STRBUF_INIT(TT_MAX);
		make_old_archive(&tar, links[i]);
		expect_refused(&tar, "lacks layer 'bbbb/layer.tar'");
	}
}

/* ---- OCI layouts ---- */

struct layout {
	const char *index_extra; /* more entries of index.json's list */
	const char *annotations; /* of the one entry */
	bool spoil_layer;
	bool spoil_config;
	bool foreign_layer; /* the blob is not what the configuration's diff-id says */
	bool drop_layer;
	const char *manifest_json; /* with one %s, the configuration's digits; NULL: none */
};

static void make_layout(struct strbuf *tar, const struct layout *l)
{
	auto_strbuf plain = STRBUF_INIT(TT_MAX);
	auto_strbuf gzip = STRBUF_INIT(TT_MAX);
	struct digest diff_id;
	struct digest layer;
	struct digest config;
	struct digest manifest;

	make_layer(&plain, "file");
	hash_buffer(DIGEST_SHA256, plain.data, plain.len, &diff_id);
	if (l->foreign_layer) {
		strbuf_clear(&plain);
		make_layer(&plain, "another");
	}
	tt_gzip(&plain, &gzip);
	auto_free char *config_text = config_for(&diff_id);
	hash_buffer(DIGEST_SHA256, gzip.data, gzip.len, &layer);
	if (l->spoil_layer)
		gzip.data[gzip.len / 2] ^= 1;
	if (!l->drop_layer) {
		auto_free char *path = xasprintf("blobs/sha256/%s", digest_hex(&layer));
		add_bytes(tar, path, gzip.data, gzip.len);
	}
	add_blob(tar, config_text, strlen(config_text), &config);
	if (l->spoil_config) {
		char *byte = strstr(tt_header(tar, 1), "linux");
		memcpy(byte, "Linux", 5);
	}
	auto_free char *manifest_text = xasprintf(
		"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST "\",\"config\":{"
		"\"mediaType\":\"" MEDIA_OCI_CONFIG "\",\"digest\":\"%s\",\"size\":%zu},"
		"\"layers\":[{\"mediaType\":\"" MEDIA_OCI_LAYER_GZIP "\",\"digest\":\"%s\","
		"\"size\":%zu}]}",
		config.text, strlen(config_text), layer.text, gzip.len);
	add_blob(tar, manifest_text, strlen(manifest_text), &manifest);
	auto_free char *index = xasprintf(
		"{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" MEDIA_OCI_MANIFEST "\","
		"\"digest\":\"%s\",\"size\":%zu,\"annotations\":{%s}}%s]}",
		manifest.text, strlen(manifest_text), l->annotations ? l->annotations : "",
		l->index_extra ? l->index_extra : "");
	tt_add(tar, '0', "index.json", NULL, index);
	tt_add(tar, '0', "oci-layout", NULL, "{\"imageLayoutVersion\":\"1.0.0\"}");
	if (l->manifest_json) {
		auto_strbuf text = STRBUF_INIT(TT_MAX);
		const char *mark = strstr(l->manifest_json, "%s");
		strbuf_add(&text, l->manifest_json, (size_t)(mark - l->manifest_json));
		strbuf_addf(&text, "blobs/sha256/%s%s", digest_hex(&config), mark + 2);
		tt_add(tar, '0', "manifest.json", NULL, strbuf_text(&text));
	}
	tt_end(tar);
}

static void an_oci_layout_is_loaded_under_the_names_it_brings(void **state)
{
	static const struct {
		struct layout layout;
		const char *reference;
	} cases[] = {
		{ { 0 }, NULL },
		{ { .annotations = "\"org.opencontainers.image.ref.name\":\"latest\"" }, NULL },
		{ { .annotations = "\"org.opencontainers.image.ref.name\":\"app:2\"" }, "app:2" },
		{ { .annotations = "\"io.containerd.image.name\":\"docker.io/library/app:3\","
				   "\"org.opencontainers.image.ref.name\":\"3\"" },
		  "app:3" },
		{ { .manifest_json =
			    "[{\"Config\":\"%s\",\"RepoTags\":[\"app:4\"],\"Layers\":[]}]" },
		  "app:4" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_strbuf tar = STRBUF_INIT(TT_MAX);
		auto_tt_store s;
		tt_store_open(&s, STORE_MODE_AUTO);
		make_layout(&tar, &cases[i].layout);
		expect_loaded(&s, &tar, cases[i].reference);
		expect_loaded(&s, &tar, cases[i].reference); /* once more: all is here */
	}
}

static void what_an_archive_spoils_is_refused(void **state)
{
	static const struct {
		struct layout layout;
		const char *why;
	} cases[] = {
		{ { .spoil_layer = true }, "layer 'blobs/sha256/" },
		{ { .spoil_config = true }, "lacks configuration" },
		{ { .foreign_layer = true }, "is not here" },
		{ { .drop_layer = true }, "is not here" },
		{ { .annotations = "\"io.containerd.image.name\":\"Not A Name\"" }, "" },
		{ { .manifest_json =
			    "[{\"Config\":\"%s.x\",\"RepoTags\":[\"a:1\"],\"Layers\":[]}]" },
		  "lacks configuration" },
		{ { .manifest_json = "{\"Config\":\"%s\"}" }, "is no list" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_strbuf tar = STRBUF_INIT(TT_MAX);
		make_layout(&tar, &cases[i].layout);
		expect_refused(&tar, cases[i].why);
	}
}

static void two_documents_that_tell_of_different_images_are_refused(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	const struct layout layout = { 0 };
	struct digest none;

	(void)state;
	make_layout(&tar, &layout);
	tar.len -= 2 * TAR_BLOCK;
	hash_buffer(DIGEST_SHA256, "", 0, &none);
	auto_free char *config = config_for(&none);
	tt_add(&tar, '0', "other.json", NULL, config);
	tt_add(&tar, '0', "manifest.json", NULL,
	       "[{\"Config\":\"other.json\",\"RepoTags\":[\"a:1\"],\"Layers\":[]}]");
	tt_end(&tar);
	expect_refused(&tar, "index.json does not have image");
}

static void archives_that_are_none_are_refused(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	const struct tt_entry device = { '3', "null", NULL, NULL, 0, 0666, 0, 0, 1, 3 };

	(void)state;
	tt_end(&tar);
	expect_refused(&tar, "no image archive");
	strbuf_clear(&tar);
	strbuf_adds(&tar, "this is a text");
	expect_refused(&tar, "cut short");
	strbuf_clear(&tar);
	tt_add(&tar, '0', "a", NULL, "x");
	tt_add(&tar, '0', "./a", NULL, "y");
	expect_refused(&tar, "twice");
	strbuf_clear(&tar);
	tt_add(&tar, '0', "../manifest.json", NULL, "[]");
	expect_refused(&tar, "'..'");
	strbuf_clear(&tar);
	tt_add_entry(&tar, &device);
	expect_refused(&tar, "device");
	strbuf_clear(&tar);
	tt_add(&tar, '0', "manifest.json", NULL, "[]");
	tt_end(&tar);
	expect_refused(&tar, "no image");
}

/* What is remembered of an archive's entries has a limit, however little they hold. */
static void archives_of_nothing_but_names_are_refused(void **state)
{
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	char target[4001];

	(void)state;
	memset(target, 'x', 4000);
	for (int i = 0; i < 4300; i++) {
		char name[16];
		(void)snprintf(name, sizeof(name), "link-%d", i);
		(void)snprintf(target + 3990, 11, "%010d", i);
		tt_long(&tar, 'K', target);
		tt_add(&tar, '2', name, "x", NULL);
	}
	tt_end(&tar);
	expect_refused(&tar, "too long together");
}

/* ---- Save and import ---- */

static int to_strbuf(void *context, const void *data, size_t len, struct error *err)
{
	(void)err;
	strbuf_add(context, data, len);
	return 0;
}

static void import(struct tt_store *s, const struct strbuf *tar, const char *reference,
		   struct digest *ret)
{
	auto_archive_import *i = NULL;
	struct error err = { 0 };
	const struct import_options options = { .reference = reference };

	assert_int_equal(archive_import_begin(s->store, &options, &i, &err), 0);
	assert_int_equal(archive_import_write(i, tar->data, tar->len, &err), 0);
	if (archive_import_finish(i, ret, &err) < 0)
		fail_msg("%s", err.text);
}

static void what_is_saved_loads_with_equal_digests(void **state)
{
	auto_tt_store from;
	auto_tt_store to;
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_strbuf gzip = STRBUF_INIT(TT_MAX);
	auto_strbuf saved = STRBUF_INIT(TT_MAX);
	auto_strv names = { 0 };
	struct digest id;
	struct digest before;
	struct digest after;
	struct error err = { 0 };

	(void)state;
	tt_store_open(&from, STORE_MODE_AUTO);
	tt_store_open(&to, STORE_MODE_AUTO);
	make_layer(&tar, "file");
	tt_gzip(&tar, &gzip);
	import(&from, &gzip, "app:1", &id);
	assert_int_equal(image_tag(from.store, "app:1", "app:2", &err), 0);
	strv_add(&names, "app");
	if (archive_save(from.store, &names, to_strbuf, &saved, &err) < 0)
		fail_msg("%s", err.text);
	expect_loaded(&to, &saved, "app:1");
	expect_loaded(&to, &saved, "app:2");
	assert_int_equal(image_find_manifest(from.store, "app:1", &before, &err), 0);
	assert_int_equal(image_find_manifest(to.store, "app:2", &after, &err), 0);
	assert_string_equal(before.text, after.text);
	strv_add(&names, "missing:1");
	assert_int_equal(archive_save(from.store, &names, to_strbuf, &saved, &err), -ENOENT);
}

static void an_image_saved_by_its_id_has_no_name(void **state)
{
	auto_tt_store s;
	auto_strbuf tar = STRBUF_INIT(TT_MAX);
	auto_strbuf saved = STRBUF_INIT(TT_MAX);
	auto_strv names = { 0 };
	struct digest id;
	struct error err = { 0 };

	(void)state;
	tt_store_open(&s, STORE_MODE_AUTO);
	make_layer(&tar, "file");
	import(&s, &tar, "app:1", &id);
	strv_add(&names, id.text);
	assert_int_equal(archive_save(s.store, &names, to_strbuf, &saved, &err), 0);
	expect_loaded(&s, &saved, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_archive_of_old_docker_is_loaded),
		cmocka_unit_test(links_of_an_archive_stay_within_it),
		cmocka_unit_test(an_oci_layout_is_loaded_under_the_names_it_brings),
		cmocka_unit_test(what_an_archive_spoils_is_refused),
		cmocka_unit_test(two_documents_that_tell_of_different_images_are_refused),
		cmocka_unit_test(archives_that_are_none_are_refused),
		cmocka_unit_test(archives_of_nothing_but_names_are_refused),
		cmocka_unit_test(what_is_saved_loads_with_equal_digests),
		cmocka_unit_test(an_image_saved_by_its_id_has_no_name),
	};
	if (geteuid() != 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
