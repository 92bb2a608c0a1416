/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/map.h"
#include "oci/digest.h"
#include "store/blob.h"
#include "store/db.h"
#include "store/image/image.h"
#include "store/layer/ingest.h"
#include "store/store.h"

/**
 * DOC: The inside of the store
 *
 * @lock guards pins, mounts and caches, and it is held while garbage is removed: a file is removed
 * only while the lock is held, nobody has pinned it and no record names it. The database's own lock
 * is taken inside @lock, never the other way round.
 */
struct store {
	char *state_dir;
	int dir_fd;    /* the state folder */
	int blobs_fd;  /* blobs/ */
	int layers_fd; /* layers/ */
	int tmp_fd;    /* tmp/ */
	struct db *db;
	enum store_mode mode;
	struct error mode_reason;
	bool detached_mounts; /* detached mounts can be cloned here, see layers.c */
	struct store_limits limits;
	store_users_fn users;
	void *users_context;

	pthread_mutex_t lock;
	struct map *pins;    /* digest -> uintptr_t, how many leases hold it */
	struct map *mounts;  /* diff-id -> struct layer_mount */
	struct map *stacks;  /* image id -> struct image_stack */
	struct map *leaving; /* ids of images that are being removed */
};

struct store_lease {
	struct store *store;
	struct map *held; /* digests; guarded by the store's lock */
	bool collects;    /* what nobody names, at its end */
};

/* "sha256/<64 digits>" or "sha512/<128 digits>", below blobs/. */
#define BLOB_PATH 144
void blob_path(const struct digest *digest, char ret[BLOB_PATH]);

/* A name below tmp/ that nobody else has. */
#define TMP_NAME 40
/*
 * A layer's index in its folder. The number is that of the writer: one that another wrote is not
 * found, and the layer's index built anew.
 */
#define LAYER_INDEX "index-2.erofs"
void tmp_name(char ret[TMP_NAME]);

/* Protects a digest until the lease ends. */
void lease_pin(struct store_lease *lease, const struct digest *digest);
/* To be called with the store's lock held. */
bool lease_is_pinned(const struct store *store, const char *digest);

/**
 * blob_place() - give a finished temporary file its name
 * @tmp: name below tmp/, which is gone afterwards
 * @fd:  the file, synced
 *
 * Remembers inode, size and change time.
 */
must_check int blob_place(struct store *store, const char *tmp, int fd, const struct digest *digest,
			  struct error *err);

/* Unlinks a blob and forgets it. */
void blob_drop(struct store *store, const struct digest *digest);

/* True where an index or a folder of the layer, as the store's mode needs it, is there. */
bool layer_is_here(struct store *store, const struct digest *diff_id);

/**
 * layer_describe() - what is known of a layer by its compressed blob
 * @lease: protects it from now on where it is
 * @ret:   receives blob, diff-id, blob size and media type
 *
 * Return: false where blob or layer is not here.
 */
bool layer_describe(struct store_lease *lease, const struct digest *blob, struct layer_info *ret);

/* Removes a layer's folder below layers/ and its record; its tar is a blob and stays. */
void layer_drop(struct store *store, const struct digest *diff_id);

/**
 * layer_ensure() - make sure that a layer can be mounted
 *
 * Builds index or folder anew where the store's mode needs what is not there (the store was moved to
 * another kernel) or where the index was changed on disk; the tar, where it is damaged, from the blob
 * that it came from.
 */
must_check int layer_ensure(struct store *store, const struct digest *diff_id, struct error *err);

/* Makes the folders' entries reach the disk: before a record names what lies in them. */
must_check int store_sync_folders(struct store *store, struct error *err);

/* Finds the best mode that works here; reasons against better ones in @why. */
enum store_mode store_probe(struct store *store, struct error *why);

/* True where open_tree() can clone a detached mount. */
bool store_probe_detached(int mount_fd);

/* Removes what no record names and nobody holds. */
void store_sweep(struct store *store);

/* Frees the layers' mounts and stacks. */
void store_close_layers(struct store *store);

/* Lets go of an image's stack of layers; the lock is not held. */
void store_forget_stack(struct store *store, const struct digest *image);

/* True where a layer is mounted for some image; to be called with the lock held. */
bool layer_is_mounted(const struct store *store, const struct digest *diff_id);

/**
 * store_collect() - remove those of some files that nothing needs any more
 * @blobs:   digests of blobs
 * @layers:  diff-ids; their tars are blobs too
 * @removal: receives the layers removed and the bytes freed
 */
void store_collect(struct store *store, const struct strv *blobs, const struct strv *layers,
		   struct image_removal *removal);

/* The text of a digest in the database, checked. */
must_check int digest_from_db(const char *text, struct digest *ret, struct error *err);
