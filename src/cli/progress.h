/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/json.h"
#include "cli/client/http.h"

/**
 * DOC: Progress of pull, push, load and import
 *
 * The engine streams one JSON object a line. On a terminal each layer has a line of its own that is
 * drawn again as it goes on; elsewhere only what ends a step is printed, one line each.
 */

struct progress {
	int fd;     /* where to print: standard output or error; -1 = nowhere */
	bool plain; /* no redrawing, although it is a terminal */
	/* called for each object's "aux"; NULL = ignored */
	void (*aux)(struct json_object *aux, void *arg);
	void *arg;
};

/**
 * progress_show() - read a response to its end and show it
 *
 * Return: 0, or a negative errno: -EIO for a failure that the engine told in the stream.
 */
must_check int progress_show(const struct progress *p, struct http *http, struct error *err);

/* "[=====>    ]  12.3MB/45.6MB" for a terminal of @width columns; "" where nothing is known. */
void progress_bar(int64_t current, int64_t total, int width, char *ret, size_t room);
