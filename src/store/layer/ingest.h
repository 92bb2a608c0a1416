/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "oci/digest.h"

/**
 * DOC: Layer ingest
 *
 * How a layer comes in, from wherever: a registry, an archive, a build. Bytes are given in pieces
 *of any size and pass through everything in one go:
 *
 *	bytes -> digest -> blob file -> inflate -> diff-id -> tar file -> tar parser -> index or
 *folder
 *
 * Gzip, zstd and plain tars are told apart by their first bytes. Nothing can be seen of a layer
 * before layer_ingest_finish() has compared both digests and the size, has checked the tar to its
 * end and has synced the data; on any failure all of it is discarded.
 *
 * An ingest belongs to one thread; any number run side by side.
 */
struct layer_ingest;
struct store_lease;

struct layer_expect {
	const struct digest *blob;    /* digest of the bytes as given; NULL: not known */
	const struct digest *diff_id; /* digest of the uncompressed tar; NULL: not known */
	int64_t size;                 /* bytes as given; -1: not known */
};

struct layer_info {
	struct digest blob;
	struct digest diff_id;
	uint64_t blob_size;    /* bytes as given */
	uint64_t tar_size;     /* uncompressed */
	uint64_t content_size; /* bytes of its regular files */
	uint64_t entries;
	const char *media_type; /* OCI's media type for what was given */
};

/**
 * layer_exists() - whether a layer need not be fetched
 * @lease:   protects it from now on where it is
 * @blob:    digest of the compressed bytes; NULL where only the root file system matters
 * @diff_id: digest of the uncompressed tar
 */
bool layer_exists(struct store_lease *lease, const struct digest *blob,
		  const struct digest *diff_id);

/**
 * layer_ingest_begin() - start to receive a layer
 * @lease:  protects the layer once it is finished; outlives the ingest
 * @expect: copied
 * @ret:    receives the ingest; layer_ingest_free() ends it, finished or not
 */
must_check int layer_ingest_begin(struct store_lease *lease, const struct layer_expect *expect,
				  struct layer_ingest **ret, struct error *err);

/**
 * layer_ingest_resume() - take up what an earlier, suspended ingest of the same blob left
 * @ret_offset: receives how many bytes are already here; the next byte to give is that one
 *
 * To be called right after layer_ingest_begin(). Within one ingest nothing is to be done after a
 * cut connection: go on at layer_ingest_received().
 *
 * Return: 0, also where there is nothing (offset 0); -EBADMSG where what was left is no beginning
 * of a layer: it was dropped, and a new ingest starts from 0.
 */
must_check int layer_ingest_resume(struct layer_ingest *ingest, uint64_t *ret_offset,
				   struct error *err);

/* Bytes received so far. */
uint64_t layer_ingest_received(const struct layer_ingest *ingest);

/**
 * layer_ingest_write() - give the next bytes
 *
 * Return: 0; -EBADMSG where they are no layer; -EFBIG past a limit or the expected size; -ENOSPC
 * and others of the disk. After a failure only layer_ingest_free() is allowed.
 */
must_check int layer_ingest_write(struct layer_ingest *ingest, const void *data, size_t len,
				  struct error *err);

/**
 * layer_ingest_finish() - check, sync and store the layer
 * @ret: receives what it is; NULL where not wanted
 *
 * Return: 0; -EBADMSG where a digest or the size is not what was expected or the tar is cut short.
 */
must_check int layer_ingest_finish(struct layer_ingest *ingest, struct layer_info *ret,
				   struct error *err);

/* What was received is kept for layer_ingest_resume() when layer_ingest_free() follows: for an
 * ingest whose blob digest is expected and that a cut connection, not bad data, ended. */
void layer_ingest_suspend(struct layer_ingest *ingest);

/* Ends an ingest; what is not finished is discarded. */
void layer_ingest_free(struct layer_ingest *ingest);
DEFINE_AUTO(struct layer_ingest, layer_ingest_free);
#define auto_layer_ingest auto_(layer_ingest_freep) struct layer_ingest
