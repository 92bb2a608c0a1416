/* SPDX-License-Identifier: Apache-2.0 */
#include "api/uri.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/ident.h"
#include "base/utf8.h"

static bool has_control(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return true;
	return false;
}

/* Decodes @len bytes; NULL where they are malformed. */
static char *decode(const char *text, size_t len, bool in_query)
{
	auto_free char *out = xmalloc(len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '%') {
			char digits[3];

			if (len - i < 3)
				return NULL;
			memcpy(digits, text + i + 1, 2);
			digits[2] = '\0';
			if (!hex_decode(digits, &c, 1))
				return NULL;
			i += 2;
		} else if (c == '+' && in_query) {
			c = ' ';
		}
		out[n++] = c;
	}
	if (!utf8_valid(out, n) || (!in_query && has_control(out, n)))
		return NULL;
	out[n] = '\0';
	return take_ptr(out);
}

static int parse_path(const char *path, size_t len, struct uri *u, struct error *err)
{
	const char *end = path + len;

	for (const char *at = path; at < end;) {
		const char *start = at + 1; /* behind a '/' */
		const char *slash = memchr(start, '/', (size_t)(end - start));
		const char *stop = slash ? slash : end;
		auto_free char *segment = decode(start, (size_t)(stop - start), false);

		if (!segment || u->segments.count == URI_SEGMENTS_MAX)
			return error_say(err, EINVAL, "malformed path in the request's target");
		strv_add_take(&u->segments, take_ptr(segment));
		at = stop;
	}
	return 0;
}

static int parse_pair(const char *pair, size_t len, struct uri *u, struct error *err)
{
	const char *equals = memchr(pair, '=', len);
	size_t name_len = equals ? (size_t)(equals - pair) : len;
	auto_free char *name = decode(pair, name_len, true);
	auto_free char *value = equals ? decode(equals + 1, len - name_len - 1, true) : xstrdup("");

	if (!name || !value || u->names.count == URI_PAIRS_MAX)
		return error_say(err, EINVAL, "malformed query in the request's target");
	strv_add_take(&u->names, take_ptr(name));
	strv_add_take(&u->values, take_ptr(value));
	return 0;
}

static int parse_query(const char *query, struct uri *u, struct error *err)
{
	for (const char *at = query; *at;) {
		size_t len = strcspn(at, "&");

		if (len > 0 && parse_pair(at, len, u, err) < 0)
			return -EINVAL;
		at += len;
		if (*at == '&')
			at++;
	}
	return 0;
}

/* Takes "v1.N" off the front of the segments. */
static void take_version(struct uri *u)
{
	const char *first = u->segments.count ? u->segments.items[0] : "";
	char *end;

	if (strncmp(first, "v1.", 3) != 0 || first[3] < '0' || first[3] > '9')
		return;
	errno = 0;
	long minor = strtol(first + 3, &end, 10);
	if (*end != '\0' || errno || minor > 9999)
		return;
	u->api_minor = (int)minor;
	strv_remove(&u->segments, 0);
}

int uri_parse(const char *target, struct uri *ret, struct error *err)
{
	*ret = (struct uri){ .api_minor = -1 };
	if (target[0] != '/')
		return error_say(err, EINVAL, "the request's target does not start with '/'");
	if (strlen(target) > URI_TARGET_MAX)
		return error_say(err, EINVAL, "the request's target is longer than %d bytes",
				 URI_TARGET_MAX);

	size_t path_len = strcspn(target, "?");
	if (parse_path(target, path_len, ret, err) < 0)
		return -EINVAL;
	if (target[path_len] == '?' && parse_query(target + path_len + 1, ret, err) < 0)
		return -EINVAL;
	take_version(ret);
	return 0;
}

void uri_done(struct uri *u)
{
	strv_done(&u->segments);
	strv_done(&u->names);
	strv_done(&u->values);
}

const char *uri_query_next(const struct uri *u, const char *name, size_t *position)
{
	while (*position < u->names.count) {
		size_t at = (*position)++;

		if (strcmp(u->names.items[at], name) == 0)
			return u->values.items[at];
	}
	return NULL;
}

const char *uri_query(const struct uri *u, const char *name)
{
	size_t position = 0;

	return uri_query_next(u, name, &position);
}

bool uri_query_bool(const struct uri *u, const char *name, bool fallback)
{
	static const char *const no[] = { "", "0", "no", "false", "none" };
	const char *value = uri_query(u, name);

	if (!value)
		return fallback;
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		if (strcasecmp(value, no[i]) == 0)
			return false;
	return true;
}

int uri_query_int(const struct uri *u, const char *name, int64_t *ret, struct error *err)
{
	const char *value = uri_query(u, name);
	char *end;

	if (!value || !*value)
		return 0;
	errno = 0;
	long long number = strtoll(value, &end, 10);
	if (errno || *end != '\0' || value[0] == ' ' || value[0] == '+')
		return error_say(err, EINVAL, "query parameter '%s' is no whole number", name);
	*ret = number;
	return 0;
}
