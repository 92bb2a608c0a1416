/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/decompress.h"

#include <errno.h>
#include <lz4.h>
#include <lzma.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define CHUNK (256U << 10)
#define XZ_MEMORY_MAX (256ULL << 20)
#define LZ4_LEGACY_BLOCK (8U << 20)

struct packing {
	const char *name;
	const char *magic;
	size_t magic_len;
	int (*unpack)(const uint8_t *data, size_t len, struct strbuf *ret, struct error *err);
};

static int damaged(struct error *err, const char *name)
{
	return error_say(err, EBADMSG, "damaged %s data", name);
}

static int too_big(struct error *err)
{
	return error_say(err, EFBIG, "unpacked data is too big");
}

static int unpack_gzip(const uint8_t *data, size_t len, struct strbuf *ret, struct error *err)
{
	z_stream z = { .next_in = (Bytef *)data, .avail_in = (uInt)len };
	if (len > UINT32_MAX || inflateInit2(&z, 15 + 16) != Z_OK)
		return damaged(err, "gzip");

	int rc = 0;
	for (int state = Z_OK; rc == 0 && state != Z_STREAM_END;) {
		if (!strbuf_reserve(ret, CHUNK)) {
			rc = too_big(err);
			break;
		}
		z.next_out = (Bytef *)ret->data + ret->len;
		z.avail_out = CHUNK;
		state = inflate(&z, Z_NO_FLUSH);
		ret->len += CHUNK - z.avail_out;
		if (state != Z_OK && state != Z_STREAM_END)
			rc = damaged(err, "gzip");
	}
	inflateEnd(&z);
	return rc;
}

static int unpack_xz(const uint8_t *data, size_t len, struct strbuf *ret, struct error *err)
{
	lzma_stream x = LZMA_STREAM_INIT;
	if (lzma_stream_decoder(&x, XZ_MEMORY_MAX, 0) != LZMA_OK)
		return damaged(err, "xz");

	x.next_in = data;
	x.avail_in = len;
	int rc = 0;
	for (lzma_ret state = LZMA_OK; rc == 0 && state != LZMA_STREAM_END;) {
		if (!strbuf_reserve(ret, CHUNK)) {
			rc = too_big(err);
			break;
		}
		x.next_out = (uint8_t *)ret->data + ret->len;
		x.avail_out = CHUNK;
		state = lzma_code(&x, LZMA_FINISH);
		ret->len += CHUNK - x.avail_out;
		if (state != LZMA_OK && state != LZMA_STREAM_END)
			rc = damaged(err, "xz");
	}
	lzma_end(&x);
	return rc;
}

static int unpack_zstd(const uint8_t *data, size_t len, struct strbuf *ret, struct error *err)
{
	ZSTD_DStream *stream = ZSTD_createDStream();
	if (!stream)
		return error_set(err, ENOMEM, "prepare zstd");

	ZSTD_inBuffer in = { data, len, 0 };
	int rc = 0;
	for (size_t state = 1; rc == 0 && state != 0;) {
		if (!strbuf_reserve(ret, CHUNK)) {
			rc = too_big(err);
			break;
		}
		ZSTD_outBuffer out = { ret->data + ret->len, CHUNK, 0 };
		size_t before = in.pos;
		state = ZSTD_decompressStream(stream, &out, &in);
		if (ZSTD_isError(state) || (out.pos == 0 && in.pos == before))
			rc = damaged(err, "zstd");
		else
			ret->len += out.pos;
	}
	ZSTD_freeDStream(stream);
	return rc;
}

static uint32_t le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The legacy frame: a magic number, then blocks of at most 8 MiB, each behind its packed length. */
static int unpack_lz4(const uint8_t *data, size_t len, struct strbuf *ret, struct error *err)
{
	size_t at = 4;
	while (len - at > 4) {
		uint32_t packed = le32(data + at);
		at += 4;
		if (packed > len - at)
			break; /* the kernel's build appends the unpacked length */
		if (!strbuf_reserve(ret, LZ4_LEGACY_BLOCK))
			return too_big(err);
		int n = LZ4_decompress_safe((const char *)data + at, ret->data + ret->len,
					    (int)packed, LZ4_LEGACY_BLOCK);
		if (n < 0)
			return damaged(err, "lz4");
		ret->len += (size_t)n;
		at += packed;
	}
	return ret->len > 0 ? 0 : damaged(err, "lz4");
}

static const struct packing packings[] = {
	{ "gzip", "\x1f\x8b\x08", 3, unpack_gzip },
	{ "xz",
	  "\xfd"
	  "7zXZ",
	  6, unpack_xz },
	{ "zstd", "\x28\xb5\x2f\xfd", 4, unpack_zstd },
	{ "lz4", "\x02\x21\x4c\x18", 4, unpack_lz4 },
};

static const struct packing *packing_of(const void *data, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(packings); i++)
		if (len > packings[i].magic_len &&
		    memcmp(data, packings[i].magic, packings[i].magic_len) == 0)
			return &packings[i];
	return NULL;
}

bool decompress_knows(const void *data, size_t len)
{
	return packing_of(data, len) != NULL;
}

int decompress(const void *data, size_t len, struct strbuf *ret, struct error *err)
{
	const struct packing *packing = packing_of(data, len);
	if (!packing)
		return error_say(err, ENOTSUP, "packed in a way that is not known");

	int rc = packing->unpack(data, len, ret, err);
	if (rc == 0 && ret->data)
		ret->data[ret->len] = '\0';
	return rc;
}
