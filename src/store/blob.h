/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/strbuf.h"
#include "oci/digest.h"

/**
 * DOC: Blobs
 *
 * Files named by the digest of their content. Layers come in by ingest.h; configurations and
 * manifests, which are small, by blob_put(). A blob is written to a temporary file of the same file
 * system, checked, synced and renamed.
 */
struct store;
struct store_lease;

/**
 * blob_exists() - whether a blob is here, whole
 * @lease: protects it from now on where it is
 *
 * A file that was changed since it was stored is hashed again; a damaged one is removed.
 */
bool blob_exists(struct store_lease *lease, const struct digest *digest);

/**
 * blob_put() - store a small blob
 * @expected: what its digest must be; NULL to take it as it is
 * @ret:      receives the digest; NULL where not wanted
 *
 * Return: 0; -EBADMSG where the content is not what was expected.
 */
must_check int blob_put(struct store_lease *lease, const void *data, size_t len,
			const struct digest *expected, struct digest *ret, struct error *err);

/**
 * blob_open() - open a blob for reading
 * @ret_size: receives its size in bytes; NULL where not wanted
 *
 * The content was verified when it came in and the file was not changed through the file system
 * since. Who sends it on hashes what it sends.
 *
 * Return: a descriptor, -ENOENT, -EBADMSG where it is damaged, or another negative errno.
 */
int blob_open(struct store *store, const struct digest *digest, uint64_t *ret_size,
	      struct error *err);

/**
 * blob_read() - read a small blob whole, checking its digest
 * @ret: appended to; its cap counts
 *
 * Return: 0; -ENOENT; -EFBIG; -EBADMSG where it is damaged.
 */
must_check int blob_read(struct store *store, const struct digest *digest, struct strbuf *ret,
			 struct error *err);
