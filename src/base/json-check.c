/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json-check.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/strbuf.h"
#include "base/utf8.h"

struct walk {
	const char *at;
	const char *end;
	int depth;
	int depth_max;
	struct map **keys; /* for each open object the keys seen; NULL for an array */
	struct error *err;
};

static int hex4(const char *at, const char *end)
{
	int value = 0;

	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = at[i];
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
			    : c >= 'A' && c <= 'F' ? c - 'A' + 10
						   : -1;
		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* Surrogates are kept as three bytes each: enough to compare keys with one another. */
static void add_code(struct strbuf *out, int code)
{
	if (code < 0x80) {
		strbuf_addc(out, (char)code);
	} else if (code < 0x800) {
		strbuf_addc(out, (char)(0xc0 | code >> 6));
		strbuf_addc(out, (char)(0x80 | (code & 0x3f)));
	} else {
		strbuf_addc(out, (char)(0xe0 | code >> 12));
		strbuf_addc(out, (char)(0x80 | (code >> 6 & 0x3f)));
		strbuf_addc(out, (char)(0x80 | (code & 0x3f)));
	}
}

/* A pair of surrogates is one character, which a document may also write as itself. */
static void add_pair(struct strbuf *out, int high, int low)
{
	int code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);

	strbuf_addc(out, (char)(0xf0 | code >> 18));
	strbuf_addc(out, (char)(0x80 | (code >> 12 & 0x3f)));
	strbuf_addc(out, (char)(0x80 | (code >> 6 & 0x3f)));
	strbuf_addc(out, (char)(0x80 | (code & 0x3f)));
}

/* At the digits behind "\u". */
static int unescape_code(struct walk *w, struct strbuf *out)
{
	int code = hex4(w->at, w->end);
	if (code < 0)
		return error_say(w->err, EBADMSG, "bad \\u escape");
	if (code == 0)
		return error_say(w->err, EBADMSG, "a string holds a zero byte");
	w->at += 4;

	bool high = code >= 0xd800 && code < 0xdc00;
	if (high && w->end - w->at >= 6 && w->at[0] == '\\' && w->at[1] == 'u') {
		int low = hex4(w->at + 2, w->end);
		if (low >= 0xdc00 && low < 0xe000) {
			w->at += 6;
			add_pair(out, code, low);
			return 0;
		}
	}
	add_code(out, code);
	return 0;
}

/* From behind the opening quote to behind the closing one; the unescaped text goes to @out. */
static int walk_string(struct walk *w, struct strbuf *out)
{
	static const char plain[] = "\"\\/bfnrt";
	static const char meant[] = "\"\\/\b\f\n\r\t";

	while (w->at < w->end) {
		char c = *w->at++;
		if (c == '"')
			return 0;
		if (c != '\\') {
			strbuf_addc(out, c);
			continue;
		}
		if (w->at == w->end)
			break;
		c = *w->at++;
		const char *known = c ? strchr(plain, c) : NULL;
		if (known) {
			strbuf_addc(out, meant[known - plain]);
		} else if (c == 'u') {
			int r = unescape_code(w, out);
			if (r < 0)
				return r;
		} else {
			return error_say(w->err, EBADMSG, "bad escape in a string");
		}
	}
	return error_say(w->err, EBADMSG, "a string has no end");
}

static bool key_follows(const struct walk *w)
{
	const char *at = w->at;

	while (at < w->end && strchr(" \t\r\n", *at) && *at)
		at++;
	return at < w->end && *at == ':';
}

static int see_string(struct walk *w)
{
	auto_strbuf text = STRBUF_INIT((size_t)(w->end - w->at) + 1);
	int r = walk_string(w, &text);
	if (r < 0)
		return r;
	if (w->depth == 0 || !w->keys[w->depth - 1] || !key_follows(w))
		return 0;

	struct map *keys = w->keys[w->depth - 1];
	if (map_get(keys, strbuf_text(&text)))
		return error_say(w->err, EBADMSG, "key '%.64s' stands twice in one object",
				 strbuf_text(&text));
	map_set(keys, strbuf_text(&text), w);
	return 0;
}

static int open_level(struct walk *w, bool object)
{
	if (w->depth == w->depth_max)
		return error_say(w->err, EBADMSG, "nested deeper than %d", w->depth_max);
	w->keys[w->depth++] = object ? map_new(NULL) : NULL;
	return 0;
}

static void close_level(struct walk *w)
{
	if (w->depth == 0)
		return;
	w->depth--;
	map_free(w->keys[w->depth]);
}

static int walk_all(struct walk *w)
{
	while (w->at < w->end) {
		char c = *w->at++;
		int r = 0;
		if (c == '"')
			r = see_string(w);
		else if (c == '{' || c == '[')
			r = open_level(w, c == '{');
		else if (c == '}' || c == ']')
			close_level(w);
		else if (!c || !strchr(" \t\r\n,:0123456789+-.eEtrufalsn", c))
			r = error_say(w->err, EBADMSG, "byte 0x%02x stands outside of a string",
				      (unsigned char)c);
		if (r < 0)
			return r;
	}
	return 0;
}

int json_check(const char *text, size_t len, int depth_max, struct error *err)
{
	if (!utf8_valid(text, len))
		return error_say(err, EBADMSG, "the text is not valid UTF-8");

	struct walk w = {
		.at = text,
		.end = text + len,
		.depth_max = depth_max,
		.keys = xcalloc((size_t)depth_max, sizeof(struct map *)),
		.err = err,
	};
	int r = walk_all(&w);

	while (w.depth > 0)
		close_level(&w);
	free(w.keys);
	return r;
}
