/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "base/strbuf.h"
#include "oci/descriptor.h"
#include "oci/digest.h"
#include "store/registry/session.h"

/**
 * DOC: Manifests and configurations from a registry
 *
 * Small documents, read whole into memory. Nothing leaves these functions whose digest, and where a
 * descriptor promised them size and media type, were not compared.
 */
struct document {
	struct strbuf data;
	char *type;           /* media type it was announced by; NULL: by none that says anything */
	struct digest digest; /* of the bytes */
};

void document_done(struct document *d);
#define auto_document auto_(document_done) struct document

/**
 * fetch_head() - ask which manifest a reference leads to
 * @path:      the repository
 * @reference: tag or digest
 * @ret:       receives the registry's word for the digest; empty where it does not say
 * @ret_size:  and for the size; 0 where it does not say
 *
 * Return: 0; 1 where the registry refuses: GET tells why; else as session_request().
 */
must_check int fetch_head(struct session *s, struct http *http, const char *path,
			  const char *reference, struct digest *ret, uint64_t *ret_size,
			  struct error *err);

/**
 * fetch_manifest() - get the manifest or index behind a tag or a digest
 * @reference: tag or digest
 * @promised:  descriptor that led here; NULL: a reference did. Where @reference is a digest, it
 *             decides.
 */
must_check int fetch_manifest(struct session *s, struct http *http, const char *path,
			      const char *reference, const struct descriptor *promised,
			      struct document *ret, struct error *err);

/* Gets a small blob: an image's configuration. */
must_check int fetch_config(struct session *s, struct http *http, const char *path,
			    const struct descriptor *promised, struct document *ret,
			    struct error *err);
