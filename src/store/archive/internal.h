/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/map.h"
#include "base/strbuf.h"
#include "store/archive/archive.h"
#include "store/layer/ingest.h"
#include "store/store-internal.h"

/**
 * DOC: An image archive, taken in
 *
 * load.c is the streaming half: it sorts the archive's entries into documents (kept in memory)
 * and layers (gone through ingest.h already). decide.c is the other half, run at the end: it
 * reads index.json or manifest.json and commits the images. Paths are keys, nothing more.
 */

/* What became of one entry that is no document. */
struct archive_layer {
	struct layer_info info; /* of one that was taken in, or was here before */
	struct error err;       /* why it is no layer; told only where an image names it */
};

struct archive_content {
	struct store *store;
	struct store_lease *lease;
	struct map *documents; /* path -> struct strbuf */
	struct map *layers;    /* path -> struct archive_layer */
	struct map *aliases;   /* path of a link -> clean path it leads to (char *) */
};

/* Commits what the archive holds; the rest as for archive_load_finish(). */
must_check int archive_decide(const struct archive_content *content, struct strv *references,
			      struct strv *ids, struct error *err);

/* The document or layer that a path names, links followed; NULL where there is none. */
const struct strbuf *archive_document(const struct archive_content *content, const char *path);
const struct archive_layer *archive_layer_at(const struct archive_content *content,
					     const char *path);

/* "blobs/sha256/<hex>" as in OCI layouts. */
#define ARCHIVE_BLOB_PATH (BLOB_PATH + 8)
void archive_blob_path(const struct digest *digest, char ret[ARCHIVE_BLOB_PATH]);
