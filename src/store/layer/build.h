/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "oci/digest.h"

/**
 * DOC: Building a layer from its tar
 *
 * The second half of the way in (ingest.h): takes the uncompressed tar in pieces, hashes and parses it,
 * keeps it as a file where the store's mode needs that, and makes index or folder of it.
 */
struct layer_build;
struct store;

struct layer_build_options {
	enum digest_algorithm algorithm; /* of the diff-id */
	bool keep_tar;   /* write the tar to a file: not where it is one already, or not wanted */
	bool check_only; /* the layer is here: parse and hash, store nothing */
};

struct layer_built {
	struct digest diff_id;
	uint64_t tar_size;
	uint64_t content_size;
	uint64_t entries;
};

must_check int layer_build_begin(struct store *store, const struct layer_build_options *options,
				 struct layer_build **ret, struct error *err);
must_check int layer_build_write(struct layer_build *build, const void *data, size_t len,
				 struct error *err);

/* Entries seen so far; may be asked by another thread than the one that writes. */
uint64_t layer_build_entries(const struct layer_build *build);

/* The tar is complete: checks its end and computes the diff-id. */
must_check int layer_build_end(struct layer_build *build, struct layer_built *ret,
			       struct error *err);

/**
 * layer_build_store() - make the layer of what was given
 * @source: digest of the blob that the tar came from
 *
 * Index or folder are synced before they get their name. A layer that is here already is left alone.
 */
must_check int layer_build_store(struct layer_build *build, const struct digest *source,
				 struct error *err);
void layer_build_free(struct layer_build *build);
DEFINE_AUTO(struct layer_build, layer_build_free);
#define auto_layer_build auto_(layer_build_freep) struct layer_build

/* Name of a layer's folder below layers/. */
#define LAYER_PATH 136
void layer_path(const struct digest *diff_id, char ret[LAYER_PATH]);
