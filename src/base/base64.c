/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#define COMMON "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static void encode(const char alphabet[64], const unsigned char *in, size_t len, struct strbuf *ret)
{
	for (; len >= 3; len -= 3, in += 3) {
		strbuf_addc(ret, alphabet[in[0] >> 2]);
		strbuf_addc(ret, alphabet[(in[0] << 4 | in[1] >> 4) & 63]);
		strbuf_addc(ret, alphabet[(in[1] << 2 | in[2] >> 6) & 63]);
		strbuf_addc(ret, alphabet[in[2] & 63]);
	}
	if (len == 0)
		return;
	unsigned second = len == 2 ? in[1] : 0;
	strbuf_addc(ret, alphabet[in[0] >> 2]);
	strbuf_addc(ret, alphabet[(in[0] << 4 | second >> 4) & 63]);
	strbuf_addc(ret, len == 2 ? alphabet[second << 2 & 63] : '=');
	strbuf_addc(ret, '=');
}

void base64_encode(const void *data, size_t len, struct strbuf *ret)
{
	encode(COMMON "+/", data, len, ret);
}

void base64_encode_url(const void *data, size_t len, struct strbuf *ret)
{
	encode(COMMON "-_", data, len, ret);
}

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

int base64_decode(const char *text, size_t len, struct strbuf *ret)
{
	size_t padding = 0;

	while (padding < 2 && len > 0 && text[len - 1] == '=') {
		padding++;
		len--;
	}
	if (len % 4 == 1 || (padding > 0 && (len + padding) % 4 != 0))
		return -EBADMSG;

	uint32_t bits = 0;
	unsigned held = 0;
	for (size_t i = 0; i < len; i++) {
		int value = value_of(text[i]);
		if (value < 0)
			return -EBADMSG;
		bits = bits << 6 | (uint32_t)value;
		held += 6;
		if (held >= 8) {
			held -= 8;
			strbuf_addc(ret, (char)(bits >> held & 0xff));
		}
	}
	if (bits & ((1u << held) - 1))
		return -EBADMSG;
	return ret->overflow ? -EFBIG : 0;
}
