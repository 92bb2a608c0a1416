/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store-internal.h"

static bool is_named(struct db *db, const char *sql, const struct digest *digest)
{
	auto_db_stmt *stmt = NULL;

	/* What cannot be looked up counts as named: a failure must not remove anything. */
	if (db_prepare(db, sql, &stmt, NULL) < 0)
		return true;
	db_bind_text(stmt, 1, digest->text);
	return db_step(stmt, NULL) != 0;
}

static bool layer_is_named(struct db *db, const struct digest *diff_id)
{
	return is_named(db, "SELECT 1 FROM image_layer WHERE diff_id = ? LIMIT 1", diff_id);
}

static bool blob_is_named(struct db *db, const struct digest *digest)
{
	return layer_is_named(db, digest) ||
	       is_named(db, "SELECT 1 FROM image WHERE id = ?", digest) ||
	       is_named(db, "SELECT 1 FROM manifest WHERE digest = ?", digest) ||
	       is_named(db, "SELECT 1 FROM manifest_blob WHERE digest = ? LIMIT 1", digest);
}

static int64_t blob_size(struct store *store, const struct digest *digest)
{
	char path[BLOB_PATH];
	struct stat st;

	blob_path(digest, path);
	if (fstatat(store->blobs_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return st.st_size;
}

static void collect_blob(struct store *store, const struct digest *digest,
			 struct image_removal *removal)
{
	if (lease_is_pinned(store, digest->text) || blob_is_named(store->db, digest))
		return;
	removal->freed_bytes += blob_size(store, digest);
	blob_drop(store, digest);
}

static void collect_layer(struct store *store, const struct digest *diff_id,
			  struct image_removal *removal)
{
	if (lease_is_pinned(store, diff_id->text) || layer_is_named(store->db, diff_id) ||
	    layer_is_mounted(store, diff_id))
		return;
	layer_drop(store, diff_id);
	collect_blob(store, diff_id, removal);
	strv_add(&removal->deleted, diff_id->text);
}

void store_collect(struct store *store, const struct strv *blobs, const struct strv *layers,
		   struct image_removal *removal)
{
	struct digest digest;

	pthread_mutex_lock(&store->lock);
	for (size_t i = 0; i < layers->count; i++) {
		if (digest_from_db(layers->items[i], &digest, NULL) == 0)
			collect_layer(store, &digest, removal);
	}
	for (size_t i = 0; i < blobs->count; i++) {
		if (digest_from_db(blobs->items[i], &digest, NULL) == 0)
			collect_blob(store, &digest, removal);
	}
	pthread_mutex_unlock(&store->lock);
}
