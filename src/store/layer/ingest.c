/* SPDX-License-Identifier: Apache-2.0 */
#include "store/layer/ingest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "oci/manifest.h"
#include "store/hash.h"
#include "store/layer/build.h"
#include "store/layer/inflate.h"
#include "store/stage.h"
#include "store/store-internal.h"

#define PARTIAL_NAME 160
/* Layers up to here are not worth a thread. */
#define STAGE_FROM (1u << 20)
/* A ratio of compression is judged from here on. */
#define RATIO_FROM (512ULL << 20)
/* Entries cost memory; many that take next to no room in the blob are there for nothing else. */
#define MANY_ENTRIES 200000u
#define ENTRY_BYTES_MIN 8u
#define WRITE_BEHIND (16u << 20)
#define RESUME_PIECE (1u << 20)

/*
 *	layer_ingest_write() ─► hash, write to the blob's file ─► inflate ─► on_inflated()
 *	                                                           │ (small: here; large: by a stage's thread)
 *	                                                           ▼
 *	                                               layer_build_write(): hash, write, parse
 */
struct layer_ingest {
	struct store_lease *lease;
	struct store *store;
	struct digest blob;      /* expected; empty where not known */
	struct digest diff_id;   /* expected; empty where not known */
	int64_t size;            /* expected; -1 where not known */
	int fd;                  /* the blob's file */
	char name[PARTIAL_NAME]; /* below tmp/; "" once it is placed or shall stay */
	bool resumable;          /* the name tells which blob it is */
	uint64_t left_over;      /* bytes that an earlier ingest left in the file */
	uint64_t received;
	uint64_t synced;
	struct hasher hasher;
	struct inflate *inflate;
	bool have_layer;           /* nothing but the blob is wanted */
	struct layer_build *build; /* NULL until the first uncompressed byte */
	struct stage *stage;       /* NULL for a small layer */
	uint64_t inflated;
};

static const char *media_type(enum inflate_kind kind)
{
	switch (kind) {
	case INFLATE_GZIP:
		return MEDIA_OCI_LAYER_GZIP;
	case INFLATE_ZSTD:
		return MEDIA_OCI_LAYER_ZSTD;
	default:
		return MEDIA_OCI_LAYER;
	}
}

/* What a blob was found to unpack to when it came in. */
static bool unpacked_of(struct store *store, const struct digest *blob, struct digest *ret)
{
	auto_db_stmt *stmt = NULL;

	if (db_prepare(store->db, "SELECT diff_id FROM unpacked WHERE blob = ?", &stmt, NULL) < 0)
		return false;
	db_bind_text(stmt, 1, blob->text);
	return db_step(stmt, NULL) > 0 && digest_from_db(db_text(stmt, 0), ret, NULL) == 0;
}

/* A manifest may pair a blob and a diff-id that are both here and have nothing to do with each other. */
static bool unpacks_to(struct store *store, const struct digest *blob, const struct digest *diff_id)
{
	struct digest found;
	return unpacked_of(store, blob, &found) && digest_equal(&found, diff_id);
}

bool layer_exists(struct store_lease *lease, const struct digest *blob,
		  const struct digest *diff_id)
{
	struct store *store = lease->store;

	lease_pin(lease, diff_id);
	pthread_mutex_lock(&store->lock);
	bool here = layer_is_here(store, diff_id);
	pthread_mutex_unlock(&store->lock);
	if (!here || (blob && !(unpacks_to(store, blob, diff_id) && blob_exists(lease, blob))))
		return false;
	return store->mode == STORE_MODE_FOLDER || blob_exists(lease, diff_id);
}

bool layer_describe(struct store_lease *lease, const struct digest *blob, struct layer_info *ret)
{
	struct layer_info info = { .blob = *blob };
	uint8_t magic[INFLATE_MAGIC];

	lease_pin(lease, blob);
	if (!unpacked_of(lease->store, blob, &info.diff_id) ||
	    !layer_exists(lease, blob, &info.diff_id))
		return false;
	auto_close int fd = blob_open(lease->store, blob, &info.blob_size, NULL);
	ssize_t n = fd < 0 ? -1 : read_full(fd, magic, sizeof(magic));
	if (n < 0)
		return false;
	info.media_type = media_type(inflate_kind_of(magic, (size_t)n));
	*ret = info;
	return true;
}

static enum digest_algorithm diff_algorithm(const struct layer_ingest *g)
{
	return digest_is_empty(&g->diff_id) ? DIGEST_SHA256 : digest_algorithm(&g->diff_id);
}

static enum digest_algorithm blob_algorithm(const struct layer_ingest *g)
{
	return digest_is_empty(&g->blob) ? DIGEST_SHA256 : digest_algorithm(&g->blob);
}

static int begin_build(struct layer_ingest *g, struct error *err)
{
	bool plain = inflate_kind(g->inflate) == INFLATE_PLAIN;
	const struct layer_build_options options = {
		.algorithm = diff_algorithm(g),
		.keep_tar = g->store->mode != STORE_MODE_FOLDER &&
			    !(plain && diff_algorithm(g) == blob_algorithm(g)),
		.check_only = g->have_layer,
	};

	return layer_build_begin(g->store, &options, &g->build, err);
}

static int handle_inflated(void *context, const void *data, size_t len, struct error *err)
{
	struct layer_ingest *g = context;
	return layer_build_write(g->build, data, len, err);
}

static int check_cost(const struct layer_ingest *g, struct error *err)
{
	uint32_t ratio = g->store->limits.ratio;
	uint64_t entries = g->build ? layer_build_entries(g->build) : 0;

	if (g->inflated > RATIO_FROM && g->inflated / ratio > g->received)
		return error_say(err, EFBIG,
				 "layer grows to more than %u times its size when unpacked", ratio);
	if (entries > MANY_ENTRIES && g->received / ENTRY_BYTES_MIN < entries)
		return error_say(err, EFBIG, "layer has %llu entries in %llu bytes",
				 (unsigned long long)entries, (unsigned long long)g->received);
	return 0;
}

static int on_inflated(void *context, const uint8_t *data, size_t len, struct error *err)
{
	struct layer_ingest *g = context;

	g->inflated += len;
	int r = check_cost(g, err);
	if (r == 0 && !g->build)
		r = begin_build(g, err);
	if (r < 0)
		return r;
	if (!g->stage && g->inflated > STAGE_FROM)
		g->stage = stage_new(handle_inflated, g);
	if (g->stage)
		return stage_put(g->stage, data, len, err);
	return layer_build_write(g->build, data, len, err);
}

/* The file of a blob that is being received has a name by which a later ingest finds it again. */
static int open_file(struct layer_ingest *g, struct error *err)
{
	struct stat st;
	struct stat named;

	if (!digest_is_empty(&g->blob)) {
		snprintf(g->name, sizeof(g->name), "partial-%s-%s", digest_algorithm_name(&g->blob),
			 digest_hex(&g->blob));
		g->fd = openat(g->store->tmp_fd, g->name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
			       0600);
		if (g->fd < 0)
			return error_set(err, errno, "open a temporary file");
		/* Its owner may have renamed or removed it before the lock was ours. */
		if (flock(g->fd, LOCK_EX | LOCK_NB) == 0 && fstat(g->fd, &st) == 0 &&
		    fstatat(g->store->tmp_fd, g->name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
		    named.st_ino == st.st_ino) {
			g->resumable = true;
			g->left_over = (uint64_t)st.st_size;
			return 0;
		}
		close_p(&g->fd);
	}
	tmp_name(g->name);
	g->fd = openat(g->store->tmp_fd, g->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return g->fd < 0 ? error_set(err, errno, "make a temporary file") : 0;
}

int layer_ingest_begin(struct store_lease *lease, const struct layer_expect *expect,
		       struct layer_ingest **ret, struct error *err)
{
	auto_layer_ingest *g = xnew(struct layer_ingest);

	g->lease = lease;
	g->store = lease->store;
	g->size = expect->size;
	g->fd = -1;
	if (expect->blob)
		g->blob = *expect->blob;
	if (expect->diff_id) {
		g->diff_id = *expect->diff_id;
		g->have_layer = layer_exists(lease, NULL, expect->diff_id);
	}
	hasher_init(&g->hasher, blob_algorithm(g));
	g->inflate = inflate_new(on_inflated, g);

	int r = open_file(g, err);
	if (r < 0)
		return r;
	*ret = take_ptr(g);
	return 0;
}

uint64_t layer_ingest_received(const struct layer_ingest *g)
{
	return g->received;
}

static int take(struct layer_ingest *g, const void *data, size_t len, struct error *err)
{
	g->received += len;
	if (g->size >= 0 && g->received > (uint64_t)g->size)
		return error_say(err, EBADMSG, "layer has more than the %lld bytes it should have",
				 (long long)g->size);
	hasher_update(&g->hasher, data, len);
	return inflate_write(g->inflate, data, len, err);
}

static int take_left_over(struct layer_ingest *g, struct error *err)
{
	auto_free char *piece = xmalloc(RESUME_PIECE);

	while (g->received < g->left_over) {
		ssize_t n = pread(g->fd, piece, RESUME_PIECE, (off_t)g->received);
		if (n <= 0)
			return error_set(err, n < 0 ? errno : EIO,
					 "read what is here of the layer");
		int r = take(g, piece, (size_t)n, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int layer_ingest_resume(struct layer_ingest *g, uint64_t *ret_offset, struct error *err)
{
	int r = take_left_over(g, err);
	if (r < 0)
		return error_prefix(err, "resume layer %s", g->blob.text);
	if (lseek(g->fd, 0, SEEK_END) < 0)
		return error_set(err, errno, "resume layer %s", g->blob.text);
	*ret_offset = g->received;
	return 0;
}

static void write_behind(struct layer_ingest *g)
{
	if (g->received - g->synced < WRITE_BEHIND)
		return;
	(void)sync_file_range(g->fd, (off_t)g->synced, (off_t)(g->received - g->synced),
			      SYNC_FILE_RANGE_WRITE);
	g->synced = g->received;
}

int layer_ingest_write(struct layer_ingest *g, const void *data, size_t len, struct error *err)
{
	if (g->received == 0 && g->left_over > 0) {
		if (ftruncate(g->fd, 0) < 0)
			return error_set(err, errno, "empty a temporary file");
		g->left_over = 0;
	}

	int r = take(g, data, len, err);
	if (r < 0)
		return r;
	r = write_full(g->fd, data, len);
	if (r < 0)
		return error_set(err, r, "write the layer");
	write_behind(g);
	return 0;
}

static int check(const struct digest *found, const struct digest *expected, const char *what,
		 struct error *err)
{
	if (digest_is_empty(expected) || digest_equal(found, expected))
		return 0;
	return error_say(err, EBADMSG, "%s is %s instead of %s", what, found->text, expected->text);
}

/* All has been given: brings every part to its end and compares what came with what should. */
static int end_parts(struct layer_ingest *g, struct layer_info *info, struct error *err)
{
	struct layer_built built;

	if (g->size >= 0 && g->received != (uint64_t)g->size)
		return error_say(err, EBADMSG, "layer has %llu bytes instead of %lld",
				 (unsigned long long)g->received, (long long)g->size);
	int r = inflate_finish(g->inflate, err);
	if (r == 0 && !g->build)
		r = begin_build(g, err); /* an empty layer */
	if (r == 0 && g->stage)
		r = stage_end(g->stage, err);
	if (r < 0)
		return r;

	hasher_finish(&g->hasher, &info->blob);
	r = check(&info->blob, &g->blob, "digest", err);
	if (r == 0)
		r = layer_build_end(g->build, &built, err);
	if (r == 0)
		r = check(&built.diff_id, &g->diff_id, "digest of the uncompressed layer", err);
	if (r < 0)
		return r;
	info->diff_id = built.diff_id;
	info->tar_size = built.tar_size;
	info->content_size = built.content_size;
	info->entries = built.entries;
	return 0;
}

int layer_ingest_finish(struct layer_ingest *g, struct layer_info *ret, struct error *err)
{
	struct layer_info info = { .blob_size = g->received };

	int r = end_parts(g, &info, err);
	if (r < 0)
		return r;
	info.media_type = media_type(inflate_kind(g->inflate));
	lease_pin(g->lease, &info.blob);
	lease_pin(g->lease, &info.diff_id);

	if (fdatasync(g->fd) < 0)
		return error_set(err, errno, "sync the layer");
	r = blob_place(g->store, g->name, g->fd, &info.blob, err);
	if (r < 0)
		return r;
	g->name[0] = '\0';
	r = layer_build_store(g->build, &info.blob, err);
	if (r == 0)
		r = db_run(g->store->db, err, "REPLACE INTO unpacked (blob, diff_id) VALUES (?, ?)",
			   "ss", info.blob.text, info.diff_id.text);
	if (r == 0 && ret)
		*ret = info;
	return r;
}

void layer_ingest_suspend(struct layer_ingest *g)
{
	if (g->resumable)
		g->name[0] = '\0';
}

void layer_ingest_free(struct layer_ingest *g)
{
	if (!g)
		return;
	stage_free(g->stage);
	if (g->name[0])
		(void)unlinkat(g->store->tmp_fd, g->name, 0);
	close_p(&g->fd);
	hasher_done(&g->hasher);
	inflate_free(g->inflate);
	layer_build_free(g->build);
	free(g);
}
