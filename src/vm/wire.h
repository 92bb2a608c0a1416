/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

/**
 * DOC: Fields on the wire
 *
 * Numbers are little-endian; strings and byte strings stand behind a 32-bit length. A reader never
 * goes past its end: the first field that does not fit, is longer than its limit, or holds a zero
 * byte where a string is meant, makes it bad; from then on it gives zeros and empty strings.
 * wire_end() asks once whether everything was there and nothing is left over.
 */

struct wire_reader {
	const uint8_t *at;
	size_t left;
	bool bad;
};

void wire_put_u8(struct strbuf *out, uint8_t v);
void wire_put_u16(struct strbuf *out, uint16_t v);
void wire_put_u32(struct strbuf *out, uint32_t v);
void wire_put_u64(struct strbuf *out, uint64_t v);
void wire_put_bytes(struct strbuf *out, const void *data, size_t len);
/* NULL is written as "". */
void wire_put_text(struct strbuf *out, const char *text);

void wire_reader_init(struct wire_reader *r, const void *data, size_t len);
uint8_t wire_get_u8(struct wire_reader *r);
uint16_t wire_get_u16(struct wire_reader *r);
uint32_t wire_get_u32(struct wire_reader *r);
uint64_t wire_get_u64(struct wire_reader *r);

/* A byte string of at most @max bytes, borrowed from the reader's data. */
const void *wire_get_bytes(struct wire_reader *r, size_t max, size_t *ret_len);

/* Copies a string of at most @size - 1 bytes without zero bytes into @ret; "" where it is bad. */
void wire_get_text(struct wire_reader *r, char *ret, size_t size);

/* Exactly @len bytes without a length before them. */
void wire_get_raw(struct wire_reader *r, void *ret, size_t len);

/* True where every field was there and nothing is left. */
bool wire_end(const struct wire_reader *r);
