/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/**
 * DOC: Digests
 *
 * A digest arrives as text from a registry, an archive or a caller and ends up as a file name, so
 * there is one type that only digest_parse() fills: who holds a `struct digest` that is not empty
 * holds "sha256:" and 64, or "sha512:" and 128 lower-case hexadecimal digits, and nothing else.
 * Grammar: OCI image specification, descriptor.md, narrowed to the two registered algorithms that
 * registries use. Plain data: copied by assignment. Computing digests is in store/hash.h.
 */

/* "sha512:", 128 digits and a NUL. */
#define DIGEST_TEXT 136

struct digest {
	char text[DIGEST_TEXT]; /* "" where there is none */
};

enum digest_algorithm { DIGEST_SHA256, DIGEST_SHA512 };

/* True where @text is a digest in the grammar above. */
bool digest_is_valid(const char *text);

/**
 * digest_parse() - check a digest and keep it
 * @text: the untrusted text
 * @ret:  receives the digest; untouched on failure
 *
 * Return: 0 or -EBADMSG.
 */
must_check int digest_parse(const char *text, struct digest *ret, struct error *err);

/**
 * digest_from_bytes() - make a digest from the bytes of a hash
 * @len: 32 for SHA-256, 64 for SHA-512; another length is a programming error
 */
void digest_from_bytes(enum digest_algorithm algorithm, const void *hash, size_t len,
		       struct digest *ret);

/* The rest is for digests that are not empty. */
enum digest_algorithm digest_algorithm(const struct digest *d);

/* "sha256" or "sha512": the folder of the blob store. */
const char *digest_algorithm_name(const struct digest *d);

/* The hexadecimal digits: safe as a file name. */
const char *digest_hex(const struct digest *d);

bool digest_is_empty(const struct digest *d);
bool digest_equal(const struct digest *a, const struct digest *b);
