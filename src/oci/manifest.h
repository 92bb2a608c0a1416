/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/strbuf.h"
#include "oci/descriptor.h"
#include "oci/platform.h"

/**
 * DOC: Manifests and indexes
 *
 * An image manifest lists the blobs of one image (its configuration and its layers), an index lists
 * the manifests of one image for several platforms. Docker's schema 2 and the OCI's formats are the
 * same but for the media types; schema 1 is refused.
 *
 * The bytes are untrusted and their digest must mean one thing only: what the transport said the
 * document is, what it says itself and which lists it has must all agree, a document with both
 * `layers` and `manifests` is refused (CVE-2021-41190), and so is a repeated key. Layers come from
 * the registry that was asked, never from a descriptor's `urls` (CVE-2020-15157).
 */

/* Largest manifest or index accepted: the size that the distribution specification asks for. */
#define MANIFEST_SIZE_MAX (4u << 20)
/* Layers of one image: what one overlay mount can stack. */
#define MANIFEST_LAYERS_MAX 500
/* Manifests that one index lists. */
#define MANIFEST_INDEX_MAX 1024

struct manifest {
	enum manifest_kind kind;
	char *media_type;             /* one of the four MEDIA_* of manifests */
	struct descriptor config;     /* image only */
	struct descriptors layers;    /* image only, lowest first */
	struct descriptors manifests; /* index only */
};

void manifest_free(struct manifest *m);
DEFINE_AUTO(struct manifest, manifest_free);
#define auto_manifest auto_(manifest_freep) struct manifest

/**
 * manifest_parse() - read and check a manifest or an index
 * @data:       the bytes, whose digest the caller has checked
 * @len:        how many
 * @outer_type: media type by which the document was announced (Content-Type without parameters, or
 *              the descriptor that led here); NULL where nothing announced it
 * @ret:        receives the manifest; released by manifest_free(); untouched on failure
 *
 * Return: 0; -EFBIG past a limit; -EBADMSG where it is malformed or two of its sides disagree;
 *         -ENOTSUP for a media type that is no image or index.
 */
must_check int manifest_parse(const void *data, size_t len, const char *outer_type,
			      struct manifest **ret, struct error *err);

/**
 * manifest_write() - the document of a manifest, in OCI's order of keys
 * @m:   image or index with its media_type set
 * @ret: appended to
 */
void manifest_write(const struct manifest *m, struct strbuf *ret);

/**
 * manifest_select() - choose the image for a machine from an index
 * @index:  an index
 * @wanted: the platform, normalized
 *
 * An entry without a platform is taken only where no entry that names one suits and it is the only
 * such entry.
 *
 * Return: the borrowed descriptor, or NULL where nothing suits.
 */
const struct descriptor *manifest_select(const struct manifest *index,
					 const struct platform *wanted);
