/* SPDX-License-Identifier: Apache-2.0 */
#include "store/layer/inflate.h"

#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/alloc.h"

#define ZSTD_WINDOW_LOG_MAX 27

struct inflate {
	inflate_sink_fn sink;
	void *context;
	enum inflate_kind kind;
	uint8_t magic[INFLATE_MAGIC]; /* the first bytes, until the kind is known */
	size_t magic_len;
	struct inflate_state *gzip;
	ZSTD_DStream *zstd;
	bool within; /* a gzip member or a zstd frame is begun and not ended */
	uint8_t *out;
};

struct inflate *inflate_new(inflate_sink_fn sink, void *context)
{
	struct inflate *z = xnew(struct inflate);

	z->sink = sink;
	z->context = context;
	return z;
}

void inflate_free(struct inflate *z)
{
	if (!z)
		return;
	ZSTD_freeDStream(z->zstd);
	free(z->gzip);
	free(z->out);
	free(z);
}

enum inflate_kind inflate_kind(const struct inflate *z)
{
	return z->kind;
}

enum inflate_kind inflate_kind_of(const uint8_t *magic, size_t len)
{
	static const uint8_t zstd[] = { 0x28, 0xb5, 0x2f, 0xfd };

	if (len >= 2 && magic[0] == 0x1f && magic[1] == 0x8b)
		return INFLATE_GZIP;
	if (len == INFLATE_MAGIC && memcmp(magic, zstd, sizeof(zstd)) == 0)
		return INFLATE_ZSTD;
	/* A skippable frame of zstd. */
	if (len == INFLATE_MAGIC && (magic[0] & 0xf0) == 0x50 &&
	    memcmp(magic + 1, "\x2a\x4d\x18", 3) == 0)
		return INFLATE_ZSTD;
	return INFLATE_PLAIN;
}

static void gzip_begin_member(struct inflate *z)
{
	uint8_t *in = z->gzip->next_in;
	uint32_t left = z->gzip->avail_in;

	isal_inflate_reset(z->gzip);
	z->gzip->crc_flag = ISAL_GZIP;
	z->gzip->next_in = in;
	z->gzip->avail_in = left;
	z->within = true;
}

static int start(struct inflate *z, struct error *err)
{
	static const uint8_t xz[] = { 0xfd, '7', 'z', 'X' };

	if (z->magic_len == sizeof(xz) && memcmp(z->magic, xz, sizeof(xz)) == 0)
		return error_say(err, EOPNOTSUPP, "compression by xz is not supported");
	z->kind = inflate_kind_of(z->magic, z->magic_len);
	if (z->kind == INFLATE_PLAIN)
		return 0;

	z->out = xmalloc(INFLATE_PIECE);
	if (z->kind == INFLATE_GZIP) {
		z->gzip = xnew(struct inflate_state);
		isal_inflate_init(z->gzip);
		return 0;
	}
	z->zstd = ZSTD_createDStream();
	if (!z->zstd ||
	    ZSTD_isError(ZSTD_DCtx_setParameter(z->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX)))
		return error_say(err, ENOMEM, "set up zstd");
	return 0;
}

static const char *gzip_fault(int code)
{
	switch (code) {
	case ISAL_INCORRECT_CHECKSUM:
		return "checksum is wrong";
	case ISAL_INVALID_WRAPPER:
	case ISAL_UNSUPPORTED_METHOD:
		return "what follows is no gzip member";
	default:
		return "data is damaged";
	}
}

static int gzip_write(struct inflate *z, const void *data, size_t len, struct error *err)
{
	struct inflate_state *s = z->gzip;

	s->next_in = (uint8_t *)data;
	s->avail_in = (uint32_t)len;
	for (;;) {
		if (!z->within) {
			if (s->avail_in == 0)
				return 0;
			gzip_begin_member(z);
		}

		s->next_out = z->out;
		s->avail_out = INFLATE_PIECE;
		uint32_t before = s->avail_in;
		int code = isal_inflate(s);
		if (code < 0 || code == ISAL_NEED_DICT)
			return error_say(err, EBADMSG, "gzip: %s", gzip_fault(code));

		size_t made = INFLATE_PIECE - s->avail_out;
		int r = made ? z->sink(z->context, z->out, made, err) : 0;
		if (r < 0)
			return r;
		if (s->block_state == ISAL_BLOCK_FINISH)
			z->within = false;
		else if (s->avail_in == 0 && s->avail_out > 0)
			return 0;
		else if (s->avail_in == before && made == 0)
			return error_say(err, EBADMSG, "gzip: data is damaged");
	}
}

static int zstd_write(struct inflate *z, const void *data, size_t len, struct error *err)
{
	ZSTD_inBuffer in = { data, len, 0 };

	for (;;) {
		ZSTD_outBuffer out = { z->out, INFLATE_PIECE, 0 };
		size_t left = ZSTD_decompressStream(z->zstd, &out, &in);
		if (ZSTD_isError(left))
			return error_say(err, EBADMSG, "zstd: %s", ZSTD_getErrorName(left));
		z->within = left != 0;

		int r = out.pos ? z->sink(z->context, z->out, out.pos, err) : 0;
		if (r < 0)
			return r;
		if (in.pos == in.size && out.pos < out.size)
			return 0;
	}
}

static int write_piece(struct inflate *z, const void *data, size_t len, struct error *err)
{
	if (len == 0)
		return 0;
	switch (z->kind) {
	case INFLATE_GZIP:
		return gzip_write(z, data, len, err);
	case INFLATE_ZSTD:
		return zstd_write(z, data, len, err);
	default:
		return z->sink(z->context, data, len, err);
	}
}

int inflate_write(struct inflate *z, const void *data, size_t len, struct error *err)
{
	const uint8_t *at = data;

	if (z->kind == INFLATE_UNKNOWN) {
		size_t take = INFLATE_MAGIC - z->magic_len;
		if (take > len)
			take = len;
		memcpy(z->magic + z->magic_len, at, take);
		z->magic_len += take;
		at += take;
		len -= take;
		if (z->magic_len < INFLATE_MAGIC)
			return 0;

		int r = start(z, err);
		if (r == 0)
			r = write_piece(z, z->magic, z->magic_len, err);
		if (r < 0)
			return r;
	}

	while (len > 0) {
		size_t piece = len < INFLATE_PIECE ? len : INFLATE_PIECE;
		int r = write_piece(z, at, piece, err);
		if (r < 0)
			return r;
		at += piece;
		len -= piece;
	}
	return 0;
}

int inflate_finish(struct inflate *z, struct error *err)
{
	if (z->kind == INFLATE_UNKNOWN) {
		int r = start(z, err);
		if (r == 0)
			r = write_piece(z, z->magic, z->magic_len, err);
		if (r < 0)
			return r;
	}
	if (z->within)
		return error_say(err, EBADMSG, "compressed data is cut short");
	return 0;
}
