/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strbuf.h"
#include "base/strv.h"

/**
 * DOC: JSON
 *
 * The one place where json-c is called to parse. json_parse() is strict (RFC 8259, UTF-8 checked,
 * nothing behind the value), caps size and depth, and refuses an object that names a key twice: two
 * readers must never see two different documents.
 *
 * The getters check types. `json_get_*(object, key, ..., err)` treats a missing key and a JSON null
 * alike: it leaves *ret untouched and returns 0; a wrong type is -EBADMSG. A value is borrowed from
 * its document. Objects are built with json-c's own json_object_new_* and json_object_object_add,
 * or the json_add_* short forms here.
 */

#define JSON_DEPTH_MAX 64

static inline void json_put_p(struct json_object **p)
{
	if (*p)
		(void)json_object_put(*p);
}

#define auto_json auto_(json_put_p) struct json_object

/**
 * json_parse() - parse one document
 * @text: bytes, need not be terminated
 * @len:  how many
 * @cap:  most bytes accepted
 * @what: names the document in errors, such as "manifest"
 * @ret:  receives the document; released by json_object_put() or auto_json
 *
 * Return: 0; -EFBIG past @cap; -EBADMSG where it is not JSON, too deep, or has a key twice.
 */
must_check int json_parse(const char *text, size_t len, size_t cap, const char *what,
			  struct json_object **ret, struct error *err);

/* Compact text without escaped slashes, appended to @ret. */
void json_print(struct json_object *o, struct strbuf *ret);
/* The same as a malloc'ed string. */
char *json_text(struct json_object *o);

must_check int json_get_string(struct json_object *o, const char *key, const char **ret,
			       struct error *err);
must_check int json_get_bool(struct json_object *o, const char *key, bool *ret, struct error *err);
must_check int json_get_int(struct json_object *o, const char *key, int64_t *ret,
			    struct error *err);
/* Non-negative numbers up to 2^64-1. */
must_check int json_get_uint(struct json_object *o, const char *key, uint64_t *ret,
			     struct error *err);
must_check int json_get_object(struct json_object *o, const char *key, struct json_object **ret,
			       struct error *err);
must_check int json_get_array(struct json_object *o, const char *key, struct json_object **ret,
			      struct error *err);
/* Replaces @ret by the strings of an array; any other element is -EBADMSG. */
must_check int json_get_strings(struct json_object *o, const char *key, struct strv *ret,
				struct error *err);

void json_add_string(struct json_object *o, const char *key,
		     const char *value); /* NULL adds null */
void json_add_bool(struct json_object *o, const char *key, bool value);
void json_add_int(struct json_object *o, const char *key, int64_t value);
void json_add_uint(struct json_object *o, const char *key, uint64_t value);
void json_add_strings(struct json_object *o, const char *key, const struct strv *value);
/* Takes @value over; NULL adds null. Gives @value back, for chained building. */
struct json_object *json_add(struct json_object *o, const char *key, struct json_object *value);
