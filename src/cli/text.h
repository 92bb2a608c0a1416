/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

/**
 * DOC: Texts in lists
 */

#define TEXT_FORMAT_HELP                                                                     \
	"How to print: 'table' (columns under heads), 'table TEMPLATE', 'json' (one object " \
	"a line), or a Go TEMPLATE for each"

/* At most @max characters: the last one is "…" where something was cut. The caller's. */
char *text_ellipsis(const char *text, size_t max);

/* In double quotes, with Go's escapes. The caller's. */
char *text_quote(const char *text);

/* The twelve digits of an image id that people see, or the whole of it. The caller's. */
char *text_image_id(const char *id, bool whole);

/* True for what a terminal gets. */
bool text_is_terminal(int fd);
