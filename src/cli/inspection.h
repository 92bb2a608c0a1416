/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/json.h"

/**
 * DOC: What inspect prints
 *
 * Without --format one list of all documents, indented as Docker does; with "json" the same on one
 * line; else the template applied to each, one line each.
 */

struct inspection;

must_check int inspection_new(const char *format, struct inspection **ret, struct error *err);
void inspection_free(struct inspection *i);
DEFINE_AUTO(struct inspection, inspection_free);
#define auto_inspection auto_(inspection_freep) struct inspection

/* Adds a document; consumed. */
must_check int inspection_add(struct inspection *i, struct json_object *document,
			      struct error *err);
void inspection_print(struct inspection *i);

/**
 * inspection_print_one() - what info and version do with --format
 * @format: "json" or a template
 */
must_check int inspection_print_one(const char *format, struct json_object *document,
				    struct error *err);
