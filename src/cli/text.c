/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/text.h"

#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/strbuf.h"

char *text_ellipsis(const char *text, size_t max)
{
	size_t count = 0;
	const char *cut = text;

	for (const char *c = text; *c; c++) {
		if (((unsigned char)*c & 0xc0) == 0x80)
			continue;
		count++;
		if (count == max)
			cut = c;
	}
	if (count <= max)
		return xstrdup(text);
	return xasprintf("%.*s\u2026", (int)(cut - text), text);
}

char *text_quote(const char *text)
{
	static const char plain[] = "\"\\\n\t\r";
	static const char names[] = "\"\\ntr";
	struct strbuf out = STRBUF_INIT(1U << 20);

	strbuf_addc(&out, '"');
	for (; *text; text++) {
		const char *known = strchr(plain, *text);
		if (known)
			strbuf_addf(&out, "\\%c", names[known - plain]);
		else if ((unsigned char)*text < ' ' || *text == 0x7f)
			strbuf_addf(&out, "\\x%02x", (unsigned char)*text);
		else
			strbuf_addc(&out, *text);
	}
	strbuf_addc(&out, '"');
	return strbuf_take(&out);
}

char *text_image_id(const char *id, bool whole)
{
	if (whole)
		return xstrdup(id);
	return xstrndup(strncmp(id, "sha256:", 7) == 0 ? id + 7 : id, 12);
}

bool text_is_terminal(int fd)
{
	return isatty(fd) == 1;
}
