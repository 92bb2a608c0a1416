/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include <string.h>

#define COLUMNS_MAX 64

static int characters(const char *text, size_t len)
{
	int count = 0;

	for (size_t i = 0; i < len; i++)
		count += ((unsigned char)text[i] & 0xc0) != 0x80;
	return count;
}

void table_format(const struct strv *lines, int width_min, struct strbuf *ret)
{
	int widths[COLUMNS_MAX] = {};

	for (size_t i = 0; i < lines->count; i++) {
		const char *at = lines->items[i];
		const char *tab;
		for (size_t c = 0; c < COLUMNS_MAX && (tab = strchr(at, '\t')); c++) {
			int width = characters(at, (size_t)(tab - at)) + TABLE_GAP;
			if (width < width_min)
				width = width_min;
			if (width > widths[c])
				widths[c] = width;
			at = tab + 1;
		}
	}
	for (size_t i = 0; i < lines->count; i++) {
		const char *at = lines->items[i];
		const char *tab;
		for (size_t c = 0; c < COLUMNS_MAX && (tab = strchr(at, '\t')); c++) {
			strbuf_add(ret, at, (size_t)(tab - at));
			strbuf_addf(ret, "%*s", widths[c] - characters(at, (size_t)(tab - at)), "");
			at = tab + 1;
		}
		strbuf_adds(ret, at);
		strbuf_addc(ret, '\n');
	}
}
