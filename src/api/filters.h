/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strv.h"

/**
 * DOC: Filters of lists
 *
 * The query parameter "filters" is a JSON object: {"label":["a=b"],"status":["running"]}, or in the
 * form of old clients {"label":{"a=b":true}}. Values of one name are alternatives, except labels,
 * which must all hold; different names must all hold.
 */
struct filter {
	char *name;
	struct strv values;
};

struct filters {
	struct filter *items;
	size_t count;
};

/**
 * filters_parse() - read the query parameter
 * @text:    its value; NULL and "" give no filters
 * @allowed: names that may be used, ended by NULL
 * @ret:     initialised by this; released by filters_done(), also after a failure
 *
 * Return: 0 or -EINVAL, with Docker's "invalid filter 'NAME'".
 */
must_check int filters_parse(const char *text, const char *const allowed[], struct filters *ret,
			     struct error *err);
void filters_done(struct filters *f);
#define auto_filters auto_(filters_done) struct filters

/* The values of a name; NULL where there is no such filter. */
const struct strv *filters_get(const struct filters *f, const char *name);

/* True where there is no filter @name, or one of its values is @value. */
bool filters_match(const struct filters *f, const char *name, const char *value);

/* True where each value of filter @name, "key" or "key=value", holds for @labels ("key=value"). */
bool filters_match_labels(const struct filters *f, const char *name, const struct strv *labels);

/**
 * filters_bool() - a filter with one boolean value, such as dangling=true
 * @ret: untouched where there is no such filter
 *
 * Return: 0 or -EINVAL.
 */
must_check int filters_bool(const struct filters *f, const char *name, bool *ret,
			    struct error *err);

/* True where @pattern, a regular expression as Docker's filters have them, matches in @text. */
bool pattern_matches(const char *pattern, const char *text);

/* True where @pattern, of the shell's kind, is the whole of @text; no '*' or '?' crosses a '/'. */
bool glob_matches(const char *pattern, const char *text);
