/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

/* Length of the sequence that starts with @first, 0 where none can. */
static size_t utf8_length(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	if (first >= 0xf0 && first <= 0xf4)
		return 4;
	return 0;
}

/* The second byte's range depends on the first: no overlong forms, no surrogates, nothing past
 * U+10FFFF. */
static bool utf8_second_valid(unsigned char first, unsigned char second)
{
	unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;

	return second >= low && second <= high;
}

bool utf8_valid(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;

	for (size_t at = 0; at < len;) {
		size_t count = utf8_length(s[at]);

		if (s[at] == 0 || count == 0 || count > len - at)
			return false;
		if (count > 1 && !utf8_second_valid(s[at], s[at + 1]))
			return false;
		for (size_t i = 2; i < count; i++)
			if ((s[at + i] & 0xc0) != 0x80)
				return false;
		at += count;
	}
	return true;
}
