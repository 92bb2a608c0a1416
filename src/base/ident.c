/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ident.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

void random_bytes(void *data, size_t len)
{
	char *at = data;

	while (len > 0) {
		ssize_t n = getrandom(at, len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			abort();
		at += n;
		len -= (size_t)n;
	}
}

void hex_encode(const void *data, size_t len, char *ret)
{
	static const char digit[] = "0123456789abcdef";
	const unsigned char *bytes = data;

	for (size_t i = 0; i < len; i++) {
		*ret++ = digit[bytes[i] >> 4];
		*ret++ = digit[bytes[i] & 15];
	}
	*ret = '\0';
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool hex_decode(const char *text, void *ret, size_t len)
{
	unsigned char *out = ret;

	for (size_t i = 0; i < len; i++) {
		int high = digit_value(text[2 * i]);
		int low = high < 0 ? -1 : digit_value(text[2 * i + 1]);
		if (low < 0)
			return false;
		out[i] = (unsigned char)(high << 4 | low);
	}
	return text[2 * len] == '\0';
}

void ident_random_hex(char *ret, size_t digits)
{
	while (digits > 0) {
		unsigned char bytes[32];
		char text[2 * sizeof(bytes) + 1];
		size_t piece = digits < 2 * sizeof(bytes) ? digits : 2 * sizeof(bytes);

		random_bytes(bytes, (piece + 1) / 2);
		hex_encode(bytes, (piece + 1) / 2, text);
		memcpy(ret, text, piece);
		ret += piece;
		digits -= piece;
	}
	*ret = '\0';
}
