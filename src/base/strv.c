/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

void strv_done(struct strv *v)
{
	for (size_t i = 0; i < v->count; i++)
		free(v->items[i]);
	free(v->items);
	*v = (struct strv){};
}

void strv_add_take(struct strv *v, char *s)
{
	if (v->count == v->size) {
		v->size = v->size ? v->size * 2 : 8;
		v->items = xreallocarray(v->items, v->size + 1, sizeof(char *));
	}
	v->items[v->count++] = s;
	v->items[v->count] = NULL;
}

void strv_add(struct strv *v, const char *s)
{
	strv_add_take(v, xstrdup(s));
}

void strv_addf(struct strv *v, const char *fmt, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, fmt);
	int n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0)
		abort();
	strv_add_take(v, text);
}

void strv_add_all(struct strv *v, const struct strv *more)
{
	for (size_t i = 0; i < more->count; i++)
		strv_add(v, more->items[i]);
}

void strv_copy(struct strv *v, const struct strv *from)
{
	struct strv copy = {};

	strv_add_all(&copy, from);
	strv_done(v);
	*v = copy;
}

void strv_remove(struct strv *v, size_t at)
{
	if (at >= v->count)
		return;
	free(v->items[at]);
	memmove(v->items + at, v->items + at + 1, (v->count - at) * sizeof(char *));
	v->count--;
}

bool strv_contains(const struct strv *v, const char *s)
{
	for (size_t i = 0; i < v->count; i++)
		if (strcmp(v->items[i], s) == 0)
			return true;
	return false;
}

void strv_split(struct strv *v, const char *text, char sep)
{
	if (!*text)
		return;
	for (;;) {
		const char *end = strchrnul(text, sep);
		strv_add_take(v, xstrndup(text, (size_t)(end - text)));
		if (!*end)
			return;
		text = end + 1;
	}
}

static bool names_same(const char *assignment, const char *name, size_t len)
{
	return strncmp(assignment, name, len) == 0 &&
	       (assignment[len] == '=' || assignment[len] == '\0');
}

void env_set(struct strv *v, const char *assignment)
{
	size_t len = (size_t)(strchrnul(assignment, '=') - assignment);

	for (size_t i = 0; i < v->count; i++) {
		if (names_same(v->items[i], assignment, len)) {
			char *copy = xstrdup(assignment);
			free(v->items[i]);
			v->items[i] = copy;
			return;
		}
	}
	strv_add(v, assignment);
}

const char *env_get(const struct strv *v, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < v->count; i++)
		if (strncmp(v->items[i], name, len) == 0 && v->items[i][len] == '=')
			return v->items[i] + len + 1;
	return NULL;
}

void env_unset(struct strv *v, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = v->count; i-- > 0;)
		if (names_same(v->items[i], name, len))
			strv_remove(v, i);
}
