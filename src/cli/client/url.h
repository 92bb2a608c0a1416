/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/strbuf.h"

/**
 * DOC: Request targets
 *
 * Built piece by piece, so that no value can become a path part or a parameter of its own.
 */

/* Most bytes of one target; filters and references stay far below. */
#define URL_MAX 65536

/* Appends @text with every byte but unreserved ones (and '/', ':' where @path) as %XX. */
void url_escape(struct strbuf *url, const char *text, bool path);

/* Starts @url as BASE/NAME/TAIL, @name escaped as one part; @tail may be NULL. */
void url_start(struct strbuf *url, const char *base, const char *name, const char *tail);

/* Appends "?key=value" or "&key=value"; a NULL value adds nothing. */
void url_query(struct strbuf *url, const char *key, const char *value);
void url_query_int(struct strbuf *url, const char *key, long long value);
/* Adds "key=1" where @value holds. */
void url_query_flag(struct strbuf *url, const char *key, bool value);
