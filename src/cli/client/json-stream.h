/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/json.h"
#include "cli/client/http.h"

/**
 * DOC: Streams of JSON
 *
 * Progress, events and stats come as one object a line over one long answer.
 */

#define JSON_STREAM_LINE_MAX (1U << 20)

/* Takes a borrowed object; a non-zero answer ends the reading and is returned. */
typedef int (*json_stream_fn)(struct json_object *object, void *arg, struct error *err);

struct json_stream {
	json_stream_fn take;
	void (*pause)(void *arg); /* before each wait for more; NULL = none */
	void *arg;
};

/* Reads an answer to its end, or to where @take ends it. */
must_check int json_stream_read(const struct json_stream *s, struct http *http, struct error *err);
