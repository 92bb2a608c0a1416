/* SPDX-License-Identifier: Apache-2.0 */
#include "api/filters.h"

#include <errno.h>
#include <fnmatch.h>
#include <json-c/linkhash.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"

#define FILTERS_MAX (64 * 1024)
/* Compiling a long or counted expression can cost any amount of memory. */
#define PATTERN_MAX 256
#define PLUS_MAX 8

void filters_done(struct filters *f)
{
	for (size_t i = 0; i < f->count; i++) {
		free(f->items[i].name);
		strv_done(&f->items[i].values);
	}
	free(f->items);
	*f = (struct filters){ 0 };
}

static int add_values(struct json_object *values, struct filter *to, struct error *err)
{
	if (json_object_is_type(values, json_type_object)) {
		json_object_object_foreach(values, value, used)
		{
			if (json_object_get_boolean(used))
				strv_add(&to->values, value);
		}
		return 0;
	}
	if (!json_object_is_type(values, json_type_array))
		return error_say(err, EINVAL, "invalid filter: values of '%s' are no list",
				 to->name);
	for (size_t i = 0; i < json_object_array_length(values); i++) {
		struct json_object *value = json_object_array_get_idx(values, i);

		if (!json_object_is_type(value, json_type_string))
			return error_say(err, EINVAL,
					 "invalid filter: a value of '%s' is no string", to->name);
		strv_add(&to->values, json_object_get_string(value));
	}
	return 0;
}

static bool is_allowed(const char *name, const char *const allowed[])
{
	for (size_t i = 0; allowed[i]; i++)
		if (strcmp(name, allowed[i]) == 0)
			return true;
	return false;
}

int filters_parse(const char *text, const char *const allowed[], struct filters *ret,
		  struct error *err)
{
	auto_json *o = NULL;

	*ret = (struct filters){ 0 };
	if (!text || !*text)
		return 0;
	if (json_parse(text, strlen(text), FILTERS_MAX, "filters", &o, err) < 0)
		return err ? (err->code = -EINVAL) : -EINVAL;
	if (!json_object_is_type(o, json_type_object))
		return error_say(err, EINVAL, "invalid filters: no object");

	ret->items = xcalloc((size_t)json_object_object_length(o) + 1, sizeof(*ret->items));
	json_object_object_foreach(o, name, values)
	{
		if (!is_allowed(name, allowed))
			return error_say(err, EINVAL, "invalid filter '%s'", name);
		struct filter *f = &ret->items[ret->count++];
		f->name = xstrdup(name);
		if (add_values(values, f, err) < 0)
			return -EINVAL;
	}
	return 0;
}

const struct strv *filters_get(const struct filters *f, const char *name)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->items[i].values.count > 0 && strcmp(f->items[i].name, name) == 0)
			return &f->items[i].values;
	return NULL;
}

bool filters_match(const struct filters *f, const char *name, const char *value)
{
	const struct strv *values = filters_get(f, name);

	return !values || strv_contains(values, value);
}

static bool has_label(const struct strv *labels, const char *wanted)
{
	size_t len = strlen(wanted);

	if (strchr(wanted, '='))
		return strv_contains(labels, wanted);
	for (size_t i = 0; i < labels->count; i++)
		if (strncmp(labels->items[i], wanted, len) == 0 && labels->items[i][len] == '=')
			return true;
	return false;
}

bool filters_match_labels(const struct filters *f, const char *name, const struct strv *labels)
{
	const struct strv *values = filters_get(f, name);

	for (size_t i = 0; values && i < values->count; i++)
		if (!has_label(labels, values->items[i]))
			return false;
	return true;
}

int filters_bool(const struct filters *f, const char *name, bool *ret, struct error *err)
{
	const struct strv *values = filters_get(f, name);
	const char *value = values ? values->items[0] : NULL;

	if (!value)
		return 0;
	if (values->count == 1 && (strcmp(value, "1") == 0 || strcmp(value, "true") == 0))
		*ret = true;
	else if (values->count == 1 && (strcmp(value, "0") == 0 || strcmp(value, "false") == 0))
		*ret = false;
	else
		return error_say(err, EINVAL, "invalid filter '%s=%s'", name, value);
	return 0;
}

/*
 * What the C library would take time or memory without end for: counted repetitions, plus signs
 * (each copies what it repeats, also what copies already lie in), and references to groups.
 */
static bool is_costly(const char *pattern)
{
	unsigned int plus = 0;

	for (const char *c = pattern; *c; c++) {
		plus += *c == '+';
		if (*c == '{' || (c[0] == '\\' && c[1] >= '1' && c[1] <= '9'))
			return true;
	}
	return plus > PLUS_MAX || strlen(pattern) > PATTERN_MAX;
}

bool pattern_matches(const char *pattern, const char *text)
{
	regex_t compiled;

	if (!pattern[strcspn(pattern, "\\^$.|?*+()[]{}")])
		return strstr(text, pattern);
	if (is_costly(pattern) || regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	bool matches = regexec(&compiled, text, 0, NULL, 0) == 0;
	regfree(&compiled);
	return matches;
}

bool glob_matches(const char *pattern, const char *text)
{
	return strlen(pattern) <= PATTERN_MAX && fnmatch(pattern, text, FNM_PATHNAME) == 0;
}
