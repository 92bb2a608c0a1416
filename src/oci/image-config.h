/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/strbuf.h"
#include "base/strv.h"
#include "oci/digest.h"
#include "oci/image-settings.h"
#include "oci/platform.h"

/**
 * DOC: Image configurations
 *
 * What an image says about itself: how to run it, which layers make its root (by the digests of
 * their uncompressed tars), how it was made. OCI image specification, config.md, with the fields
 * that Docker adds. An image's id is the digest of these bytes, so they are kept as they came
 * (@raw) and image_config_write() is only for configurations that Berth makes itself.
 *
 * All of it is the image's word, the lowest level of trust: strings are bounded by the size of the
 * document and free of NUL, nothing more.
 */

#define IMAGE_CONFIG_SIZE_MAX (4u << 20)

struct image_history {
	char *created;
	char *created_by;
	char *author;
	char *comment;
	bool empty_layer;
};

struct image_config {
	struct strbuf raw; /* the document; empty in one that is being made */
	char *created;     /* RFC 3339, unchecked; NULL where not given, as below */
	char *author;
	struct platform platform; /* normalized */
	char *os_version;
	struct strv os_features;
	struct image_settings settings;
	struct digest *diff_ids; /* lowest layer first */
	size_t diff_id_count;
	struct image_history *history;
	size_t history_count;
};

struct image_config *image_config_new(void);
void image_config_free(struct image_config *c);
DEFINE_AUTO(struct image_config, image_config_free);
#define auto_image_config auto_(image_config_freep) struct image_config

/**
 * image_config_parse() - read an image configuration
 * @data: the bytes, whose digest the caller has checked
 * @ret:  receives the configuration with a copy of the bytes; untouched on failure
 *
 * Return: 0; -EFBIG past a limit; -EBADMSG where it is malformed.
 */
must_check int image_config_parse(const void *data, size_t len, struct image_config **ret,
				  struct error *err);

/**
 * image_config_write() - the document of a configuration that Berth made
 * @ret: appended to; @c->raw is neither read nor changed
 */
void image_config_write(const struct image_config *c, struct strbuf *ret);

/* For configurations being made. Strings of @entry are copied. */
void image_config_add_diff_id(struct image_config *c, const struct digest *diff_id);
void image_config_add_history(struct image_config *c, const struct image_history *entry);

/* A copy without the raw bytes: the base of a configuration to be made. */
struct image_config *image_config_copy(const struct image_config *c);
