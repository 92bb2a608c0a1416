/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <errno.h>
#include <json-c/json_tokener.h>
#include <json-c/json_util.h>
#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json-check.h"

static void tokener_p(struct json_tokener **tok)
{
	if (*tok)
		json_tokener_free(*tok);
}

static bool text_is_ascii(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] >= 0x80)
			return false;
	return true;
}

/* The character at @at, which is valid UTF-8 of more than one byte. */
static uint32_t decode(const unsigned char **at)
{
	const unsigned char *s = *at;
	int more = s[0] >= 0xf0 ? 3 : s[0] >= 0xe0 ? 2 : 1;
	uint32_t code = s[0] & (0x3fu >> more);

	for (int i = 1; i <= more; i++)
		code = code << 6 | (s[i] & 0x3f);
	*at += more + 1;
	return code;
}

/* Strings are the only place where such characters may stand, so each can be written as an escape. */
static void escape_characters(const char *text, size_t len, struct strbuf *ret)
{
	const unsigned char *end = (const unsigned char *)text + len;

	for (const unsigned char *at = (const unsigned char *)text; at < end;) {
		if (*at < 0x80) {
			strbuf_addc(ret, (char)*at++);
			continue;
		}
		uint32_t code = decode(&at);
		if (code >= 0x10000) {
			code -= 0x10000;
			strbuf_addf(ret, "\\u%04x", 0xd800 + (code >> 10));
			code = 0xdc00 + (code & 0x3ff);
		}
		strbuf_addf(ret, "\\u%04x", code);
	}
}

int json_parse(const char *text, size_t len, size_t cap, const char *what, struct json_object **ret,
	       struct error *err)
{
	if (len > cap || len > INT_MAX / 3)
		return error_say(err, EFBIG, "parse %s: %zu bytes, more than the %zu allowed", what,
				 len, cap);
	if (json_check(text, len, JSON_DEPTH_MAX, err) < 0)
		return error_prefix(err, "parse %s", what);

	/* json-c 0.18, when strict, takes each byte above 0x7f for a control character */
	auto_strbuf plain = STRBUF_INIT(3 * len + 1);
	if (!text_is_ascii(text, len)) {
		escape_characters(text, len, &plain);
		text = plain.data;
		len = plain.len;
	}

	auto_(tokener_p) struct json_tokener *tok = json_tokener_new_ex(JSON_DEPTH_MAX + 1);
	if (!tok)
		abort();
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT);

	struct json_object *o = json_tokener_parse_ex(tok, text, (int)len);
	enum json_tokener_error state = json_tokener_get_error(tok);
	/* a bare number at the very end is complete only once something ends it */
	if (state == json_tokener_continue) {
		o = json_tokener_parse_ex(tok, "", 1);
		state = json_tokener_get_error(tok);
	}
	if (state != json_tokener_success) {
		if (o)
			(void)json_object_put(o);
		return error_say(err, EBADMSG, "parse %s: %s", what,
				 json_tokener_error_desc(state));
	}
	if (!o)
		return error_say(err, EBADMSG, "parse %s: the document is null", what);
	*ret = o;
	return 0;
}

char *json_text(struct json_object *o)
{
	return xstrdup(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
								 JSON_C_TO_STRING_NOSLASHESCAPE));
}

void json_print(struct json_object *o, struct strbuf *ret)
{
	strbuf_adds(ret, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
								   JSON_C_TO_STRING_NOSLASHESCAPE));
}

/* 0 with the value, 1 where there is none, -EBADMSG where its type is another. */
static int find(struct json_object *o, const char *key, enum json_type type,
		struct json_object **ret, struct error *err)
{
	struct json_object *value;

	if (!o || json_object_get_type(o) != json_type_object)
		return error_say(err, EBADMSG, "'%s' is asked of something that is no object", key);
	if (!json_object_object_get_ex(o, key, &value) || !value)
		return 1;
	if (json_object_get_type(value) != type)
		return error_say(err, EBADMSG, "'%s' is of type %s, not %s", key,
				 json_type_to_name(json_object_get_type(value)),
				 json_type_to_name(type));
	*ret = value;
	return 0;
}

int json_get_string(struct json_object *o, const char *key, const char **ret, struct error *err)
{
	struct json_object *value;
	int r = find(o, key, json_type_string, &value, err);
	if (r != 0)
		return r < 0 ? r : 0;
	*ret = json_object_get_string(value);
	return 0;
}

int json_get_bool(struct json_object *o, const char *key, bool *ret, struct error *err)
{
	struct json_object *value;
	int r = find(o, key, json_type_boolean, &value, err);
	if (r != 0)
		return r < 0 ? r : 0;
	*ret = json_object_get_boolean(value);
	return 0;
}

int json_get_int(struct json_object *o, const char *key, int64_t *ret, struct error *err)
{
	struct json_object *value;
	int r = find(o, key, json_type_int, &value, err);
	if (r != 0)
		return r < 0 ? r : 0;
	/* json-c gives INT64_MAX for what is larger: tell that apart by the unsigned view */
	if (json_object_get_int64(value) == INT64_MAX && json_object_get_uint64(value) != INT64_MAX)
		return error_say(err, EBADMSG, "'%s' is out of range", key);
	*ret = json_object_get_int64(value);
	return 0;
}

int json_get_uint(struct json_object *o, const char *key, uint64_t *ret, struct error *err)
{
	struct json_object *value;
	int r = find(o, key, json_type_int, &value, err);
	if (r != 0)
		return r < 0 ? r : 0;
	if (json_object_get_int64(value) < 0)
		return error_say(err, EBADMSG, "'%s' is negative", key);
	*ret = json_object_get_uint64(value);
	return 0;
}

int json_get_object(struct json_object *o, const char *key, struct json_object **ret,
		    struct error *err)
{
	int r = find(o, key, json_type_object, ret, err);

	return r < 0 ? r : 0;
}

int json_get_array(struct json_object *o, const char *key, struct json_object **ret,
		   struct error *err)
{
	int r = find(o, key, json_type_array, ret, err);

	return r < 0 ? r : 0;
}

int json_get_strings(struct json_object *o, const char *key, struct strv *ret, struct error *err)
{
	struct json_object *array = NULL;
	int r = find(o, key, json_type_array, &array, err);
	if (r != 0)
		return r < 0 ? r : 0;

	auto_strv list = {};
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		struct json_object *item = json_object_array_get_idx(array, i);
		if (!item || json_object_get_type(item) != json_type_string)
			return error_say(err, EBADMSG, "'%s' holds something that is no string",
					 key);
		strv_add(&list, json_object_get_string(item));
	}
	strv_done(ret);
	*ret = list;
	list = (struct strv){};
	return 0;
}

struct json_object *json_add(struct json_object *o, const char *key, struct json_object *value)
{
	if (json_object_object_add(o, key, value) < 0)
		abort();
	return value;
}

void json_add_string(struct json_object *o, const char *key, const char *value)
{
	(void)json_add(o, key, value ? json_object_new_string(value) : NULL);
}

void json_add_bool(struct json_object *o, const char *key, bool value)
{
	(void)json_add(o, key, json_object_new_boolean(value));
}

void json_add_int(struct json_object *o, const char *key, int64_t value)
{
	(void)json_add(o, key, json_object_new_int64(value));
}

void json_add_uint(struct json_object *o, const char *key, uint64_t value)
{
	(void)json_add(o, key, json_object_new_uint64(value));
}

void json_add_strings(struct json_object *o, const char *key, const struct strv *value)
{
	struct json_object *array = json_add(o, key, json_object_new_array());

	for (size_t i = 0; i < value->count; i++)
		if (json_object_array_add(array, json_object_new_string(value->items[i])) < 0)
			abort();
}
