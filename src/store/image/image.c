/* SPDX-License-Identifier: Apache-2.0 */
#include "store/image/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "oci/reference.h"
#include "store/image/record.h"

void image_free(struct image *image)
{
	if (!image)
		return;
	free(image->manifest_type);
	strv_done(&image->references);
	strv_done(&image->repo_digests);
	free(image);
}

void images_done(struct images *images)
{
	for (size_t i = 0; i < images->count; i++)
		image_free(images->items[i]);
	free(images->items);
	*images = (struct images){ 0 };
}

int image_find(struct store *store, const char *text, struct image **ret, struct error *err)
{
	auto_image_found found = { 0 };

	int r = image_resolve(store, text, &found, err);
	return r < 0 ? r : image_read(store, &found.id, ret, err);
}

int image_acquire(struct store_lease *lease, const char *text, struct image **ret,
		  struct error *err)
{
	struct store *store = lease->store;
	auto_image_found found = { 0 };

	int r = image_resolve(store, text, &found, err);
	if (r < 0)
		return r;
	lease_pin(lease, &found.id);
	pthread_mutex_lock(&store->lock);
	bool leaving = map_get(store->leaving, found.id.text) != NULL;
	pthread_mutex_unlock(&store->lock);
	if (leaving)
		return error_say(err, ENOENT, "No such image: %s", text);
	return image_read(store, &found.id, ret, err);
}

int image_find_manifest(struct store *store, const char *text, struct digest *ret,
			struct error *err)
{
	auto_image_found found = { 0 };

	int r = image_resolve(store, text, &found, err);
	if (r == 0)
		*ret = found.manifest;
	return r;
}

int image_list(struct store *store, struct images *ret, struct error *err)
{
	struct images list = { 0 };
	auto_strv ids = { 0 };

	int r = image_select_texts(store->db,
				   "SELECT id FROM image WHERE ?1 IS NULL"
				   " ORDER BY created_ns DESC, id",
				   NULL, &ids, err);
	for (size_t i = 0; i < ids.count && r == 0; i++) {
		struct image *image = NULL;
		struct digest id;
		r = digest_from_db(ids.items[i], &id, err);
		if (r == 0)
			r = image_read(store, &id, &image, err);
		if (r == -ENOENT) {
			r = 0; /* removed meanwhile */
			continue;
		}
		if (r < 0)
			break;
		list.items = xreallocarray(list.items, list.count + 1, sizeof(struct image *));
		list.items[list.count++] = image;
	}
	if (r < 0) {
		images_done(&list);
		return r;
	}
	*ret = list;
	return 0;
}

int image_load_config(struct store *store, const struct digest *id, struct image_config **ret,
		      struct error *err)
{
	auto_strbuf data = STRBUF_INIT(IMAGE_CONFIG_SIZE_MAX);

	int r = blob_read(store, id, &data, err);
	return r < 0 ? r : image_config_parse(strbuf_text(&data), data.len, ret, err);
}

int image_load_manifest(struct store *store, const struct digest *manifest, struct manifest **ret,
			struct error *err)
{
	auto_strbuf data = STRBUF_INIT(MANIFEST_SIZE_MAX);

	int r = blob_read(store, manifest, &data, err);
	return r < 0 ? r : manifest_parse(strbuf_text(&data), data.len, NULL, ret, err);
}

int image_tag(struct store *store, const char *text, const char *reference, struct error *err)
{
	auto_image_found found = { 0 };
	auto_reference ref = { 0 };
	auto_db_tx tx = { 0 };

	int r = reference_parse(reference, &ref, err);
	if (r < 0)
		return r;
	if (!digest_is_empty(&ref.digest))
		return error_say(err, EINVAL, "refusing to create a tag with a digest reference");
	reference_default_tag(&ref);
	auto_free char *full = reference_text(&ref);

	r = image_resolve(store, text, &found, err);
	if (r == 0)
		r = db_tx_begin(store->db, true, &tx, err);
	if (r == 0)
		r = db_run(
			store->db, err,
			"INSERT OR REPLACE INTO tag (reference, image, manifest) VALUES (?, ?, ?)",
			"sss", full, found.id.text, found.manifest.text);
	if (r == 0)
		r = db_run(store->db, err, "UPDATE image SET committed_ns = ? WHERE id = ?", "is",
			   clock_now(), found.id.text);
	return r < 0 ? error_prefix(err, "tag '%.100s'", reference) : db_tx_commit(&tx, err);
}

int image_add_repo_digest(struct store *store, const struct digest *id, const char *name,
			  const struct digest *digest, struct error *err)
{
	return db_run(store->db, err,
		      "INSERT OR REPLACE INTO repo_digest (name, digest, image, manifest)"
		      " SELECT ?, ?, id, coalesce((SELECT digest FROM manifest WHERE digest = ?),"
		      " manifest) FROM image WHERE id = ?",
		      "ssss", name, digest->text, digest->text, id->text);
}
