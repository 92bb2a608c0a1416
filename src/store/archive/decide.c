/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "oci/manifest.h"
#include "oci/reference.h"
#include "store/archive/internal.h"
#include "store/hash.h"
#include "store/image/record.h"

#define IMAGES_MAX 1000u
#define INDEX_DEPTH_MAX 4

/* One image of the archive, before it is committed. */
struct found {
	struct digest id;
	const struct strbuf *config;
	const struct strbuf *manifest; /* NULL for one of manifest.json alone */
	struct layer_info *layers;     /* of one without a manifest */
	size_t layer_count;
	struct strv references; /* full names with tags */
};

struct decision {
	const struct archive_content *content;
	struct found *images;
	size_t count;
};

static void decision_done(struct decision *d)
{
	for (size_t i = 0; i < d->count; i++) {
		free(d->images[i].layers);
		strv_done(&d->images[i].references);
	}
	free(d->images);
}

static struct found *find_image(struct decision *d, const struct digest *id)
{
	for (size_t i = 0; i < d->count; i++) {
		if (digest_equal(&d->images[i].id, id))
			return &d->images[i];
	}
	return NULL;
}

static int add_image(struct decision *d, const struct found *image, struct found **ret,
		     struct error *err)
{
	if (d->count == IMAGES_MAX)
		return error_say(err, EFBIG, "archive has more than %u images", IMAGES_MAX);
	d->images = xreallocarray(d->images, d->count + 1, sizeof(*d->images));
	d->images[d->count] = *image;
	*ret = &d->images[d->count++];
	return 0;
}

static int add_reference(struct found *image, const char *text, struct error *err)
{
	auto_reference ref = { 0 };

	int r = reference_parse(text, &ref, err);
	if (r < 0)
		return r;
	if (!ref.tag || !digest_is_empty(&ref.digest))
		return error_say(err, EBADMSG, "archive tags an image as '%.200s'", text);
	auto_free char *full = reference_text(&ref);
	if (!strv_contains(&image->references, full))
		strv_add(&image->references, full);
	return 0;
}

static const struct strbuf *blob_document(const struct archive_content *content,
					  const struct digest *digest)
{
	char path[ARCHIVE_BLOB_PATH];
	struct digest found;

	archive_blob_path(digest, path);
	const struct strbuf *document = archive_document(content, path);
	if (!document)
		return NULL;
	hash_buffer(digest_algorithm(digest), strbuf_text(document), document->len, &found);
	return digest_equal(&found, digest) ? document : NULL;
}

/* ---- index.json ---- */

/* What a descriptor calls its image: containerd's word is a full name, the OCI's may be a bare tag. */
static int name_image(struct found *image, const struct descriptor *d, struct error *err)
{
	if (d->image_name)
		return add_reference(image, d->image_name, err);
	if (d->ref_name && strpbrk(d->ref_name, ":/"))
		return add_reference(image, d->ref_name, err);
	return 0;
}

static int check_blobs(const struct decision *d, const struct manifest *m, struct error *err)
{
	char path[ARCHIVE_BLOB_PATH];

	for (size_t i = 0; i < m->layers.count; i++) {
		archive_blob_path(&m->layers.items[i].digest, path);
		const struct archive_layer *layer = archive_layer_at(d->content, path);
		if (layer && layer->err.code)
			return error_say(err, layer->err.code, "layer '%s': %s", path,
					 layer->err.text);
	}
	return 0;
}

static int add_manifest(struct decision *d, const struct descriptor *named,
			const struct strbuf *document, const struct manifest *m, struct error *err)
{
	struct found *image = find_image(d, &m->config.digest);

	if (!image) {
		struct found fresh = {
			.id = m->config.digest,
			.config = blob_document(d->content, &m->config.digest),
			.manifest = document,
		};
		if (!fresh.config)
			return error_say(err, EBADMSG, "archive lacks configuration %s",
					 m->config.digest.text);
		int r = check_blobs(d, m, err);
		if (r == 0)
			r = add_image(d, &fresh, &image, err);
		if (r < 0)
			return r;
	}
	return name_image(image, named, err);
}

/* An index within an index is one image for several machines; the archive may hold only some. */
static const struct descriptor *select_present(const struct archive_content *content,
					       const struct manifest *index)
{
	struct manifest present = { .kind = MANIFEST_INDEX };
	const struct descriptor *best = NULL;
	struct platform host;

	platform_host(&host);
	present.manifests.items = xcalloc(index->manifests.count + 1, sizeof(struct descriptor));
	for (size_t i = 0; i < index->manifests.count; i++) {
		if (blob_document(content, &index->manifests.items[i].digest))
			present.manifests.items[present.manifests.count++] =
				index->manifests.items[i];
	}
	const struct descriptor *chosen = manifest_select(&present, &host);
	if (!chosen && present.manifests.count == 1)
		chosen = &present.manifests.items[0];
	for (size_t i = 0; chosen && i < index->manifests.count && !best; i++) {
		if (digest_equal(&index->manifests.items[i].digest, &chosen->digest))
			best = &index->manifests.items[i];
	}
	free(present.manifests.items);
	return best;
}

static int add_descriptor(struct decision *d, const struct descriptor *named,
			  const struct descriptor *target, int depth, struct error *err)
{
	const struct strbuf *document = blob_document(d->content, &target->digest);
	auto_manifest *m = NULL;

	if (!document)
		return error_say(err, EBADMSG, "archive lacks manifest %s", target->digest.text);
	int r = manifest_parse(strbuf_text(document), document->len, target->media_type, &m, err);
	if (r < 0)
		return r;
	if (m->kind == MANIFEST_IMAGE)
		return add_manifest(d, named, document, m, err);

	const struct descriptor *chosen =
		depth < INDEX_DEPTH_MAX ? select_present(d->content, m) : NULL;
	if (!chosen)
		return error_say(err, ENOENT, "index %s has no image for this machine",
				 target->digest.text);
	return add_descriptor(d, named, chosen, depth + 1, err);
}

static int read_index(struct decision *d, const struct strbuf *document, struct error *err)
{
	auto_manifest *index = NULL;

	int r = manifest_parse(strbuf_text(document), document->len, MEDIA_OCI_INDEX, &index, err);
	for (size_t i = 0; r == 0 && i < index->manifests.count; i++) {
		const struct descriptor *entry = &index->manifests.items[i];
		if (media_type_is_manifest(entry->media_type, NULL))
			r = add_descriptor(d, entry, entry, 0, err);
	}
	return r < 0 ? error_prefix(err, "index.json") : 0;
}

/* ---- manifest.json ---- */

static int take_layers(struct decision *d, const struct strv *paths, struct found *image,
		       struct error *err)
{
	image->layers = xcalloc(paths->count + 1, sizeof(*image->layers));
	for (size_t i = 0; i < paths->count; i++) {
		const struct archive_layer *layer = archive_layer_at(d->content, paths->items[i]);
		if (!layer)
			return error_say(err, EBADMSG, "archive lacks layer '%.200s'",
					 paths->items[i]);
		if (layer->err.code)
			return error_say(err, layer->err.code, "layer '%.200s': %.200s",
					 paths->items[i], layer->err.text);
		image->layers[image->layer_count++] = layer->info;
	}
	return 0;
}

/*
 * One item: {"Config": path, "RepoTags": [...], "Layers": [paths]}. Where an index.json came too, it has
 * the manifests, and this one adds names; the two must tell of the same images.
 */
static int read_item(struct decision *d, struct json_object *item, bool with_index,
		     struct error *err)
{
	auto_strv tags = { 0 };
	auto_strv layers = { 0 };
	const char *path = NULL;
	struct digest id;

	int r = json_get_string(item, "Config", &path, err);
	if (r == 0)
		r = json_get_strings(item, "RepoTags", &tags, err);
	if (r == 0)
		r = json_get_strings(item, "Layers", &layers, err);
	if (r < 0)
		return r;
	const struct strbuf *config = path ? archive_document(d->content, path) : NULL;
	if (!config)
		return error_say(err, EBADMSG, "archive lacks configuration '%.200s'",
				 path ? path : "");

	hash_buffer(DIGEST_SHA256, strbuf_text(config), config->len, &id);
	struct found *image = find_image(d, &id);
	if (!image && with_index)
		return error_say(err, EBADMSG, "index.json does not have image %s", id.text);
	if (!image) {
		struct found fresh = { .id = id, .config = config };
		r = add_image(d, &fresh, &image, err);
		if (r == 0)
			r = take_layers(d, &layers, image, err);
	}
	for (size_t i = 0; i < tags.count && r == 0; i++)
		r = add_reference(image, tags.items[i], err);
	return r;
}

static int read_manifest_json(struct decision *d, const struct strbuf *document, bool with_index,
			      struct error *err)
{
	auto_json *items = NULL;

	int r = json_parse(strbuf_text(document), document->len, document->len, "manifest.json",
			   &items, err);
	if (r < 0)
		return r;
	if (!json_object_is_type(items, json_type_array))
		return error_say(err, EBADMSG, "manifest.json is no list");
	for (size_t i = 0; i < json_object_array_length(items) && r == 0; i++)
		r = read_item(d, json_object_array_get_idx(items, i), with_index, err);
	return r < 0 ? error_prefix(err, "manifest.json") : 0;
}

/* ---- Commit ---- */

static int commit_image(const struct decision *d, const struct found *image,
			struct strv *references, struct strv *ids, struct error *err)
{
	const struct image_commit commit = {
		.config = strbuf_text(image->config),
		.config_len = image->config->len,
		.manifest = image->manifest ? strbuf_text(image->manifest) : NULL,
		.manifest_len = image->manifest ? image->manifest->len : 0,
		.layers = image->layers,
		.layer_count = image->layer_count,
		.references = (const char *const *)image->references.items,
		.reference_count = image->references.count,
	};
	struct digest id;

	int r = image_commit(d->content->lease, &commit, &id, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < image->references.count; i++)
		strv_add_take(references, image_familiar(image->references.items[i]));
	if (image->references.count == 0)
		strv_add(ids, id.text);
	return 0;
}

int archive_decide(const struct archive_content *content, struct strv *references, struct strv *ids,
		   struct error *err)
{
	auto_(decision_done) struct decision d = { .content = content };
	const struct strbuf *index = archive_document(content, "index.json");
	const struct strbuf *manifest = archive_document(content, "manifest.json");
	int r = 0;

	if (!index && !manifest)
		return error_say(err, EBADMSG,
				 "it has neither manifest.json nor index.json: no image archive");
	if (index)
		r = read_index(&d, index, err);
	if (r == 0 && manifest)
		r = read_manifest_json(&d, manifest, index != NULL, err);
	if (r == 0 && d.count == 0)
		r = error_say(err, EBADMSG, "it has no image");
	for (size_t i = 0; i < d.count && r == 0; i++)
		r = commit_image(&d, &d.images[i], references, ids, err);
	return r;
}
