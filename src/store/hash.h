/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/macros.h"
#include "oci/digest.h"

/**
 * DOC: Computing digests
 *
 * A hasher is embedded, fed in pieces and read once. OpenSSL does the work: it picks the
 * processor's SHA instructions.
 */
struct hasher {
	void *context; /* NULL: not started */
	enum digest_algorithm algorithm;
};

void hasher_init(struct hasher *h, enum digest_algorithm algorithm);
void hasher_update(struct hasher *h, const void *data, size_t len);

/* Writes the digest and releases the hasher. */
void hasher_finish(struct hasher *h, struct digest *ret);

/* Releases a hasher that is not wanted any more; one that was finished is fine. */
void hasher_done(struct hasher *h);
#define auto_hasher auto_(hasher_done) struct hasher

/* The digest of one buffer. */
void hash_buffer(enum digest_algorithm algorithm, const void *data, size_t len, struct digest *ret);

/**
 * hash_file() - the digest of an open file's content from its beginning
 * @fd: read by pread(2): the file's offset is neither used nor changed
 *
 * Return: 0 or a negative errno.
 */
must_check int hash_file(int fd, enum digest_algorithm algorithm, struct digest *ret,
			 struct error *err);
