/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/path.h"
#include "store/layer/build.h"
#include "store/layer/inflate.h"
#include "store/store-internal.h"

#define PIECE (1u << 20)

static bool index_is_remembered(struct db *db, const struct digest *diff_id, const struct stat *st)
{
	auto_db_stmt *stmt = NULL;

	if (db_prepare(db, "SELECT index_inode, index_changed_ns FROM layer WHERE diff_id = ?",
		       &stmt, NULL) < 0)
		return false;
	db_bind_text(stmt, 1, diff_id->text);
	return db_step(stmt, NULL) > 0 && db_int(stmt, 0) == (int64_t)st->st_ino &&
	       db_int(stmt, 1) == st->st_ctim.tv_sec * NSEC_PER_SEC + st->st_ctim.tv_nsec;
}

static bool is_recorded(struct db *db, const struct digest *diff_id)
{
	auto_db_stmt *stmt = NULL;

	if (db_prepare(db, "SELECT 1 FROM layer WHERE diff_id = ?", &stmt, NULL) < 0)
		return false;
	db_bind_text(stmt, 1, diff_id->text);
	return db_step(stmt, NULL) > 0;
}

bool layer_is_here(struct store *store, const struct digest *diff_id)
{
	char dir[LAYER_PATH];
	char path[LAYER_PATH + 16];
	struct stat st;
	bool folder = store->mode == STORE_MODE_FOLDER;

	layer_path(diff_id, dir);
	snprintf(path, sizeof(path), "%s/%s", dir, folder ? "root" : LAYER_INDEX);
	if (fstatat(store->layers_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	return folder ? is_recorded(store->db, diff_id)
		      : index_is_remembered(store->db, diff_id, &st);
}

void layer_drop(struct store *store, const struct digest *diff_id)
{
	char path[LAYER_PATH];

	layer_path(diff_id, path);
	int r = db_run(store->db, NULL, "DELETE FROM layer WHERE diff_id = ?", "s", diff_id->text);
	/* The row of an index that is not there does no harm, and on a full disk it has to stay. */
	if (r < 0 && store->mode == STORE_MODE_FOLDER)
		return;
	if (path_remove_tree_at(store->layers_fd, path, NULL) < 0)
		return; /* the sweep at the next start removes what is left */
}

static int source_of(struct store *store, const struct digest *diff_id, struct digest *ret,
		     struct error *err)
{
	auto_db_stmt *stmt = NULL;

	int r = db_prepare(store->db, "SELECT source FROM layer WHERE diff_id = ?", &stmt, err);
	if (r < 0)
		return r;
	db_bind_text(stmt, 1, diff_id->text);
	r = db_step(stmt, err);
	if (r < 0)
		return r;
	if (r == 0)
		return error_say(err, ENOENT, "layer %s is not in the store", diff_id->text);
	return digest_from_db(db_text(stmt, 0), ret, err);
}

static int on_inflated(void *context, const uint8_t *data, size_t len, struct error *err)
{
	return layer_build_write(context, data, len, err);
}

static int feed(int fd, struct layer_build *build, struct error *err)
{
	auto_inflate *inflate = inflate_new(on_inflated, build);
	auto_free char *piece = xmalloc(PIECE);

	for (;;) {
		ssize_t n = read(fd, piece, PIECE);
		if (n < 0)
			return error_set(err, errno, "read a blob");
		if (n == 0)
			return inflate_finish(inflate, err);
		int r = inflate_write(inflate, piece, (size_t)n, err);
		if (r < 0)
			return r;
	}
}

/* @fd is the tar, or where that is gone the compressed blob that it came from. */
static int rebuild(struct store *store, const struct digest *diff_id, const struct digest *source,
		   int fd, bool from_tar, struct error *err)
{
	auto_layer_build *build = NULL;
	struct layer_built built;
	const struct layer_build_options options = {
		.algorithm = digest_algorithm(diff_id),
		.keep_tar = !from_tar && store->mode != STORE_MODE_FOLDER,
	};

	int r = layer_build_begin(store, &options, &build, err);
	if (r == 0)
		r = feed(fd, build, err);
	if (r == 0)
		r = layer_build_end(build, &built, err);
	if (r < 0)
		return r;
	if (!digest_equal(&built.diff_id, diff_id))
		return error_say(err, EBADMSG, "what it came from gives another one");
	return layer_build_store(build, source, err);
}

int layer_ensure(struct store *store, const struct digest *diff_id, struct error *err)
{
	struct digest source;

	pthread_mutex_lock(&store->lock);
	bool here = layer_is_here(store, diff_id);
	pthread_mutex_unlock(&store->lock);
	if (here && store->mode == STORE_MODE_FOLDER)
		return 0;

	auto_close int tar = blob_open(store, diff_id, NULL, NULL);
	if (here && tar >= 0)
		return 0;

	int r = source_of(store, diff_id, &source, err);
	if (r < 0)
		return r;
	auto_close int fd = tar >= 0 ? dup(tar) : blob_open(store, &source, NULL, err);
	if (fd < 0)
		return error_prefix(err, "layer %s is damaged, pull its image again",
				    diff_id->text);
	r = rebuild(store, diff_id, &source, fd, tar >= 0, err);
	return r < 0 ? error_prefix(err, "build layer %s anew", diff_id->text) : 0;
}
