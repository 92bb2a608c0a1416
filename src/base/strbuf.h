/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

/**
 * DOC: Growing byte strings
 *
 * A `struct strbuf` holds @len bytes and always a NUL behind them. It is made with a cap; what
 * would grow past the cap is dropped and @overflow is set, so a writer may append freely and the
 * reader asks once at the end. Embedded: strbuf_init() and strbuf_done(); strbuf_clear() empties
 * for reuse.
 */
struct strbuf {
	char *data; /* NULL until the first append; use strbuf_text() for a C string */
	size_t len;
	size_t size;
	size_t cap;
	bool overflow;
};

#define STRBUF_INIT(cap_bytes)     \
	{                          \
		.cap = (cap_bytes) \
	}

void strbuf_init(struct strbuf *sb, size_t cap);
void strbuf_done(struct strbuf *sb);
void strbuf_clear(struct strbuf *sb);

#define auto_strbuf auto_(strbuf_done) struct strbuf

void strbuf_add(struct strbuf *sb, const void *data, size_t len);
void strbuf_adds(struct strbuf *sb, const char *s);
void strbuf_addc(struct strbuf *sb, char c);
void strbuf_addf(struct strbuf *sb, const char *fmt, ...) printf_like(2, 3);

/* Room for at least @len more bytes at data + len; false (and overflow) if the cap forbids it. */
bool strbuf_reserve(struct strbuf *sb, size_t len);

/* The content as a C string, never NULL; valid until the next change. */
const char *strbuf_text(const struct strbuf *sb);

/* Hands over the content as a malloc'ed C string and leaves the buffer empty. */
char *strbuf_take(struct strbuf *sb);

/* Removes @len bytes from the front. */
void strbuf_consume(struct strbuf *sb, size_t len);
