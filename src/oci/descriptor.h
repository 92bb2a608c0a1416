/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "base/macros.h"
#include "oci/digest.h"
#include "oci/platform.h"

/**
 * DOC: Descriptors
 *
 * A descriptor names a blob by media type, digest and size. OCI image specification, descriptor.md;
 * Docker's are the same. All three are required; the size is at most DESCRIPTOR_SIZE_MAX. Of the
 * annotations only the two that carry an image's name in archives are kept; `urls` and inline
 * `data` are never read.
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

void descriptor_done(struct descriptor *d);
/* Replaces @to (initialised) by a copy. */
void descriptor_copy(struct descriptor *to, const struct descriptor *from);
#define auto_descriptor auto_(descriptor_done) struct descriptor

/* Appends a copy of @d. */
void descriptors_add(struct descriptors *list, const struct descriptor *d);
void descriptors_done(struct descriptors *list);

/**
 * descriptor_parse() - read one descriptor
 * @o:   its object; borrowed
 * @ret: receives the descriptor, which descriptor_done() releases; untouched on failure
 *
 * Return: 0 or -EBADMSG.
 */
must_check int descriptor_parse(struct json_object *o, struct descriptor *ret, struct error *err);

/**
 * descriptors_parse() - read a list of descriptors
 * @array: the list; borrowed
 * @what:  its name, for errors
 * @max:   most entries accepted
 * @ret:   receives the list (initialised); untouched on failure
 *
 * Return: 0, -EFBIG past @max, or -EBADMSG.
 */
must_check int descriptors_parse(struct json_object *array, const char *what, size_t max,
				 struct descriptors *ret, struct error *err);

/* The object of a descriptor; the caller owns it. */
struct json_object *descriptor_json(const struct descriptor *d);

/* True for the media types of manifests; @ret (may be NULL) receives which kind. */
bool media_type_is_manifest(const char *type, enum manifest_kind *ret);
/* True for the media types of image configurations. */
bool media_type_is_config(const char *type);
/* True for the media types of layers; @ret (may be NULL) receives the compression. */
bool media_type_is_layer(const char *type, enum layer_compression *ret);
