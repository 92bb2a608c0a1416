/* SPDX-License-Identifier: Apache-2.0 */
#include "api/router.h"

#include <assert.h>
#include <string.h>

#include "base/strbuf.h"

static const char *const method_names[] = { "GET", "HEAD", "POST", "PUT", "DELETE" };
static_assert(ARRAY_SIZE(method_names) == HTTP_METHOD_COUNT, "each method has its name");

bool http_method_parse(const char *name, enum http_method *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(method_names); i++) {
		if (strcmp(name, method_names[i]) == 0) {
			*ret = (enum http_method)i;
			return true;
		}
	}
	return false;
}

void route_params_done(struct route_params *p)
{
	for (size_t i = 0; i < p->count; i++)
		free(p->items[i].value);
	p->count = 0;
}

const char *route_param(const struct route_params *p, const char *name)
{
	for (size_t i = 0; i < p->count; i++)
		if (strlen(name) == p->items[i].name_len &&
		    strncmp(name, p->items[i].name, p->items[i].name_len) == 0)
			return p->items[i].value;
	return NULL;
}

static size_t pattern_segments(const char *pattern)
{
	size_t n = 0;

	for (; *pattern; pattern++)
		n += *pattern == '/';
	return n;
}

static char *join(const struct strv *path, size_t from, size_t count)
{
	auto_strbuf text = STRBUF_INIT(URI_TARGET_MAX);

	for (size_t i = 0; i < count; i++)
		strbuf_addf(&text, "%s%s", i ? "/" : "", path->items[from + i]);
	return strbuf_take(&text);
}

/* Matches one pattern; the parameters are filled as far as the match got. */
static bool match(const char *pattern, const struct strv *path, struct route_params *params)
{
	size_t literal = pattern_segments(pattern);
	size_t at = 0;

	if (path->count < literal)
		return false;
	while (*pattern == '/') {
		const char *part = pattern + 1;
		size_t len = strcspn(part, "/");
		size_t taken = 1;

		if (at == path->count)
			return false;
		if (part[0] == '{') {
			bool many = part[len - 2] == '*';

			if (many)
				taken = path->count - (literal - 1);
			if (path->items[at][0] == '\0' || params->count == ROUTE_PARAMS_MAX)
				return false;
			params->items[params->count].name = part + 1;
			params->items[params->count].name_len = len - (many ? 3 : 2);
			params->items[params->count++].value = join(path, at, taken);
		} else if (strlen(path->items[at]) != len ||
			   strncmp(path->items[at], part, len) != 0) {
			return false;
		}
		at += taken;
		pattern = part + len;
	}
	return at == path->count;
}

enum route_result route_find(const struct http_route *routes, size_t count, enum http_method method,
			     const struct strv *path, const struct http_route **ret,
			     struct route_params *params)
{
	bool other_method = false;

	*params = (struct route_params){ 0 };
	for (size_t i = 0; i < count; i++) {
		const struct http_route *r = &routes[i];
		bool fits = r->method == method || (method == HTTP_HEAD && r->method == HTTP_GET);

		if (match(r->pattern, path, params)) {
			if (fits) {
				*ret = r;
				return ROUTE_FOUND;
			}
			other_method = true;
		}
		route_params_done(params);
	}
	return other_method ? ROUTE_WRONG_METHOD : ROUTE_NOT_FOUND;
}
