/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "oci/reference.h"
#include "store/hash.h"
#include "store/image/record.h"
#include "store/layer/ingest.h"

/* An image on its way into the records. */
struct pending {
	const struct image_commit *commit;
	struct image_config *config;
	struct manifest *manifest;
	struct strbuf manifest_bytes;
	struct digest id;
	struct digest manifest_digest;
	struct strv references; /* full */
	char *repo_name;        /* full; NULL where none */
};

static void pending_done(struct pending *p)
{
	image_config_free(p->config);
	manifest_free(p->manifest);
	strbuf_done(&p->manifest_bytes);
	strv_done(&p->references);
	free(p->repo_name);
}

/* The manifest of an image that did not come with one: imported, built or from an old archive. */
static int make_manifest(struct pending *p, struct error *err)
{
	const struct image_commit *c = p->commit;
	auto_manifest *m = xnew(struct manifest);

	if (c->layer_count != p->config->diff_id_count)
		return error_say(err, EBADMSG, "configuration names %zu layers, but there are %zu",
				 p->config->diff_id_count, c->layer_count);
	m->kind = MANIFEST_IMAGE;
	m->media_type = xstrdup(MEDIA_OCI_MANIFEST);
	m->config.media_type = xstrdup(MEDIA_OCI_CONFIG);
	hash_buffer(DIGEST_SHA256, c->config, c->config_len, &m->config.digest);
	m->config.size = c->config_len;
	for (size_t i = 0; i < c->layer_count; i++) {
		const struct layer_info *info = &c->layers[i];
		struct descriptor layer = {
			.media_type = (char *)info->media_type,
			.digest = info->blob,
			.size = info->blob_size,
		};
		descriptors_add(&m->layers, &layer);
	}
	manifest_write(m, &p->manifest_bytes);
	p->manifest = take_ptr(m);
	return 0;
}

static int read_documents(struct pending *p, struct error *err)
{
	const struct image_commit *c = p->commit;

	int r = image_config_parse(c->config, c->config_len, &p->config, err);
	if (r < 0)
		return r;
	if (!c->manifest) {
		r = make_manifest(p, err);
	} else {
		strbuf_add(&p->manifest_bytes, c->manifest, c->manifest_len);
		r = manifest_parse(c->manifest, c->manifest_len, NULL, &p->manifest, err);
	}
	if (r < 0)
		return r;
	if (p->manifest->kind != MANIFEST_IMAGE)
		return error_say(err, EBADMSG, "manifest is an index");
	if (p->manifest_bytes.overflow)
		return error_say(err, EFBIG, "manifest is too large");

	hash_buffer(digest_algorithm(&p->manifest->config.digest), c->config, c->config_len,
		    &p->id);
	hash_buffer(DIGEST_SHA256, strbuf_text(&p->manifest_bytes), p->manifest_bytes.len,
		    &p->manifest_digest);
	if (!digest_equal(&p->id, &p->manifest->config.digest) ||
	    c->config_len != p->manifest->config.size)
		return error_say(err, EBADMSG, "manifest is for configuration %s, not for %s",
				 p->manifest->config.digest.text, p->id.text);
	return 0;
}

/* Each compressed blob must be here, and be the one that unpacks to the layer that is named. */
static int check_layers(struct store_lease *lease, const struct pending *p, struct error *err)
{
	const struct manifest *m = p->manifest;

	if (m->layers.count != p->config->diff_id_count)
		return error_say(err, EBADMSG, "manifest has %zu layers, its configuration %zu",
				 m->layers.count, p->config->diff_id_count);
	for (size_t i = 0; i < m->layers.count; i++) {
		const struct digest *blob = &m->layers.items[i].digest;
		if (!layer_exists(lease, blob, &p->config->diff_ids[i]))
			return error_say(err, ENOENT, "layer %s (unpacked: %s) is not here",
					 blob->text, p->config->diff_ids[i].text);
	}
	return 0;
}

static int full_name(const char *text, bool with_tag, char **ret, struct error *err)
{
	auto_reference ref = { 0 };

	int r = reference_parse(text, &ref, err);
	if (r < 0)
		return r;
	if (with_tag && (!digest_is_empty(&ref.digest) || !ref.tag))
		return error_say(err, EINVAL, "'%s' has no tag", text);
	*ret = with_tag ? reference_text(&ref) : reference_name(&ref);
	return 0;
}

static int read_names(struct pending *p, struct error *err)
{
	const struct image_commit *c = p->commit;
	int r = 0;

	for (size_t i = 0; i < c->reference_count && r == 0; i++) {
		char *full = NULL;
		r = full_name(c->references[i], true, &full, err);
		if (r == 0)
			strv_add_take(&p->references, full);
	}
	if (r == 0 && c->repo_name)
		r = full_name(c->repo_name, false, &p->repo_name, err);
	return r;
}

static int add_image(struct db *db, const struct pending *p, struct error *err)
{
	const struct platform *platform = &p->config->platform;
	int64_t created = 0;

	if (p->config->created && !clock_parse(p->config->created, &created))
		created = 0;
	int r = db_run(db, err,
		       "INSERT INTO image (id, manifest, created_ns, committed_ns, size, os,"
		       " architecture, variant) VALUES (?, ?, ?, ?, 0, ?, ?, ?)"
		       " ON CONFLICT (id) DO UPDATE SET manifest = excluded.manifest,"
		       " committed_ns = excluded.committed_ns",
		       "ssiisss", p->id.text, p->manifest_digest.text, created, clock_now(),
		       platform->os, platform->architecture, platform->variant);
	for (size_t i = 0; i < p->config->diff_id_count && r == 0; i++)
		r = db_run(db, err,
			   "INSERT OR REPLACE INTO image_layer (image, position, diff_id)"
			   " VALUES (?, ?, ?)",
			   "sis", p->id.text, (int64_t)i, p->config->diff_ids[i].text);
	if (r == 0)
		r = db_run(db, err,
			   "UPDATE image SET size = (SELECT coalesce(sum(content_size), 0)"
			   " FROM image_layer JOIN layer USING (diff_id) WHERE image = id)"
			   " WHERE id = ?",
			   "s", p->id.text);
	return r;
}

static int add_manifest(struct db *db, const struct pending *p, struct error *err)
{
	int r = db_run(db, err,
		       "INSERT OR IGNORE INTO manifest (digest, image, media_type, size)"
		       " VALUES (?, ?, ?, ?)",
		       "sssi", p->manifest_digest.text, p->id.text, p->manifest->media_type,
		       (int64_t)p->manifest_bytes.len);
	for (size_t i = 0; i < p->manifest->layers.count && r == 0; i++)
		r = db_run(db, err,
			   "INSERT OR IGNORE INTO manifest_blob (manifest, digest) VALUES (?, ?)",
			   "ss", p->manifest_digest.text, p->manifest->layers.items[i].digest.text);
	return r;
}

static int add_names(struct db *db, const struct pending *p, struct error *err)
{
	const struct digest *digest =
		p->commit->repo_digest ? p->commit->repo_digest : &p->manifest_digest;
	int r = 0;

	for (size_t i = 0; i < p->references.count && r == 0; i++)
		r = db_run(db, err,
			   "INSERT OR REPLACE INTO tag (reference, image, manifest)"
			   " VALUES (?, ?, ?)",
			   "sss", p->references.items[i], p->id.text, p->manifest_digest.text);
	if (r == 0 && p->repo_name)
		r = db_run(db, err,
			   "INSERT OR REPLACE INTO repo_digest (name, digest, image, manifest)"
			   " VALUES (?, ?, ?, ?)",
			   "ssss", p->repo_name, digest->text, p->id.text, p->manifest_digest.text);
	return r;
}

static int record(struct store *store, const struct pending *p, struct error *err)
{
	auto_db_tx tx = { 0 };

	int r = db_tx_begin(store->db, true, &tx, err);
	if (r == 0)
		r = add_image(store->db, p, err);
	if (r == 0)
		r = add_manifest(store->db, p, err);
	if (r == 0)
		r = add_names(store->db, p, err);
	return r < 0 ? r : db_tx_commit(&tx, err);
}

static int commit_pending(struct store_lease *lease, struct pending *p, struct error *err)
{
	const struct image_commit *c = p->commit;

	int r = read_documents(p, err);
	if (r == 0)
		r = read_names(p, err);
	if (r == 0)
		r = check_layers(lease, p, err);
	if (r == 0)
		r = blob_put(lease, c->config, c->config_len, &p->id, NULL, err);
	if (r == 0)
		r = blob_put(lease, strbuf_text(&p->manifest_bytes), p->manifest_bytes.len,
			     &p->manifest_digest, NULL, err);
	if (r == 0)
		r = store_sync_folders(lease->store, err);
	return r < 0 ? r : record(lease->store, p, err);
}

int image_commit(struct store_lease *lease, const struct image_commit *commit, struct digest *ret,
		 struct error *err)
{
	auto_(pending_done) struct pending p = {
		.commit = commit,
		.manifest_bytes = STRBUF_INIT(MANIFEST_SIZE_MAX),
	};

	int r = commit_pending(lease, &p, err);
	if (r < 0)
		return error_prefix(err, "store image");
	if (ret)
		*ret = p.id;
	return 0;
}
