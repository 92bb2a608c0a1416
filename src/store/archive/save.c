/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/json.h"
#include "oci/manifest.h"
#include "oci/reference.h"
#include "store/archive/internal.h"
#include "store/hash.h"
#include "store/image/record.h"
#include "store/tar/write.h"

#define PIECE (1u << 20)
#define INDEX_MAX (16u << 20)

/* One image to save, with the names it gets. */
struct saved {
	struct digest id;
	struct digest digest; /* of the manifest */
	struct manifest *manifest;
	uint64_t manifest_size;
	struct strv references; /* full; empty for one that was named by its id */
};

struct save {
	struct store *store;
	struct store_lease *lease;
	struct tar_writer writer;
	struct saved *images;
	size_t count;
	struct map *written; /* digests of blobs that are in the archive */
};

static void save_done(struct save *s)
{
	for (size_t i = 0; i < s->count; i++) {
		manifest_free(s->images[i].manifest);
		strv_done(&s->images[i].references);
	}
	free(s->images);
	map_free(s->written);
	store_lease_free(s->lease);
}

/* ---- What to save ---- */

static struct saved *find_saved(struct save *s, const struct digest *manifest)
{
	for (size_t i = 0; i < s->count; i++) {
		if (digest_equal(&s->images[i].digest, manifest))
			return &s->images[i];
	}
	return NULL;
}

static int add_image(struct save *s, const struct digest *id, const struct digest *manifest,
		     const char *reference, struct error *err)
{
	struct saved *saved = find_saved(s, manifest);

	if (!saved) {
		struct saved fresh = { .id = *id, .digest = *manifest };
		int r = image_load_manifest(s->store, manifest, &fresh.manifest, err);
		if (r < 0)
			return r;
		s->images = xreallocarray(s->images, s->count + 1, sizeof(*s->images));
		s->images[s->count] = fresh;
		saved = &s->images[s->count++];
	}
	if (reference && !strv_contains(&saved->references, reference))
		strv_add(&saved->references, reference);
	return 0;
}

/* A name without a tag stands for all tags of it. */
static int add_repository(struct save *s, const char *name, size_t *ret_count, struct error *err)
{
	auto_free char *prefix = xasprintf("%s:", name);
	auto_strv references = { 0 };

	int r = image_select_texts(s->store->db,
				   "SELECT reference FROM tag"
				   " WHERE substr(reference, 1, length(?1)) = ?1 ORDER BY 1",
				   prefix, &references, err);
	for (size_t i = 0; i < references.count && r == 0; i++) {
		auto_image_found found = { 0 };
		r = image_resolve(s->store, references.items[i], &found, err);
		if (r == 0)
			r = add_image(s, &found.id, &found.manifest, references.items[i], err);
	}
	*ret_count = references.count;
	return r;
}

static int add_name(struct save *s, const char *text, struct error *err)
{
	auto_reference ref = { 0 };
	auto_image_found found = { 0 };
	size_t count = 0;

	if (reference_parse(text, &ref, NULL) == 0 && !ref.tag && digest_is_empty(&ref.digest)) {
		auto_free char *name = reference_name(&ref);
		int r = add_repository(s, name, &count, err);
		if (r < 0 || count > 0)
			return r;
	}
	int r = image_resolve(s->store, text, &found, err);
	return r < 0 ? r : add_image(s, &found.id, &found.manifest, found.reference, err);
}

/* ---- Blobs ---- */

/* What goes out is hashed on its way: a blob that the disk has spoilt must not be passed on. */
static int copy_blob(struct save *s, int fd, const struct digest *digest, uint64_t size,
		     struct error *err)
{
	auto_free char *piece = xmalloc(PIECE);
	auto_hasher hasher = { 0 };
	struct digest found;
	uint64_t left = size;

	hasher_init(&hasher, digest_algorithm(digest));
	while (left > 0) {
		ssize_t n = read(fd, piece, left < PIECE ? (size_t)left : PIECE);
		if (n <= 0)
			return error_set(err, n < 0 ? errno : EIO, "read blob %s", digest->text);
		hasher_update(&hasher, piece, (size_t)n);
		left -= (uint64_t)n;
		int r = tar_write_data(&s->writer, piece, (size_t)n, err);
		if (r < 0)
			return r;
	}
	hasher_finish(&hasher, &found);
	if (!digest_equal(&found, digest))
		return error_say(err, EBADMSG, "blob %s is damaged on disk", digest->text);
	return tar_write_pad(&s->writer, size, err);
}

static int write_blob(struct save *s, const struct digest *digest, uint64_t *ret_size,
		      struct error *err)
{
	char path[ARCHIVE_BLOB_PATH];
	uint64_t size = 0;

	lease_pin(s->lease, digest);
	auto_close int fd = blob_open(s->store, digest, &size, err);
	if (fd < 0)
		return fd;
	if (ret_size)
		*ret_size = size;
	if (map_get(s->written, digest->text))
		return 0;
	map_set(s->written, digest->text, s);

	archive_blob_path(digest, path);
	const struct tar_header header = { .path = path, .mode = S_IFREG | 0644, .size = size };
	int r = tar_write_header(&s->writer, &header, err);
	return r < 0 ? r : copy_blob(s, fd, digest, size, err);
}

static int write_image(struct save *s, struct saved *image, struct error *err)
{
	const struct manifest *m = image->manifest;
	int r = 0;

	for (size_t i = 0; i < m->layers.count && r == 0; i++)
		r = write_blob(s, &m->layers.items[i].digest, NULL, err);
	if (r == 0)
		r = write_blob(s, &m->config.digest, NULL, err);
	if (r == 0)
		r = write_blob(s, &image->digest, &image->manifest_size, err);
	return r;
}

/* ---- Documents ---- */

static void add_descriptor(struct manifest *index, const struct saved *image, const char *reference)
{
	const char *colon = reference ? strrchr(reference, ':') : NULL;
	struct descriptor d = {
		.media_type = image->manifest->media_type,
		.digest = image->digest,
		.size = image->manifest_size,
		.image_name = (char *)reference,
		.ref_name = colon ? (char *)colon + 1 : NULL,
	};

	descriptors_add(&index->manifests, &d);
}

static int write_index(struct save *s, struct error *err)
{
	auto_manifest *index = xnew(struct manifest);
	auto_strbuf text = STRBUF_INIT(INDEX_MAX);

	index->kind = MANIFEST_INDEX;
	index->media_type = xstrdup(MEDIA_OCI_INDEX);
	for (size_t i = 0; i < s->count; i++) {
		const struct saved *image = &s->images[i];
		for (size_t j = 0; j < image->references.count; j++)
			add_descriptor(index, image, image->references.items[j]);
		if (image->references.count == 0)
			add_descriptor(index, image, NULL);
	}
	manifest_write(index, &text);
	return tar_write_file(&s->writer, "index.json", strbuf_text(&text), text.len, 0, err);
}

static struct json_object *legacy_item(const struct saved *image)
{
	struct json_object *item = json_object_new_object();
	char path[ARCHIVE_BLOB_PATH];
	auto_strv tags = { 0 };
	auto_strv layers = { 0 };

	for (size_t i = 0; i < image->references.count; i++)
		strv_add_take(&tags, image_familiar(image->references.items[i]));
	for (size_t i = 0; i < image->manifest->layers.count; i++) {
		archive_blob_path(&image->manifest->layers.items[i].digest, path);
		strv_add(&layers, path);
	}
	archive_blob_path(&image->id, path);
	json_add_string(item, "Config", path);
	json_add_strings(item, "RepoTags", &tags);
	json_add_strings(item, "Layers", &layers);
	return item;
}

static int write_manifest_json(struct save *s, struct error *err)
{
	auto_json *items = json_object_new_array();
	auto_strbuf text = STRBUF_INIT(INDEX_MAX);

	for (size_t i = 0; i < s->count; i++)
		json_object_array_add(items, legacy_item(&s->images[i]));
	json_print(items, &text);
	return tar_write_file(&s->writer, "manifest.json", strbuf_text(&text), text.len, 0, err);
}

static int write_folder(struct save *s, const char *path, struct error *err)
{
	const struct tar_header header = { .path = path, .mode = S_IFDIR | 0755 };
	return tar_write_header(&s->writer, &header, err);
}

static int write_archive(struct save *s, struct error *err)
{
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	int r = write_folder(s, "blobs", err);

	if (r == 0)
		r = write_folder(s, "blobs/sha256", err);
	for (size_t i = 0; i < s->count && r == 0; i++)
		r = write_image(s, &s->images[i], err);
	if (r == 0)
		r = write_index(s, err);
	if (r == 0)
		r = write_manifest_json(s, err);
	if (r == 0)
		r = tar_write_file(&s->writer, "oci-layout", layout, strlen(layout), 0, err);
	return r < 0 ? r : tar_write_end(&s->writer, err);
}

int archive_save(struct store *store, const struct strv *names, archive_write_fn write,
		 void *context, struct error *err)
{
	auto_(save_done) struct save s = {
		.store = store,
		.lease = store_lease_new(store),
		.writer = { .sink = write, .context = context },
		.written = map_new(NULL),
	};
	int r = 0;

	for (size_t i = 0; i < names->count && r == 0; i++)
		r = add_name(&s, names->items[i], err);
	if (r == 0)
		r = write_archive(&s, err);
	return r < 0 ? error_prefix(err, "save") : 0;
}
