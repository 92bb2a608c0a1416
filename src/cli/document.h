/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <json-c/linkhash.h>

#include "base/json.h"

/**
 * DOC: Reading the engine's answers leniently
 *
 * For what is only shown: a value that is missing or of another type is shown as nothing. @path
 * names members with dots between them, "State.Status"; NULL or "" means the value itself.
 */

/* Borrowed; NULL where there is none. */
struct json_object *document_at(struct json_object *o, const char *path);
/* Never NULL. */
const char *document_text(struct json_object *o, const char *path);
int64_t document_int(struct json_object *o, const char *path);
double document_double(struct json_object *o, const char *path);
bool document_bool(struct json_object *o, const char *path);

/* How many elements an array has, or members an object; 0 for anything else. */
size_t document_count(struct json_object *o, const char *path);
/* The element at @index of an array, borrowed; NULL past its end. */
struct json_object *document_item(struct json_object *o, size_t index);

/* "key=value" of each member, sorted by key, commas between; appended to @ret. */
void document_pairs(struct json_object *o, struct strbuf *ret);

/* A copy of an object with its members sorted by name. */
struct json_object *document_sorted(struct json_object *o);

/* Appends @o with four spaces of indentation, as Docker prints what it inspects. */
void document_pretty(struct json_object *o, int indent, struct strbuf *ret);

/* Building requests: what is empty, zero or false is left out, which means the same to the engine
 * and keeps a request short. */
void document_add_text(struct json_object *o, const char *key, const char *text);
void document_add_int(struct json_object *o, const char *key, int64_t value);
void document_add_flag(struct json_object *o, const char *key, bool value);
void document_add_list(struct json_object *o, const char *key, const struct strv *list);
/* "a=b" becomes the member "a" with the text "b"; "a" alone gets the empty text. */
void document_add_map(struct json_object *o, const char *key, const struct strv *pairs);
/* Consumes @value; left out where it is empty. */
void document_add_part(struct json_object *o, const char *key, struct json_object *value);
