/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/strv.h"

/**
 * DOC: Texts as Docker's API writes them
 */

/* RFC 3339 with as many digits of a fraction as are needed; "0001-01-01T00:00:00Z" for 0. */
#define TIME_TEXT 40
const char *time_text(int64_t realtime_ns, char ret[TIME_TEXT]);

/**
 * time_parse() - an instant of a query: seconds with optional fraction, RFC 3339, or a span before
 *                now as "1h30m"
 * @name: of the query parameter, for errors
 * @text: NULL and "" leave @ret untouched
 *
 * Return: 0 or -EINVAL.
 */
must_check int time_parse(const char *name, const char *text, int64_t *ret_ns, struct error *err);

/* "Less than a second", "5 minutes", "About an hour", "3 days", ...: rounded as Docker does. */
#define DURATION_TEXT 32
const char *duration_text(int64_t duration_ns, char ret[DURATION_TEXT]);

/* A program and its arguments on one line, arguments with a space in quotes; malloc'ed. */
char *command_text(const char *path, const struct strv *args);

/* "12.3MB", decimal units, four significant digits. */
#define SIZE_TEXT 32
const char *size_text(uint64_t bytes, char ret[SIZE_TEXT]);
