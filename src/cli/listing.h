/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/json.h"

/**
 * DOC: Lists and their --format
 *
 * A list is rows of named texts. Without --format (or with "table") it is printed as columns under
 * heads, by the verb's own template; "table TEMPLATE" does so with the user's; "json" prints each
 * row as an object on a line; any other text is a template applied to each row. In a template \t
 * and \n may be written as such.
 */

struct listing;

struct listing_column {
	const char *field; /* NULL ends the list */
	const char *head;
};

struct listing_kind {
	const struct listing_column *columns;
	const char *table; /* "{{.ID}}\t{{.Image}}" */
	const char *quiet; /* "{{.ID}}" */
};

/**
 * listing_new() - begin a list
 * @kind:   borrowed
 * @format: --format as given, or NULL
 * @quiet:  -q; a template of the user's own counts more
 */
must_check int listing_new(const struct listing_kind *kind, const char *format, bool quiet,
			   struct listing **ret, struct error *err);
void listing_free(struct listing *l);
DEFINE_AUTO(struct listing, listing_free);
#define auto_listing auto_(listing_freep) struct listing

/* True where the template reads fields by their names alone, and never the whole row. */
bool listing_names_fields(const struct listing *l);

/* True where the template reads @field, so that costly ones are made on demand only. */
bool listing_uses(const struct listing *l, const char *field);

/**
 * listing_add() - add a row
 * @row:     object of texts; consumed
 * @methods: maps for ".Label NAME", or NULL; consumed
 */
must_check int listing_add(struct listing *l, struct json_object *row, struct json_object *methods,
			   struct error *err);

/* Prints everything to standard output. */
void listing_print(struct listing *l);

/* As listing_print(), but into @ret. */
void listing_text(struct listing *l, struct strbuf *ret);
