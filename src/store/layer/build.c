/* SPDX-License-Identifier: Apache-2.0 */
#include "store/layer/build.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/path.h"
#include "store/hash.h"
#include "store/layer/erofs-write.h"
#include "store/layer/folder-write.h"
#include "store/store-internal.h"
#include "store/tar/tar.h"
#include "store/tree/tree.h"

/* Written data is handed to the disk in such steps, so that the sync at the end finds little. */
#define WRITE_BEHIND (16u << 20)

struct layer_build {
	struct store *store;
	struct layer_build_options options;
	struct hasher hasher;
	struct tar_parser *parser;
	struct tree *tree;
	struct layer_built built;
	_Atomic uint64_t entries;
	int tar_fd; /* -1 where the tar is not kept */
	char tar_name[TMP_NAME];
	uint64_t synced; /* bytes of the tar handed to the disk */
	int dir_fd;      /* the new layer's folder, below tmp/; -1 until it is needed */
	char dir_name[TMP_NAME];
	int staging_fd; /* folder mode: numbered files */
	int file_fd;    /* folder mode: the file whose content comes */
	uint64_t files; /* folder mode: files staged */
};

void layer_path(const struct digest *diff_id, char ret[LAYER_PATH])
{
	snprintf(ret, LAYER_PATH, "%s", digest_hex(diff_id));
}

static bool makes_folders(const struct layer_build *b)
{
	return b->store->mode == STORE_MODE_FOLDER && !b->options.check_only;
}

static int open_dir_at(int parent, const char *name, int *ret, struct error *err)
{
	if (mkdirat(parent, name, 0700) < 0)
		return error_set(err, errno, "make folder '%s'", name);
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, errno, "open folder '%s'", name);
	*ret = fd;
	return 0;
}

static int stage_file(struct layer_build *b, struct error *err)
{
	char name[STAGING_NAME];

	close_p(&b->file_fd);
	staging_name(b->files, name);
	b->file_fd = openat(b->staging_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (b->file_fd < 0)
		return error_set(err, errno, "make a file of the layer");
	return 0;
}

static int on_entry(void *context, const struct tar_entry *entry, struct error *err)
{
	struct layer_build *b = context;

	b->entries++;
	if (!makes_folders(b))
		return tree_add(b->tree, entry, entry->data_offset, err);
	if (entry->type == TAR_FILE) {
		int r = stage_file(b, err);
		if (r < 0)
			return r;
	}
	return tree_add(b->tree, entry, entry->type == TAR_FILE ? b->files++ : 0, err);
}

static int on_data(void *context, const void *data, size_t len, struct error *err)
{
	struct layer_build *b = context;

	if (!makes_folders(b))
		return 0;
	int r = write_full(b->file_fd, data, len);
	return r < 0 ? error_set(err, r, "write a file of the layer") : 0;
}

static const struct tar_events events = { .entry = on_entry, .data = on_data };

int layer_build_begin(struct store *store, const struct layer_build_options *options,
		      struct layer_build **ret, struct error *err)
{
	auto_layer_build *b = xnew(struct layer_build);
	int r = 0;

	b->store = store;
	b->options = *options;
	b->tar_fd = b->dir_fd = b->staging_fd = b->file_fd = -1;
	hasher_init(&b->hasher, options->algorithm);
	b->tree = tree_new();
	b->parser = tar_parser_new(&events, b, store->limits.layer_entries);

	if (options->keep_tar && !options->check_only) {
		tmp_name(b->tar_name);
		b->tar_fd = openat(store->tmp_fd, b->tar_name,
				   O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (b->tar_fd < 0)
			return error_set(err, errno, "make a temporary file");
	}
	if (!options->check_only) {
		tmp_name(b->dir_name);
		r = open_dir_at(store->tmp_fd, b->dir_name, &b->dir_fd, err);
	}
	if (r == 0 && makes_folders(b))
		r = open_dir_at(b->dir_fd, "files", &b->staging_fd, err);
	if (r < 0)
		return r;
	*ret = take_ptr(b);
	return 0;
}

static int write_tar(struct layer_build *b, const void *data, size_t len, struct error *err)
{
	int r = write_full(b->tar_fd, data, len);
	if (r < 0)
		return error_set(err, r, "write the layer's tar");

	uint64_t size = b->built.tar_size;
	if (size - b->synced >= WRITE_BEHIND) {
		(void)sync_file_range(b->tar_fd, (off_t)b->synced, (off_t)(size - b->synced),
				      SYNC_FILE_RANGE_WRITE);
		b->synced = size;
	}
	return 0;
}

int layer_build_write(struct layer_build *b, const void *data, size_t len, struct error *err)
{
	int r = 0;

	b->built.tar_size += len;
	if (b->built.tar_size > b->store->limits.layer_bytes)
		return error_say(err, EFBIG, "layer has more than %llu bytes",
				 (unsigned long long)b->store->limits.layer_bytes);
	if (b->tar_fd >= 0)
		r = write_tar(b, data, len, err);
	if (r == 0)
		r = tar_parser_write(b->parser, data, len, err);
	if (r == 0)
		hasher_update(&b->hasher, data, len);
	return r;
}

uint64_t layer_build_entries(const struct layer_build *b)
{
	return b->entries;
}

int layer_build_end(struct layer_build *b, struct layer_built *ret, struct error *err)
{
	int r = tar_parser_finish(b->parser, err);
	if (r < 0)
		return r;
	hasher_finish(&b->hasher, &b->built.diff_id);
	b->built.content_size = tree_content_size(b->tree);
	b->built.entries = tar_parser_entries(b->parser);
	*ret = b->built;
	return 0;
}

static int write_index(struct layer_build *b, struct error *err)
{
	const char *hex = digest_hex(&b->built.diff_id);
	uint8_t uuid[16];
	const struct erofs_options options = {
		.tar_size = b->built.tar_size,
		.tag = hex,
		.uuid = uuid,
	};

	for (size_t i = 0; i < sizeof(uuid); i++) {
		char byte[3] = { hex[2 * i], hex[2 * i + 1], '\0' };
		uuid[i] = (uint8_t)strtoul(byte, NULL, 16);
	}
	auto_close int fd =
		openat(b->dir_fd, LAYER_INDEX, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_set(err, errno, "make the layer's index");
	int r = erofs_write(b->tree, &options, fd, err);
	if (r < 0)
		return r;
	if (fdatasync(fd) < 0 || fsync(b->dir_fd) < 0)
		return error_set(err, errno, "sync the layer's index");
	return 0;
}

static int write_folder(struct layer_build *b, struct error *err)
{
	auto_close int root = -1;

	close_p(&b->file_fd);
	b->file_fd = -1;
	int r = open_dir_at(b->dir_fd, "root", &root, err);
	if (r == 0)
		r = folder_write(b->tree, b->staging_fd, root, err);
	if (r == 0)
		r = path_remove_tree_at(b->dir_fd, "files", err);
	if (r < 0)
		return r;
	/* One sync for the whole file system is cheaper than one for each file. */
	if (syncfs(b->dir_fd) < 0)
		return error_set(err, errno, "sync the layer's folder");
	return 0;
}

/* Gives the layer's folder its name, replacing one that no longer serves. */
static int place_dir(struct layer_build *b, struct error *err)
{
	char path[LAYER_PATH];

	layer_path(&b->built.diff_id, path);
	if (renameat(b->store->tmp_fd, b->dir_name, b->store->layers_fd, path) == 0)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return error_set(err, errno, "place the layer");
	int r = path_remove_tree_at(b->store->layers_fd, path, err);
	if (r < 0)
		return r;
	if (renameat(b->store->tmp_fd, b->dir_name, b->store->layers_fd, path) < 0)
		return error_set(err, errno, "place the layer");
	return 0;
}

static int remember(struct layer_build *b, const struct digest *source, struct error *err)
{
	const struct layer_built *built = &b->built;
	struct stat st = { 0 };

	if (!makes_folders(b) && fstatat(b->dir_fd, LAYER_INDEX, &st, 0) < 0)
		return error_set(err, errno, "look at the layer's index");
	return db_run(
		b->store->db, err,
		"REPLACE INTO layer (diff_id, source, tar_size, content_size, entries, opaque,"
		" index_inode, index_changed_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		"ssiiiiii", built->diff_id.text, source->text, (int64_t)built->tar_size,
		(int64_t)built->content_size, (int64_t)built->entries,
		(int64_t)tree_root(b->tree)->opaque, (int64_t)st.st_ino,
		(int64_t)(st.st_ctim.tv_sec * NSEC_PER_SEC + st.st_ctim.tv_nsec));
}

static int place_tar(struct layer_build *b, struct error *err)
{
	if (b->tar_fd < 0)
		return 0;
	if (fdatasync(b->tar_fd) < 0)
		return error_set(err, errno, "sync the layer's tar");
	int r = blob_place(b->store, b->tar_name, b->tar_fd, &b->built.diff_id, err);
	if (r == 0)
		b->tar_name[0] = '\0';
	return r;
}

int layer_build_store(struct layer_build *b, const struct digest *source, struct error *err)
{
	if (b->options.check_only)
		return 0;

	int r = makes_folders(b) ? write_folder(b, err) : write_index(b, err);
	if (r == 0)
		r = place_tar(b, err);
	if (r < 0)
		return r;

	/* The tar is there by now, so a layer that came in meanwhile is as good as this one. */
	pthread_mutex_lock(&b->store->lock);
	if (!layer_is_here(b->store, &b->built.diff_id)) {
		r = place_dir(b, err);
		if (r == 0)
			b->dir_name[0] = '\0';
		if (r == 0)
			r = remember(b, source, err);
	}
	pthread_mutex_unlock(&b->store->lock);
	return r;
}

void layer_build_free(struct layer_build *b)
{
	if (!b)
		return;
	close_p(&b->file_fd);
	close_p(&b->staging_fd);
	close_p(&b->dir_fd);
	close_p(&b->tar_fd);
	if (b->tar_name[0])
		(void)unlinkat(b->store->tmp_fd, b->tar_name, 0);
	if (b->dir_name[0] && path_remove_tree_at(b->store->tmp_fd, b->dir_name, NULL) < 0)
		b->dir_name[0] = '\0'; /* the next start removes it */
	hasher_done(&b->hasher);
	tar_parser_free(b->parser);
	tree_free(b->tree);
	free(b);
}
