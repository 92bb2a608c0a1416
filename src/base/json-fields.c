/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json-fields.h"

#include <errno.h>
#include <json-c/json_util.h>
#include <json-c/linkhash.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/map.h"
#include "base/optional.h"

static inline void *member(void *object, size_t at)
{
	return (char *)object + at;
}

const char *json_word_text(const struct json_word *words, uint64_t value)
{
	for (; words->word; words++)
		if (words->value == value)
			return words->word;
	return NULL;
}

bool json_word_value(const struct json_word *words, const char *text, uint64_t *ret)
{
	for (; words->word; words++) {
		if (strcmp(words->word, text) == 0) {
			*ret = words->value;
			return true;
		}
	}
	return false;
}

static int wrong_type(const struct json_field *f, struct json_object *value, const char *wanted,
		      struct error *err)
{
	return error_say(err, EBADMSG, "'%s' is or holds a value of type %s, not %s", f->key,
			 json_type_to_name(json_object_get_type(value)), wanted);
}

/* ---- integers of any width --------------------------------------------------------------- */

static int store_int(const struct json_field *f, int64_t value, void *at, struct error *err)
{
	if (f->size == sizeof(int64_t)) {
		memcpy(at, &value, sizeof(value));
		return 0;
	}
	int32_t narrow = (int32_t)value;
	if (narrow != value)
		return error_say(err, EBADMSG, "'%s' is out of range", f->key);
	memcpy(at, &narrow, sizeof(narrow));
	return 0;
}

static int store_uint(const struct json_field *f, uint64_t value, void *at, struct error *err)
{
	if (f->size == sizeof(uint64_t)) {
		memcpy(at, &value, sizeof(value));
		return 0;
	}
	uint32_t narrow = (uint32_t)value;
	if (narrow != value)
		return error_say(err, EBADMSG, "'%s' is out of range", f->key);
	memcpy(at, &narrow, sizeof(narrow));
	return 0;
}

/* ---- reading ----------------------------------------------------------------------------- */

static int read_word(const struct json_field *f, struct json_object *value, uint64_t *ret,
		     struct error *err)
{
	if (json_object_get_type(value) != json_type_string)
		return wrong_type(f, value, "string", err);
	const char *text = json_object_get_string(value);
	if (!json_word_value(f->words, text, ret))
		return error_say(err, EBADMSG, "'%s' cannot be '%.64s'", f->key, text);
	return 0;
}

static int read_number(const struct json_field *f, struct json_object *o, void *ret,
		       struct error *err)
{
	int64_t number = 0;
	uint64_t natural = 0;
	int r = f->kind == JSON_INT ? json_get_int(o, f->key, &number, err)
				    : json_get_uint(o, f->key, &natural, err);
	if (r < 0)
		return r;
	return f->kind == JSON_INT ? store_int(f, number, ret, err)
				   : store_uint(f, natural, ret, err);
}

static int read_optional(const struct json_field *f, struct json_object *o, void *ret,
			 struct error *err)
{
	struct optional_bool *truth = ret;
	struct optional_int *number = ret;
	struct optional_uint *natural = ret;
	int r;

	if (f->kind == JSON_OPTIONAL_BOOL) {
		r = json_get_bool(o, f->key, &truth->value, err);
		truth->set = r == 0;
	} else if (f->kind == JSON_OPTIONAL_INT) {
		r = json_get_int(o, f->key, &number->value, err);
		number->set = r == 0;
	} else {
		r = json_get_uint(o, f->key, &natural->value, err);
		natural->set = r == 0;
	}
	return r;
}

static int read_word_bits(const struct json_field *f, struct json_object *array, uint64_t *ret,
			  struct error *err)
{
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		uint64_t bits = 0;
		int r = read_word(f, json_object_array_get_idx(array, i), &bits, err);
		if (r < 0)
			return r;
		*ret |= bits;
	}
	return 0;
}

static int read_uint_list(const struct json_field *f, struct json_object *array, uint32_t **ret,
			  size_t *ret_count, struct error *err)
{
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		struct json_object *item = json_object_array_get_idx(array, i);
		uint64_t value = 0;
		if (f->kind == JSON_WORD_LIST) {
			int r = read_word(f, item, &value, err);
			if (r < 0)
				return r;
		} else if (json_object_get_type(item) != json_type_int) {
			return wrong_type(f, item, "int", err);
		} else if (json_object_get_int64(item) < 0) {
			return error_say(err, EBADMSG, "'%s' holds a negative number", f->key);
		} else {
			value = json_object_get_uint64(item);
		}
		if (value > UINT32_MAX)
			return error_say(err, EBADMSG, "'%s' holds a number out of range", f->key);
		*array_add(*ret, *ret_count) = (uint32_t)value;
	}
	return 0;
}

static int read_strings(const struct json_field *f, struct json_object *o, void *object,
			struct error *err)
{
	struct strv *list = member(object, f->at);
	struct json_object *value = json_object_object_get(o, f->key);

	if (f->at_count)
		*(bool *)member(object, f->at_count) = true;
	if ((f->flags & JSON_OR_STRING) && json_object_get_type(value) == json_type_string) {
		strv_add(list, json_object_get_string(value));
		return 0;
	}
	return json_get_strings(o, f->key, list, err);
}

static int read_keys(const struct json_field *f, struct json_object *value, struct strv *ret,
		     struct error *err)
{
	json_object_object_foreach(value, key, item)
	{
		if (item && json_object_get_type(item) != json_type_object)
			return wrong_type(f, item, "object", err);
		strv_add(ret, key);
	}
	return 0;
}

static int read_string_map(const struct json_field *f, struct json_object *value, struct map **ret,
			   struct error *err)
{
	json_object_object_foreach(value, key, item)
	{
		if (!item || json_object_get_type(item) != json_type_string)
			return wrong_type(f, item, "string", err);
		if (!*ret)
			*ret = map_new(free);
		map_set(*ret, key, xstrdup(json_object_get_string(item)));
	}
	return 0;
}

static int read_array(const struct json_field *f, struct json_object *array, void *object,
		      struct error *err)
{
	void **items = member(object, f->at);
	size_t *count = member(object, f->at_count);

	for (size_t i = 0; i < json_object_array_length(array); i++) {
		void *item = array_grow(items, count, f->table->size);
		int r = json_read(f->table, json_object_array_get_idx(array, i), item, err);
		if (r < 0)
			return error_prefix(err, "%s[%zu]", f->key, i);
	}
	return 0;
}

static int read_object(const struct json_field *f, struct json_object *value, void *object,
		       struct error *err)
{
	void *at = member(object, f->at);
	int r;

	if (f->kind == JSON_POINTER) {
		void *item = xcalloc(1, f->table->size);
		*(void **)at = item;
		at = item;
	}
	r = json_read(f->table, value, at, err);
	return r < 0 ? error_prefix(err, "%s", f->key) : 0;
}

/* The kinds whose value is an array or an object. */
static int read_compound(const struct json_field *f, struct json_object *o,
			 struct json_object *value, void *object, struct error *err)
{
	static const enum json_type wanted[] = {
		[JSON_WORD_BITS] = json_type_array,   [JSON_WORD_LIST] = json_type_array,
		[JSON_UINT_LIST] = json_type_array,   [JSON_KEYS] = json_type_object,
		[JSON_STRING_MAP] = json_type_object, [JSON_OBJECT] = json_type_object,
		[JSON_POINTER] = json_type_object,    [JSON_ARRAY] = json_type_array,
	};
	void *at = member(object, f->at);

	if (f->kind == JSON_STRINGS)
		return read_strings(f, o, object, err);
	if (json_object_get_type(value) != wanted[f->kind])
		return wrong_type(f, value, json_type_to_name(wanted[f->kind]), err);
	switch (f->kind) {
	case JSON_WORD_BITS:
		return read_word_bits(f, value, at, err);
	case JSON_WORD_LIST:
	case JSON_UINT_LIST:
		return read_uint_list(f, value, at, member(object, f->at_count), err);
	case JSON_KEYS:
		return read_keys(f, value, at, err);
	case JSON_STRING_MAP:
		return read_string_map(f, value, at, err);
	case JSON_ARRAY:
		return read_array(f, value, object, err);
	default:
		return read_object(f, value, object, err);
	}
}

static int read_text(const struct json_field *f, struct json_object *o, char **ret,
		     struct error *err)
{
	const char *text = NULL;
	int r = json_get_string(o, f->key, &text, err);

	if (r == 0 && *text)
		*ret = xstrdup(text);
	return r;
}

/* @value is there and not null. */
static int read_field(const struct json_field *f, struct json_object *o, struct json_object *value,
		      void *object, struct error *err)
{
	void *at = member(object, f->at);
	uint64_t word;
	int r;

	switch (f->kind) {
	case JSON_TEXT:
		return read_text(f, o, at, err);
	case JSON_BOOL:
		return json_get_bool(o, f->key, at, err);
	case JSON_INT:
	case JSON_UINT:
		return read_number(f, o, at, err);
	case JSON_OPTIONAL_BOOL:
	case JSON_OPTIONAL_INT:
	case JSON_OPTIONAL_UINT:
		return read_optional(f, o, at, err);
	case JSON_WORD:
		r = read_word(f, value, &word, err);
		return r < 0 ? r : store_uint(f, word, at, err);
	case JSON_PRESENCE:
		*(bool *)at = true;
		return 0;
	case JSON_CUSTOM:
		r = f->custom->read(value, object, err);
		return r < 0 ? error_prefix(err, "%s", f->key) : 0;
	default:
		return read_compound(f, o, value, object, err);
	}
}

/* False where a required text is empty: it would be read as none, and not be written again. */
static bool is_given(const struct json_field *f, struct json_object *value)
{
	bool text = f->kind == JSON_TEXT && (f->flags & JSON_REQUIRED) && value &&
		    json_object_is_type(value, json_type_string);

	return value && !(text && json_object_get_string_len(value) == 0);
}

int json_read(const struct json_table *table, struct json_object *object, void *ret,
	      struct error *err)
{
	if (!object || json_object_get_type(object) != json_type_object)
		return error_say(err, EBADMSG, "a value of type %s stands where an object should",
				 json_type_to_name(json_object_get_type(object)));
	for (size_t i = 0; i < table->field_count; i++) {
		const struct json_field *f = &table->fields[i];
		struct json_object *value = json_object_object_get(object, f->key);
		int r = 0;
		if (is_given(f, value))
			r = read_field(f, object, value, ret, err);
		else if (f->flags & JSON_REQUIRED)
			r = error_say(err, EBADMSG, "'%s' is missing", f->key);
		if (r < 0) {
			json_release(table, ret);
			return r;
		}
	}
	return 0;
}

/* ---- keys in any case -------------------------------------------------------------------- */

void json_fold_key(struct json_object *object, const char *key)
{
	const char *found = NULL;
	struct json_object *taken;

	if (json_object_get_type(object) != json_type_object ||
	    json_object_object_get_ex(object, key, NULL))
		return;
	json_object_object_foreach(object, other, value)
	{
		(void)value;
		if (strcasecmp(other, key) == 0) {
			found = other;
			break;
		}
	}
	if (!found)
		return;
	taken = json_object_get(json_object_object_get(object, found));
	json_object_object_del(object, found);
	(void)json_object_object_add(object, key, taken);
}

void json_fold_keys(const struct json_table *table, struct json_object *object)
{
	if (json_object_get_type(object) != json_type_object)
		return;
	for (size_t i = 0; i < table->field_count; i++) {
		const struct json_field *f = &table->fields[i];
		json_fold_key(object, f->key);
		struct json_object *value =
			f->table ? json_object_object_get(object, f->key) : NULL;
		if (f->kind == JSON_ARRAY && json_object_get_type(value) == json_type_array)
			for (size_t k = 0; k < json_object_array_length(value); k++)
				json_fold_keys(f->table, json_object_array_get_idx(value, k));
		else if (value)
			json_fold_keys(f->table, value);
	}
}

/* ---- releasing --------------------------------------------------------------------------- */

static void release_items(const struct json_field *f, void *object)
{
	char *items = *(void **)member(object, f->at);
	size_t count = f->kind == JSON_ARRAY ? *(size_t *)member(object, f->at_count) : 1;

	for (size_t i = 0; items && i < count; i++)
		json_release(f->table, items + i * f->table->size);
	free(items);
}

static void release_field(const struct json_field *f, void *object)
{
	void *at = member(object, f->at);

	switch (f->kind) {
	case JSON_TEXT:
	case JSON_WORD_LIST:
	case JSON_UINT_LIST:
		free(*(void **)at);
		break;
	case JSON_STRINGS:
	case JSON_KEYS:
		strv_done(at);
		break;
	case JSON_STRING_MAP:
		map_free(*(struct map **)at);
		break;
	case JSON_OBJECT:
		json_release(f->table, at);
		break;
	case JSON_POINTER:
	case JSON_ARRAY:
		release_items(f, object);
		break;
	case JSON_CUSTOM:
		f->custom->done(object);
		break;
	default:
		break;
	}
}

void json_release(const struct json_table *table, void *object)
{
	for (size_t i = 0; i < table->field_count; i++) {
		const struct json_field *f = &table->fields[i];
		release_field(f, object);
		/* by member, for a part of a struct may be released before the whole */
		memset(member(object, f->at), 0, f->size);
		if (f->kind == JSON_ARRAY || f->kind == JSON_WORD_LIST || f->kind == JSON_UINT_LIST)
			*(size_t *)member(object, f->at_count) = 0;
		else if (f->at_count)
			*(bool *)member(object, f->at_count) = false;
	}
}
