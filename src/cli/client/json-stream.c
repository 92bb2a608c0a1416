/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client/json-stream.h"

#include <errno.h>
#include <string.h>

static int take_line(const struct json_stream *s, const char *line, size_t len, struct error *err)
{
	auto_json *object = NULL;

	while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == ' '))
		len--;
	if (len == 0)
		return 0;
	int r = json_parse(line, len, JSON_STREAM_LINE_MAX, "the engine's stream", &object, err);
	return r < 0 ? r : s->take(object, s->arg, err);
}

/* Takes the whole lines off @pending. */
static int take_lines(const struct json_stream *s, struct strbuf *pending, struct error *err)
{
	const char *end;
	size_t used = 0;
	int r = 0;

	while (r == 0 && pending->len > used &&
	       (end = memchr(pending->data + used, '\n', pending->len - used))) {
		r = take_line(s, pending->data + used, (size_t)(end - pending->data) - used, err);
		used = (size_t)(end - pending->data) + 1;
	}
	strbuf_consume(pending, used);
	return r;
}

int json_stream_read(const struct json_stream *s, struct http *http, struct error *err)
{
	auto_strbuf pending = STRBUF_INIT(JSON_STREAM_LINE_MAX);

	for (;;) {
		char chunk[16384];
		ssize_t n = http_read(http, chunk, sizeof(chunk), err);
		if (n < 0)
			return (int)n;
		if (n == 0)
			return take_line(s, strbuf_text(&pending), pending.len, err);
		strbuf_add(&pending, chunk, (size_t)n);
		if (pending.overflow)
			return error_say(err, EFBIG, "the engine sent a line that is too long");
		int r = take_lines(s, &pending, err);
		if (r != 0)
			return r;
		if (s->pause)
			s->pause(s->arg);
	}
}
