/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/strv.h"
#include "oci/digest.h"

/**
 * DOC: The store
 *
 * Images and what they are made of, below the state folder:
 *
 *	blobs/sha256/<hex>           a blob as it was received: layer, configuration, manifest;
 *	                             and each layer's uncompressed tar under its diff-id
 *	layers/<hex>/index-N.erofs   a layer's EROFS index (metadata only), <hex> of its diff-id
 *	layers/<hex>/root/           or, in folder mode, the layer unpacked
 *	tmp/                         what is being received; emptied when the store is opened
 *
 * Records (image.h) lie in the database. Data reaches the disk before the record that names it, and
 * an image appears by one durable transaction; files that no record names are removed when the
 * store is opened. So after a crash an image is there whole or not at all.
 *
 * Nothing in blobs/ or layers/ is ever changed in place. Each file's inode, size and change time
 * are remembered with its digest; a file that no longer agrees is hashed again before its next use
 * and refused (and received anew by the next pull) where its content is another.
 *
 * Everything here may be called from any thread.
 */
struct store;

/* How layers become root file systems; see store_mode(). */
enum store_mode {
	STORE_MODE_AUTO,       /* only as an option: the best one that works here */
	STORE_MODE_EROFS_FILE, /* EROFS index and tar mounted as files (Linux 6.12) */
	STORE_MODE_EROFS_LOOP, /* the same by way of loop devices (Linux 6.4) */
	STORE_MODE_FOLDER,     /* layers unpacked */
};

/*
 * What one layer may cost; 0 stands for the default. Besides, past 200,000 entries each must take 8 bytes
 * of the blob.
 */
struct store_limits {
	uint64_t layer_bytes;   /* uncompressed; default 256 GiB */
	uint64_t layer_entries; /* default 2 million */
	uint32_t ratio;         /* uncompressed bytes for one received, past 512 MiB; default 200 */
};

/**
 * store_users_fn - who uses an image
 * @id:      the image
 * @running: receives names of running instances
 * @stopped: receives names of the others
 *
 * Given by the owner of instances; called without any lock of the store held.
 */
typedef void (*store_users_fn)(void *context, const struct digest *id, struct strv *running,
			       struct strv *stopped);

struct store_options {
	const char *state_dir; /* absolute; made where it is missing */
	struct db *db;         /* borrowed, outlives the store */
	enum store_mode mode;  /* force one instead of probing */
	struct store_limits limits;
};

/**
 * store_open() - open or make a store
 *
 * Removes what a crash left half-made and probes how layers can be mounted (once; the answer stays
 * for this kernel). The layers' mounts are made in the calling process' mount namespace or as
 * detached mounts.
 */
must_check int store_open(const struct store_options *options, struct store **ret,
			  struct error *err);

/* Closes descriptors and unmounts the layers; no lease and no image_layers may be left. */
void store_close(struct store *store);
DEFINE_AUTO(struct store, store_close);
#define auto_store auto_(store_closep) struct store

/* Who uses an image is asked of @users before one is removed; set once, before the first use. */
void store_set_users(struct store *store, store_users_fn users, void *context);

/* The mode in use, never STORE_MODE_AUTO. */
enum store_mode store_mode(const struct store *store);

/* "erofs", "erofs-loop" or "folder": as `berth info` shows it. */
const char *store_mode_name(enum store_mode mode);

/* Why a better mode was not chosen; "" for the best one. */
const char *store_mode_reason(const struct store *store);

/**
 * DOC: Leases
 *
 * A lease keeps what it touched from being collected as garbage until it is released: who pulls,
 * loads, builds or starts holds one from before the first blob to after the record that names it.
 * Leases live in memory: a crash ends them all. The threads of one pull may share one lease.
 */
struct store_lease;

struct store_lease *store_lease_new(struct store *store);
void store_lease_free(struct store_lease *lease);
DEFINE_AUTO(struct store_lease, store_lease_free);
#define auto_store_lease auto_(store_lease_freep) struct store_lease

/**
 * store_lease_collect() - what it holds, and no record names at its end, goes with it
 *
 * For who makes something whole or not at all; who goes on another time with what came so far leaves
 * that to the next start of the store.
 */
void store_lease_collect(struct store_lease *lease);

struct store *store_lease_store(const struct store_lease *lease);

/* For `system df`. Bytes on disk. */
struct store_usage {
	int64_t images;      /* records */
	int64_t active;      /* images with instances */
	int64_t layers;      /* distinct */
	int64_t size;        /* bytes of all layers, uncompressed */
	int64_t reclaimable; /* bytes that prune of all unused images would free */
	int64_t disk;        /* bytes of all files of the store */
};
must_check int store_usage(struct store *store, struct store_usage *ret, struct error *err);

/**
 * store_verify() - hash everything that an image consists of
 * @id: the image
 *
 * Return: 0; -EBADMSG naming the first damaged blob.
 */
must_check int store_verify(struct store *store, const struct digest *id, struct error *err);
