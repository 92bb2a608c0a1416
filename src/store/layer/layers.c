/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/layer/build.h"
#include "store/layer/erofs-mount.h"
#include "store/store-internal.h"

#define PATHS 4352

/* A layer's mount, shared by the stacks of all images that have the layer. */
struct layer_mount {
	int fd;
	unsigned int uses; /* stacks */
	bool attached;     /* in the mount namespace, below layers/<hex>/mount */
};

/* The layers of one image. */
struct image_stack {
	struct image_layers layers; /* first: what callers hold */
	char **diff_ids;            /* of layers.fds, to find the mounts */
	unsigned int uses;          /* callers */
	bool forgotten;             /* the image is gone: freed with its last user */
};

/* ---- Mounts; with the store's lock held ---- */

/*
 * Kernels before 6.15 refuse to clone a mount that is attached nowhere, so there it is attached below
 * its own layer, in the engine's private mount namespace.
 */
static int attach(struct store *store, const struct digest *diff_id, int fd, struct error *err)
{
	char dir[LAYER_PATH];
	char path[LAYER_PATH + 8];

	layer_path(diff_id, dir);
	snprintf(path, sizeof(path), "%s/mount", dir);
	if (mkdirat(store->layers_fd, path, 0700) < 0 && errno != EEXIST)
		return error_set(err, errno, "make a mount point for a layer");
	if (move_mount(fd, "", store->layers_fd, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_set(err, errno, "attach a layer's mount");
	return 0;
}

static int mount_erofs(struct store *store, const struct digest *diff_id, struct error *err)
{
	char dir[LAYER_PATH];
	char blob[BLOB_PATH];
	char index[PATHS];
	char tar[PATHS];

	layer_path(diff_id, dir);
	blob_path(diff_id, blob);
	snprintf(index, sizeof(index), "%s/layers/%s/" LAYER_INDEX, store->state_dir, dir);
	snprintf(tar, sizeof(tar), "%s/blobs/%s", store->state_dir, blob);
	return erofs_mount(index, tar, store->mode == STORE_MODE_EROFS_LOOP, err);
}

static int open_folder(struct store *store, const struct digest *diff_id, struct error *err)
{
	char dir[LAYER_PATH];
	char path[LAYER_PATH + 8];

	layer_path(diff_id, dir);
	snprintf(path, sizeof(path), "%s/root", dir);
	int fd = openat(store->layers_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? error_set(err, errno, "open the folder of layer %s", diff_id->text) : fd;
}

static int get_mount(struct store *store, const struct digest *diff_id, struct layer_mount **ret,
		     struct error *err)
{
	struct layer_mount *mount = map_get(store->mounts, diff_id->text);
	bool folder = store->mode == STORE_MODE_FOLDER;

	if (!mount) {
		auto_close int fd = folder ? open_folder(store, diff_id, err)
					   : mount_erofs(store, diff_id, err);
		if (fd < 0)
			return error_prefix(err, "layer %s", diff_id->text);
		bool attached = !folder && !store->detached_mounts;
		int r = attached ? attach(store, diff_id, fd, err) : 0;
		if (r < 0)
			return r;
		mount = xnew(struct layer_mount);
		mount->fd = take_fd(fd);
		mount->attached = attached;
		map_set(store->mounts, diff_id->text, mount);
	}
	mount->uses++;
	*ret = mount;
	return 0;
}

static void put_mount(struct store *store, const char *diff_id)
{
	struct layer_mount *mount = map_get(store->mounts, diff_id);
	char path[32];

	if (--mount->uses > 0)
		return;
	map_remove(store->mounts, diff_id);
	if (mount->attached) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", mount->fd);
		(void)umount2(path, MNT_DETACH);
	}
	close_p(&mount->fd);
	free(mount);
}

bool layer_is_mounted(const struct store *store, const struct digest *diff_id)
{
	return map_get(store->mounts, diff_id->text) != NULL;
}

/* ---- Stacks ---- */

static void stack_free(struct store *store, struct image_stack *stack)
{
	for (size_t i = 0; i < stack->layers.count; i++) {
		put_mount(store, stack->diff_ids[i]);
		free(stack->diff_ids[i]);
	}
	free(stack->diff_ids);
	free(stack->layers.fds);
	free(stack);
}

struct wanted {
	struct digest *items; /* topmost first */
	size_t count;
};

/* A layer whose root is opaque hides all below it, which overlayfs does not do for roots by itself. */
static int list_layers(struct store *store, const struct digest *id, struct wanted *ret,
		       struct error *err)
{
	auto_db_stmt *stmt = NULL;

	int r = db_prepare(
		store->db,
		"SELECT image_layer.diff_id, layer.opaque FROM image_layer LEFT JOIN layer"
		" USING (diff_id) WHERE image = ? ORDER BY position DESC",
		&stmt, err);
	if (r < 0)
		return r;
	db_bind_text(stmt, 1, id->text);
	while ((r = db_step(stmt, err)) > 0) {
		ret->items = xreallocarray(ret->items, ret->count + 1, sizeof(*ret->items));
		r = digest_from_db(db_text(stmt, 0), &ret->items[ret->count++], err);
		if (r < 0)
			return r;
		if (db_int(stmt, 1))
			return 0;
	}
	return r;
}

static bool image_is_recorded(struct store *store, const struct digest *id)
{
	auto_db_stmt *stmt = NULL;

	if (db_prepare(store->db, "SELECT 1 FROM image WHERE id = ?", &stmt, NULL) < 0)
		return false;
	db_bind_text(stmt, 1, id->text);
	return db_step(stmt, NULL) > 0;
}

/* With the lock held. */
static int stack_new(struct store *store, const struct wanted *wanted, struct image_stack **ret,
		     struct error *err)
{
	struct image_stack *stack = xnew(struct image_stack);
	int r = 0;

	stack->layers.fds = xcalloc(wanted->count + 1, sizeof(int));
	stack->diff_ids = xcalloc(wanted->count + 1, sizeof(char *));
	for (size_t i = 0; i < wanted->count && r == 0; i++) {
		struct layer_mount *mount = NULL;
		r = get_mount(store, &wanted->items[i], &mount, err);
		if (r < 0)
			break;
		stack->layers.fds[i] = mount->fd;
		stack->diff_ids[i] = xstrdup(wanted->items[i].text);
		stack->layers.count++;
	}
	if (r < 0) {
		stack_free(store, stack);
		return r;
	}
	*ret = stack;
	return 0;
}

static struct image_layers *use(struct image_stack *stack)
{
	stack->uses++;
	return &stack->layers;
}

static int make_stack(struct store *store, const struct digest *id, struct image_layers **ret,
		      struct error *err)
{
	struct wanted wanted = { 0 };
	struct image_stack *stack = NULL;

	if (!image_is_recorded(store, id))
		return error_say(err, ENOENT, "No such image: %s", id->text);
	int r = list_layers(store, id, &wanted, err);
	auto_free struct digest *items = wanted.items;
	for (size_t i = 0; i < wanted.count && r == 0; i++)
		r = layer_ensure(store, &items[i], err);
	if (r < 0)
		return r;

	pthread_mutex_lock(&store->lock);
	stack = map_get(store->stacks, id->text);
	if (!stack) {
		r = stack_new(store, &wanted, &stack, err);
		if (r == 0)
			map_set(store->stacks, id->text, stack);
	}
	if (r == 0)
		*ret = use(stack);
	pthread_mutex_unlock(&store->lock);
	return r;
}

int image_layers_get(struct store *store, const struct digest *id, struct image_layers **ret,
		     struct error *err)
{
	pthread_mutex_lock(&store->lock);
	struct image_stack *stack = map_get(store->stacks, id->text);
	if (stack)
		*ret = use(stack);
	pthread_mutex_unlock(&store->lock);
	if (stack)
		return 0;

	int r = make_stack(store, id, ret, err);
	return r < 0 ? error_prefix(err, "mount image %.19s", id->text) : 0;
}

void image_layers_put(struct store *store, struct image_layers *layers)
{
	struct image_stack *stack = (struct image_stack *)layers;

	if (!layers)
		return;
	pthread_mutex_lock(&store->lock);
	if (--stack->uses == 0 && stack->forgotten)
		stack_free(store, stack);
	pthread_mutex_unlock(&store->lock);
}

void store_forget_stack(struct store *store, const struct digest *image)
{
	pthread_mutex_lock(&store->lock);
	struct image_stack *stack = map_take(store->stacks, image->text);
	if (stack && stack->uses == 0)
		stack_free(store, stack);
	else if (stack)
		stack->forgotten = true;
	pthread_mutex_unlock(&store->lock);
}

void store_close_layers(struct store *store)
{
	size_t position = 0;
	struct image_stack *stack = NULL;

	while ((stack = map_next(store->stacks, &position, NULL)) != NULL)
		stack_free(store, stack);
}

int layer_open_files(struct store *store, const struct digest *diff_id, struct layer_files *ret,
		     struct error *err)
{
	char dir[LAYER_PATH];
	char path[LAYER_PATH + 16];

	if (store->mode == STORE_MODE_FOLDER)
		return error_say(err, EOPNOTSUPP,
				 "the store keeps layers as folders, which are no block devices");
	int r = layer_ensure(store, diff_id, err);
	if (r < 0)
		return r;
	auto_close int tar = blob_open(store, diff_id, NULL, err);
	if (tar < 0)
		return tar;
	layer_path(diff_id, dir);
	snprintf(path, sizeof(path), "%s/" LAYER_INDEX, dir);
	auto_close int index = openat(store->layers_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (index < 0)
		return error_set(err, errno, "open the index of layer %s", diff_id->text);
	ret->tar_fd = take_fd(tar);
	ret->index_fd = take_fd(index);
	return 0;
}
