/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "store/hash.h"
#include "store/image/record.h"

/* ---- History ---- */

void image_history_rows_done(struct image_history_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		free(rows->items[i].created_by);
		free(rows->items[i].comment);
	}
	free(rows->items);
	*rows = (struct image_history_rows){ 0 };
}

static int64_t layer_size(struct db *db, const struct digest *diff_id)
{
	auto_db_stmt *stmt = NULL;

	if (db_prepare(db, "SELECT content_size FROM layer WHERE diff_id = ?", &stmt, NULL) < 0)
		return 0;
	db_bind_text(stmt, 1, diff_id->text);
	return db_step(stmt, NULL) > 0 ? db_int(stmt, 0) : 0;
}

int image_history(struct store *store, const struct digest *id, struct image_history_rows *ret,
		  struct error *err)
{
	auto_image_config *config = NULL;
	size_t layer = 0;

	int r = image_load_config(store, id, &config, err);
	if (r < 0)
		return r;

	struct image_history_rows rows = { 0 };
	rows.items = xcalloc(config->history_count + 1, sizeof(*rows.items));
	rows.count = config->history_count;
	for (size_t i = 0; i < rows.count; i++) {
		const struct image_history *h = &config->history[i];
		struct image_history_row *row = &rows.items[rows.count - 1 - i];
		if (h->created && !clock_parse(h->created, &row->created_ns))
			row->created_ns = 0;
		row->created_by = xstrdup(h->created_by ? h->created_by : "");
		row->comment = xstrdup(h->comment ? h->comment : "");
		if (!h->empty_layer && layer < config->diff_id_count)
			row->size_bytes = layer_size(store->db, &config->diff_ids[layer++]);
	}
	if (rows.count > 0)
		rows.items[0].id = *id;
	*ret = rows;
	return 0;
}

/* ---- Usage ---- */

static int count(struct db *db, const char *sql, int64_t *ret, struct error *err)
{
	auto_db_stmt *stmt = NULL;

	int r = db_prepare(db, sql, &stmt, err);
	if (r == 0)
		r = db_step(stmt, err);
	if (r < 0)
		return r;
	*ret = db_int(stmt, 0);
	return 0;
}

/* The diff-ids of all images that have instances. */
static int active_layers(struct store *store, struct store_usage *usage, struct map *ret,
			 struct error *err)
{
	auto_images images = { 0 };

	int r = image_list(store, &images, err);
	for (size_t i = 0; i < images.count && r == 0; i++) {
		auto_strv users = { 0 };
		auto_strv layers = { 0 };
		if (store->users)
			store->users(store->users_context, &images.items[i]->id, &users, &users);
		if (users.count == 0)
			continue;
		usage->active++;
		r = image_select_texts(store->db, "SELECT diff_id FROM image_layer WHERE image = ?",
				       images.items[i]->id.text, &layers, err);
		for (size_t j = 0; j < layers.count; j++)
			map_set(ret, layers.items[j], ret);
	}
	return r;
}

static int add_reclaimable(struct store *store, const struct map *active, struct store_usage *usage,
			   struct error *err)
{
	auto_strv layers = { 0 };
	struct digest diff_id;

	int r = image_select_texts(store->db,
				   "SELECT DISTINCT diff_id FROM image_layer WHERE ?1 IS NULL",
				   NULL, &layers, err);
	for (size_t i = 0; i < layers.count && r == 0; i++) {
		if (map_get(active, layers.items[i]))
			continue;
		r = digest_from_db(layers.items[i], &diff_id, err);
		if (r == 0)
			usage->reclaimable += layer_size(store->db, &diff_id);
	}
	return r;
}

int store_usage(struct store *store, struct store_usage *ret, struct error *err)
{
	struct store_usage usage = { 0 };
	auto_map *active = map_new(NULL);

	int r = count(store->db, "SELECT count(*) FROM image", &usage.images, err);
	if (r == 0)
		r = count(store->db, "SELECT count(DISTINCT diff_id) FROM image_layer",
			  &usage.layers, err);
	if (r == 0)
		r = count(store->db,
			  "SELECT coalesce(sum(content_size), 0) FROM layer"
			  " WHERE diff_id IN (SELECT diff_id FROM image_layer)",
			  &usage.size, err);
	if (r == 0)
		r = count(store->db, "SELECT coalesce(sum(size), 0) FROM blob", &usage.disk, err);
	if (r == 0)
		r = active_layers(store, &usage, active, err);
	if (r == 0)
		r = add_reclaimable(store, active, &usage, err);
	if (r == 0)
		*ret = usage;
	return r;
}

/* ---- Verification ---- */

static int verify_blob(struct store *store, const char *text, struct error *err)
{
	struct digest digest;
	struct digest found;

	int r = digest_from_db(text, &digest, err);
	if (r < 0)
		return r;
	auto_close int fd = blob_open(store, &digest, NULL, err);
	if (fd < 0)
		return fd;
	r = hash_file(fd, digest_algorithm(&digest), &found, err);
	if (r == 0 && !digest_equal(&found, &digest))
		r = error_say(err, EBADMSG, "blob %s is damaged on disk", digest.text);
	return r;
}

int store_verify(struct store *store, const struct digest *id, struct error *err)
{
	auto_strv blobs = { 0 };
	auto_strv layers = { 0 };

	int r = image_select_texts(store->db,
				   "SELECT id FROM image WHERE id = ?1"
				   " UNION SELECT digest FROM manifest WHERE image = ?1"
				   " UNION SELECT manifest_blob.digest FROM manifest_blob"
				   " JOIN manifest ON manifest_blob.manifest = manifest.digest"
				   " WHERE image = ?1",
				   id->text, &blobs, err);
	if (r == 0)
		r = image_select_texts(store->db, "SELECT diff_id FROM image_layer WHERE image = ?",
				       id->text, &layers, err);
	for (size_t i = 0; i < blobs.count && r == 0; i++)
		r = verify_blob(store, blobs.items[i], err);
	for (size_t i = 0; i < layers.count && r == 0 && store->mode != STORE_MODE_FOLDER; i++)
		r = verify_blob(store, layers.items[i], err);
	return r < 0 ? error_prefix(err, "verify image %.19s", id->text) : 0;
}
