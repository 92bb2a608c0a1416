/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strbuf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

void strbuf_init(struct strbuf *sb, size_t cap)
{
	*sb = (struct strbuf)STRBUF_INIT(cap);
}

void strbuf_done(struct strbuf *sb)
{
	free(sb->data);
	*sb = (struct strbuf)STRBUF_INIT(sb->cap);
}

void strbuf_clear(struct strbuf *sb)
{
	sb->len = 0;
	sb->overflow = false;
	if (sb->data)
		sb->data[0] = '\0';
}

bool strbuf_reserve(struct strbuf *sb, size_t len)
{
	if (len > sb->cap || sb->len > sb->cap - len) {
		sb->overflow = true;
		return false;
	}

	size_t need = sb->len + len + 1;
	if (need <= sb->size)
		return true;

	size_t size = sb->size ? sb->size : 64;
	while (size < need)
		size *= 2;
	if (size - 1 > sb->cap) /* the cap may be SIZE_MAX */
		size = sb->cap + 1;
	sb->data = xrealloc(sb->data, size);
	sb->data[sb->len] = '\0';
	sb->size = size;
	return true;
}

void strbuf_add(struct strbuf *sb, const void *data, size_t len)
{
	if (len == 0 || !strbuf_reserve(sb, len))
		return;
	memcpy(sb->data + sb->len, data, len);
	sb->len += len;
	sb->data[sb->len] = '\0';
}

void strbuf_adds(struct strbuf *sb, const char *s)
{
	strbuf_add(sb, s, strlen(s));
}

void strbuf_addc(struct strbuf *sb, char c)
{
	strbuf_add(sb, &c, 1);
}

void strbuf_addf(struct strbuf *sb, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n <= 0 || !strbuf_reserve(sb, (size_t)n))
		return;

	va_start(args, fmt);
	(void)vsnprintf(sb->data + sb->len, (size_t)n + 1, fmt, args);
	va_end(args);
	sb->len += (size_t)n;
}

const char *strbuf_text(const struct strbuf *sb)
{
	return sb->data ? sb->data : "";
}

char *strbuf_take(struct strbuf *sb)
{
	char *text = sb->data ? sb->data : xstrdup("");

	*sb = (struct strbuf)STRBUF_INIT(sb->cap);
	return text;
}

void strbuf_consume(struct strbuf *sb, size_t len)
{
	if (len >= sb->len) {
		strbuf_clear(sb);
		return;
	}
	memmove(sb->data, sb->data + len, sb->len - len + 1);
	sb->len -= len;
}
