/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/path.h"
#include "store/schema.h"
#include "store/store-internal.h"

#define DEFAULT_LAYER_BYTES (256ULL << 30)
#define DEFAULT_LAYER_ENTRIES 2000000u
#define DEFAULT_RATIO 200u

static struct store_limits with_defaults(struct store_limits l)
{
	if (l.layer_bytes == 0)
		l.layer_bytes = DEFAULT_LAYER_BYTES;
	if (l.layer_entries == 0)
		l.layer_entries = DEFAULT_LAYER_ENTRIES;
	if (l.ratio == 0)
		l.ratio = DEFAULT_RATIO;
	return l;
}

static int open_folder(struct store *store, const char *name, int *ret, struct error *err)
{
	if (mkdirat(store->dir_fd, name, 0700) < 0 && errno != EEXIST)
		return error_set(err, errno, "make '%s/%s'", store->state_dir, name);
	*ret = openat(store->dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*ret < 0)
		return error_set(err, errno, "open '%s/%s'", store->state_dir, name);
	return 0;
}

static int open_folders(struct store *store, struct error *err)
{
	store->dir_fd = path_open_dir(store->state_dir, 0700, err);
	if (store->dir_fd < 0)
		return store->dir_fd;

	if (flock(store->dir_fd, LOCK_EX | LOCK_NB) < 0)
		return error_set(err, errno, "'%s' is in use by another engine", store->state_dir);

	int r = open_folder(store, "blobs", &store->blobs_fd, err);
	if (r == 0)
		r = open_folder(store, "layers", &store->layers_fd, err);
	if (r == 0)
		r = open_folder(store, "tmp", &store->tmp_fd, err);
	if (r < 0)
		return r;
	if ((mkdirat(store->blobs_fd, "sha256", 0700) < 0 && errno != EEXIST) ||
	    (mkdirat(store->blobs_fd, "sha512", 0700) < 0 && errno != EEXIST))
		return error_set(err, errno, "make '%s/blobs'", store->state_dir);
	return 0;
}

int store_open(const struct store_options *options, struct store **ret, struct error *err)
{
	auto_store *store = xnew(struct store);

	store->state_dir = xstrdup(options->state_dir);
	store->db = options->db;
	store->limits = with_defaults(options->limits);
	store->dir_fd = store->blobs_fd = store->layers_fd = store->tmp_fd = -1;
	pthread_mutex_init(&store->lock, NULL);
	store->pins = map_new(NULL);
	store->mounts = map_new(NULL);
	store->stacks = map_new(NULL);
	store->leaving = map_new(NULL);

	int r = open_folders(store, err);
	if (r == 0)
		r = schema_migrate(store->db, err);
	if (r < 0)
		return error_prefix(err, "open the store");
	store_sweep(store);
	store->mode = store_probe(store, &store->mode_reason);
	if (options->mode != STORE_MODE_AUTO && options->mode != store->mode) {
		store->mode = options->mode;
		error_say(&store->mode_reason, EOPNOTSUPP, "asked for");
	}
	*ret = take_ptr(store);
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	store_close_layers(store);
	map_free(store->leaving);
	map_free(store->stacks);
	map_free(store->mounts);
	map_free(store->pins);
	close_p(&store->tmp_fd);
	close_p(&store->layers_fd);
	close_p(&store->blobs_fd);
	close_p(&store->dir_fd);
	pthread_mutex_destroy(&store->lock);
	free(store->state_dir);
	free(store);
}

void store_set_users(struct store *store, store_users_fn users, void *context)
{
	store->users = users;
	store->users_context = context;
}

enum store_mode store_mode(const struct store *store)
{
	return store->mode;
}

const char *store_mode_name(enum store_mode mode)
{
	switch (mode) {
	case STORE_MODE_EROFS_FILE:
		return "erofs";
	case STORE_MODE_EROFS_LOOP:
		return "erofs-loop";
	case STORE_MODE_FOLDER:
		return "folder";
	default:
		return "auto";
	}
}

const char *store_mode_reason(const struct store *store)
{
	return store->mode_reason.text;
}

int store_sync_folders(struct store *store, struct error *err)
{
	auto_close int sha256 = openat(store->blobs_fd, "sha256", O_RDONLY | O_CLOEXEC);
	auto_close int sha512 = openat(store->blobs_fd, "sha512", O_RDONLY | O_CLOEXEC);

	if (sha256 < 0 || sha512 < 0 || fsync(sha256) < 0 || fsync(sha512) < 0 ||
	    fsync(store->layers_fd) < 0)
		return error_set(err, errno, "sync the store's folders");
	return 0;
}
