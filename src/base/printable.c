/* SPDX-License-Identifier: Apache-2.0 */
#include "base/printable.h"

#include <stdbool.h>
#include <string.h>

/* What U+0080 to U+009F begin with in UTF-8. */
#define C1_LEAD 0xc2

static bool is_kept(char c, char next, const char *keep)
{
	if (c == '\r')
		return next == '\n' && strchr(keep, '\n');
	return c && strchr(keep, c);
}

void printable_make(char *text, size_t len, const char *keep)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		unsigned char next = i + 1 < len ? (unsigned char)text[i + 1] : 0;
		if ((c < ' ' || c == 0x7f) && !is_kept(text[i], (char)next, keep))
			text[i] = '?';
		else if (c == C1_LEAD && next >= 0x80 && next <= 0x9f)
			text[i] = text[i + 1] = '?';
	}
}
