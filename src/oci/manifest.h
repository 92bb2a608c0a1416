/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/strbuf.h"
#include "oci/digest.h"
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
 * `layers` and `manifests` is refused (CVE-2021-41190), and so is a repeated key. A descriptor's
 * `urls` are never read: layers come from the registry that was asked (CVE-2020-15157).
 */

#define MEDIA_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define MEDIA_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define MEDIA_OCI_LAYER "application/vnd.oci.image.layer.v1.tar"
#define MEDIA_OCI_LAYER_GZIP "application/vnd.oci.image.layer.v1.tar+gzip"
#define MEDIA_OCI_LAYER_ZSTD "application/vnd.oci.image.layer.v1.tar+zstd"
#define MEDIA_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define MEDIA_DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define MEDIA_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define MEDIA_DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar"
#define MEDIA_DOCKER_LAYER_GZIP "application/vnd.docker.image.rootfs.diff.tar.gzip"

/* Largest manifest or index accepted: the size that the distribution specification asks for. */
#define MANIFEST_SIZE_MAX (4u << 20)
/* Layers of one image: what one overlay mount can stack. */
#define MANIFEST_LAYERS_MAX 500
/* Manifests that one index lists. */
#define MANIFEST_INDEX_MAX 1024
/* Sizes above this are refused wherever a descriptor states one. */
#define DESCRIPTOR_SIZE_MAX (1ULL << 42)

enum manifest_kind { MANIFEST_IMAGE, MANIFEST_INDEX };
enum layer_compression { LAYER_PLAIN, LAYER_GZIP, LAYER_ZSTD };

struct descriptor {
	char *media_type;
	struct digest digest;
	uint64_t size;
	bool has_platform;
	struct platform platform; /* normalized */
	char *ref_name;           /* annotation org.opencontainers.image.ref.name; or NULL */
	char *image_name;         /* annotation io.containerd.image.name; or NULL */
};

/* A list of descriptors that owns its items. */
struct descriptors {
	struct descriptor *items;
	size_t count;
};

struct manifest {
	enum manifest_kind kind;
	char *media_type;             /* one of the four MEDIA_* of manifests */
	struct descriptor config;     /* image only */
	struct descriptors layers;    /* image only, lowest first */
	struct descriptors manifests; /* index only */
};

void descriptor_done(struct descriptor *d);
void descriptor_copy(struct descriptor *to, const struct descriptor *from);
#define auto_descriptor auto_(descriptor_done) struct descriptor

/* Appends a copy of @d. */
void descriptors_add(struct descriptors *list, const struct descriptor *d);
void descriptors_done(struct descriptors *list);

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

/* True for the media types of manifests; @ret (may be NULL) receives which kind. */
bool media_type_is_manifest(const char *type, enum manifest_kind *ret);
/* True for the media types of image configurations. */
bool media_type_is_config(const char *type);
/* True for the media types of layers; @ret (may be NULL) receives the compression. */
bool media_type_is_layer(const char *type, enum layer_compression *ret);
