/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/wire.h"

#include <endian.h>
#include <string.h>

void wire_put_u8(struct strbuf *out, uint8_t v)
{
	strbuf_add(out, &v, sizeof(v));
}

void wire_put_u16(struct strbuf *out, uint16_t v)
{
	v = htole16(v);
	strbuf_add(out, &v, sizeof(v));
}

void wire_put_u32(struct strbuf *out, uint32_t v)
{
	v = htole32(v);
	strbuf_add(out, &v, sizeof(v));
}

void wire_put_u64(struct strbuf *out, uint64_t v)
{
	v = htole64(v);
	strbuf_add(out, &v, sizeof(v));
}

void wire_put_bytes(struct strbuf *out, const void *data, size_t len)
{
	if (len > UINT32_MAX) {
		out->overflow = true;
		return;
	}
	wire_put_u32(out, (uint32_t)len);
	strbuf_add(out, data, len);
}

void wire_put_text(struct strbuf *out, const char *text)
{
	wire_put_bytes(out, text ? text : "", text ? strlen(text) : 0);
}

void wire_reader_init(struct wire_reader *r, const void *data, size_t len)
{
	*r = (struct wire_reader){ .at = data, .left = len };
}

/* Takes @len bytes, or NULL where they are not there. */
static const uint8_t *take(struct wire_reader *r, size_t len)
{
	if (r->bad || len > r->left) {
		r->bad = true;
		return NULL;
	}
	const uint8_t *at = r->at;
	r->at += len;
	r->left -= len;
	return at;
}

void wire_get_raw(struct wire_reader *r, void *ret, size_t len)
{
	const uint8_t *at = take(r, len);
	if (at)
		memcpy(ret, at, len);
	else
		memset(ret, 0, len);
}

uint8_t wire_get_u8(struct wire_reader *r)
{
	uint8_t v;
	wire_get_raw(r, &v, sizeof(v));
	return v;
}

uint16_t wire_get_u16(struct wire_reader *r)
{
	uint16_t v;
	wire_get_raw(r, &v, sizeof(v));
	return le16toh(v);
}

uint32_t wire_get_u32(struct wire_reader *r)
{
	uint32_t v;
	wire_get_raw(r, &v, sizeof(v));
	return le32toh(v);
}

uint64_t wire_get_u64(struct wire_reader *r)
{
	uint64_t v;
	wire_get_raw(r, &v, sizeof(v));
	return le64toh(v);
}

const void *wire_get_bytes(struct wire_reader *r, size_t max, size_t *ret_len)
{
	size_t len = wire_get_u32(r);
	if (len > max)
		r->bad = true;
	const uint8_t *at = take(r, len);
	*ret_len = at ? len : 0;
	return at;
}

void wire_get_text(struct wire_reader *r, char *ret, size_t size)
{
	size_t len;
	const char *at = wire_get_bytes(r, size - 1, &len);
	if (at && memchr(at, '\0', len))
		r->bad = true;
	if (!at || r->bad)
		len = 0;
	memcpy(ret, at ? at : "", len);
	ret[len] = '\0';
}

bool wire_end(const struct wire_reader *r)
{
	return !r->bad && r->left == 0;
}
