/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/strv.h"
#include "oci/digest.h"
#include "oci/image-config.h"

/**
 * DOC: Images as archives
 *
 * load reads what `docker save` writes, old (one folder a layer, links between equal layers) and
 * new (an OCI layout with a manifest.json), and OCI archives of skopeo, podman and buildkit; the
 * archive itself may be compressed. It comes in one pass and in pieces, as from an HTTP request:
 * each big entry goes straight through ingest.h, and what the archive means is decided at its end,
 * when manifest.json or index.json was seen. Entries that no manifest names are dropped.
 *
 * save writes an OCI layout with a manifest.json, which docker, podman, skopeo and containerd read.
 * The layers are written as they came from their registry, so digests survive.
 */
struct archive_load;
struct store;

/**
 * archive_progress_fn - told what is going on, from the calling thread
 * @id:      short id of a layer, or "" for the whole
 * @status:  "Loading layer", ...
 * @current: bytes done
 * @total:   bytes in all, 0 where it is not known
 */
typedef void (*archive_progress_fn)(void *context, const char *id, const char *status,
				    uint64_t current, uint64_t total);

must_check int archive_load_begin(struct store *store, archive_progress_fn progress, void *context,
				  struct archive_load **ret, struct error *err);
must_check int archive_load_write(struct archive_load *load, const void *data, size_t len,
				  struct error *err);

/**
 * archive_load_finish() - decide what the archive held and commit its images
 * @references: receives a familiar reference for each tag that was set
 * @ids:        receives the ids of images that came without a tag
 */
must_check int archive_load_finish(struct archive_load *load, struct strv *references,
				   struct strv *ids, struct error *err);
void archive_load_free(struct archive_load *load);
DEFINE_AUTO(struct archive_load, archive_load_free);
#define auto_archive_load auto_(archive_load_freep) struct archive_load

/* Takes the next bytes of an archive that is being written; 0 or a negative errno ends it. */
typedef int (*archive_write_fn)(void *context, const void *data, size_t len, struct error *err);

/**
 * archive_save() - write images as one archive
 * @names: references or ids, as for image_find(); a name without a tag saves all tags of it
 */
must_check int archive_save(struct store *store, const struct strv *names, archive_write_fn write,
			    void *context, struct error *err);

/**
 * DOC: Import
 *
 * The tar of a root file system, compressed or not, becomes an image of one layer.
 */
struct archive_import;

struct import_options {
	const char *reference;                 /* name[:tag]; NULL: none */
	const char *message;                   /* comment of the history; NULL: "Imported from -" */
	const struct image_settings *settings; /* how to run it; NULL: empty */
	const struct platform *platform;       /* NULL: the host's */
};

must_check int archive_import_begin(struct store *store, const struct import_options *options,
				    struct archive_import **ret, struct error *err);
must_check int archive_import_write(struct archive_import *import, const void *data, size_t len,
				    struct error *err);
must_check int archive_import_finish(struct archive_import *import, struct digest *ret,
				     struct error *err);
void archive_import_free(struct archive_import *import);
DEFINE_AUTO(struct archive_import, archive_import_free);
#define auto_archive_import auto_(archive_import_freep) struct archive_import
