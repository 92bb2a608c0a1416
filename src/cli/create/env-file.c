/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/create/env-file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"

#define FILE_MAX (4U << 20)

int env_add(const char *text, struct strv *ret, struct error *err)
{
	const char *value = strchr(text, '=') ? NULL : getenv(text);

	if (text[0] == '=' || text[0] == '\0')
		return error_say(err, EINVAL, "invalid environment variable: %s", text);
	if (value)
		strv_addf(ret, "%s=%s", text, value);
	else
		strv_add(ret, text);
	return 0;
}

static int take_line(const char *file, int number, const char *line, bool inherit, struct strv *ret,
		     struct error *err)
{
	size_t name_len = strcspn(line, "=");

	if (name_len == 0)
		return error_say(err, EINVAL, "%s: no variable name on line %d: '%s'", file, number,
				 line);
	for (size_t i = 0; i < name_len; i++)
		if (isspace((unsigned char)line[i]))
			return error_say(err, EINVAL,
					 "%s: variable '%.*s' on line %d contains whitespaces",
					 file, (int)name_len, line, number);
	if (line[name_len] == '=' || !inherit)
		strv_add(ret, line);
	else if (getenv(line))
		strv_addf(ret, "%s=%s", line, getenv(line));
	return 0;
}

int env_parse(const char *name, const char *text, size_t len, bool inherit, struct strv *ret,
	      struct error *err)
{
	const char *end = text + len;
	int number = 0;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3;
	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		const char *next = stop ? stop + 1 : end;
		size_t line_len = (size_t)((stop ? stop : end) - text);
		if (line_len > 0 && text[line_len - 1] == '\r')
			line_len--;
		number++;
		if (memchr(text, '\0', line_len))
			return error_say(err, EINVAL, "%s: line %d holds a zero byte", name,
					 number);
		auto_free char *line = xstrndup(text, line_len);
		const char *at = line + strspn(line, " \t\v\f\r");
		int r = *at && *at != '#' ? take_line(name, number, at, inherit, ret, err) : 0;
		if (r < 0)
			return r;
		text = next;
	}
	return 0;
}

int env_read(const char *path, bool inherit, struct strv *ret, struct error *err)
{
	auto_strbuf text = STRBUF_INIT(FILE_MAX);

	int r = read_file_at(AT_FDCWD, path, FILE_MAX, &text, err);
	if (r < 0)
		return r;
	return env_parse(path, strbuf_text(&text), text.len, inherit, ret, err);
}
