/* SPDX-License-Identifier: Apache-2.0 */
#include "store/hash.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"

#define HASH_FILE_PIECE (1u << 20)

void hasher_init(struct hasher *h, enum digest_algorithm algorithm)
{
	const EVP_MD *md = algorithm == DIGEST_SHA512 ? EVP_sha512() : EVP_sha256();

	h->algorithm = algorithm;
	h->context = EVP_MD_CTX_new();
	if (!h->context || EVP_DigestInit_ex(h->context, md, NULL) != 1)
		abort();
}

void hasher_update(struct hasher *h, const void *data, size_t len)
{
	if (EVP_DigestUpdate(h->context, data, len) != 1)
		abort();
}

void hasher_finish(struct hasher *h, struct digest *ret)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	if (EVP_DigestFinal_ex(h->context, hash, &len) != 1)
		abort();
	digest_from_bytes(h->algorithm, hash, len, ret);
	hasher_done(h);
}

void hasher_done(struct hasher *h)
{
	EVP_MD_CTX_free(h->context);
	h->context = NULL;
}

void hash_buffer(enum digest_algorithm algorithm, const void *data, size_t len, struct digest *ret)
{
	auto_hasher h = { 0 };
	hasher_init(&h, algorithm);
	hasher_update(&h, data, len);
	hasher_finish(&h, ret);
}

int hash_file(int fd, enum digest_algorithm algorithm, struct digest *ret, struct error *err)
{
	auto_free char *piece = xmalloc(HASH_FILE_PIECE);
	auto_hasher h = { 0 };
	off_t at = 0;

	hasher_init(&h, algorithm);
	for (;;) {
		ssize_t n = pread(fd, piece, HASH_FILE_PIECE, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(err, errno, "read a file to hash it");
		if (n == 0)
			break;
		hasher_update(&h, piece, (size_t)n);
		at += n;
	}
	hasher_finish(&h, ret);
	return 0;
}
