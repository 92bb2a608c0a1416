/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strv.h"

/**
 * DOC: Targets of requests
 *
 * A request's target ("/v1.47/images/a%2Fb/json?size=1") is taken apart once, from the bytes that
 * the client sent: path segments and query pairs are split first and percent-decoded afterwards, so
 * that an encoded '/' or '&' never changes where a part ends. What decodes to a zero byte, or to
 * something that is not UTF-8, is refused; so is a control character in the path.
 *
 * Query values follow Docker's habits: the first pair of a name counts, a boolean is false for "",
 * "0", "no", "false" and "none" in any case, true for everything else.
 */

/* Longest target, most segments and most query pairs that are accepted. */
#define URI_TARGET_MAX 16384
#define URI_SEGMENTS_MAX 64
#define URI_PAIRS_MAX 256

struct uri {
	struct strv segments; /* decoded, without the version */
	int api_minor;        /* N of a leading "/v1.N", else -1 */
	struct strv names;    /* of the query's pairs, decoded */
	struct strv values;   /* same count */
};

/**
 * uri_parse() - take a target apart
 * @target: as received, starting with '/'
 * @ret:    initialised by this; released by uri_done(), also after a failure
 *
 * Return: 0, or -EINVAL.
 */
must_check int uri_parse(const char *target, struct uri *ret, struct error *err);
void uri_done(struct uri *u);
#define auto_uri auto_(uri_done) struct uri

/* The value of the first pair named @name, or NULL. */
const char *uri_query(const struct uri *u, const char *name);

/* The value of the pair named @name at or after *@position, which moves behind it; NULL at the end.
 */
const char *uri_query_next(const struct uri *u, const char *name, size_t *position);

/* Docker's boolean; @fallback where the name is not there. */
bool uri_query_bool(const struct uri *u, const char *name, bool fallback);

/* A whole number; untouched where the name is not there or empty, -EINVAL where it is none. */
must_check int uri_query_int(const struct uri *u, const char *name, int64_t *ret,
			     struct error *err);
