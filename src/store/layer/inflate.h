/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"

/**
 * DOC: Streaming decompression
 *
 * The compression is told by the first bytes, never by what a peer says of it. Input comes in pieces
 * of any size; output goes to a sink in pieces of up to INFLATE_PIECE. Gzip (one or more members, each
 * checksum verified) is done by ISA-L, zstd (one or more frames) by libzstd with windows of at most
 * 128 MiB; everything else passes through unchanged.
 */
struct inflate;

#define INFLATE_PIECE (256u << 10)

enum inflate_kind { INFLATE_UNKNOWN, INFLATE_PLAIN, INFLATE_GZIP, INFLATE_ZSTD };

/* Takes output; 0 or a negative errno, which ends the whole. */
typedef int (*inflate_sink_fn)(void *context, const uint8_t *data, size_t len, struct error *err);

struct inflate *inflate_new(inflate_sink_fn sink, void *context);
void inflate_free(struct inflate *z);
DEFINE_AUTO(struct inflate, inflate_free);
#define auto_inflate auto_(inflate_freep) struct inflate

/**
 * inflate_write() - give the next input
 *
 * Return: 0; -EBADMSG where it is malformed; or what the sink returned.
 */
must_check int inflate_write(struct inflate *z, const void *data, size_t len, struct error *err);

/* Tells that the input is complete. Return: 0; -EBADMSG where it is cut short. */
must_check int inflate_finish(struct inflate *z, struct error *err);

/* What the first bytes say; @len may be less than INFLATE_MAGIC only where there is no more. */
#define INFLATE_MAGIC 4
enum inflate_kind inflate_kind_of(const uint8_t *magic, size_t len);

/* INFLATE_UNKNOWN before the first four bytes came (or inflate_finish() was called). */
enum inflate_kind inflate_kind(const struct inflate *z);
