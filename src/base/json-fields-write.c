/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json-fields.h"

#include "base/map.h"
#include "base/optional.h"

static inline const void *member_const(const void *object, size_t at)
{
	return (const char *)object + at;
}

static int64_t load_int(const struct json_field *f, const void *at)
{
	return f->size == sizeof(int64_t) ? *(const int64_t *)at : *(const int32_t *)at;
}

static uint64_t load_uint(const struct json_field *f, const void *at)
{
	return f->size == sizeof(uint64_t) ? *(const uint64_t *)at : *(const uint32_t *)at;
}

static struct json_object *write_words(const struct json_field *f, uint64_t bits)
{
	struct json_object *array = json_object_new_array();

	for (const struct json_word *w = f->words; w->word; w++)
		if (w->value && (bits & w->value) == w->value)
			(void)json_object_array_add(array, json_object_new_string(w->word));
	return array;
}

static struct json_object *write_uint_list(const struct json_field *f, const uint32_t *items,
					   size_t count)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < count; i++) {
		struct json_object *item;
		if (f->kind == JSON_WORD_LIST)
			item = json_object_new_string(json_word_text(f->words, items[i]));
		else
			item = json_object_new_uint64(items[i]);
		(void)json_object_array_add(array, item);
	}
	return array;
}

static struct json_object *write_strings(const struct strv *list)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < list->count; i++)
		(void)json_object_array_add(array, json_object_new_string(list->items[i]));
	return array;
}

static struct json_object *write_keys(const struct strv *list)
{
	struct json_object *o = json_object_new_object();

	for (size_t i = 0; i < list->count; i++)
		(void)json_add(o, list->items[i], json_object_new_object());
	return o;
}

static struct json_object *write_string_map(const struct map *map)
{
	struct json_object *o = json_object_new_object();
	size_t position = 0;
	const char *key;
	const char *value;

	while (map && (value = map_next(map, &position, &key)))
		json_add_string(o, key, value);
	return o;
}

static struct json_object *write_array(const struct json_field *f, const void *object)
{
	const char *items = *(void *const *)member_const(object, f->at);
	size_t count = *(const size_t *)member_const(object, f->at_count);
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < count; i++)
		(void)json_object_array_add(array,
					    json_write(f->table, items + i * f->table->size));
	return array;
}

/* True where a field holds what a zeroed struct does. */
static bool is_empty(const struct json_field *f, const void *object)
{
	const void *at = member_const(object, f->at);

	switch (f->kind) {
	case JSON_BOOL:
		return !*(const bool *)at;
	case JSON_INT:
		return load_int(f, at) == 0;
	case JSON_UINT:
	case JSON_WORD_BITS:
		return load_uint(f, at) == 0;
	case JSON_OPTIONAL_BOOL:
		return !((const struct optional_bool *)at)->set;
	case JSON_OPTIONAL_INT:
		return !((const struct optional_int *)at)->set;
	case JSON_OPTIONAL_UINT:
		return !((const struct optional_uint *)at)->set;
	case JSON_WORD:
		return !json_word_text(f->words, load_uint(f, at));
	case JSON_STRINGS:
		if (f->at_count && *(const bool *)member_const(object, f->at_count))
			return false;
		return ((const struct strv *)at)->count == 0;
	case JSON_KEYS:
		return ((const struct strv *)at)->count == 0;
	case JSON_WORD_LIST:
	case JSON_UINT_LIST:
	case JSON_ARRAY:
		return *(const size_t *)member_const(object, f->at_count) == 0;
	case JSON_TEXT:
	case JSON_STRING_MAP:
	case JSON_POINTER:
		return *(void *const *)at == NULL;
	case JSON_PRESENCE:
		return true;
	case JSON_OBJECT:
	case JSON_CUSTOM:
		return false;
	}
	return true;
}

/* What JSON_ALWAYS writes for an empty field. */
static struct json_object *write_empty(const struct json_field *f)
{
	switch (f->kind) {
	case JSON_TEXT:
		return json_object_new_string("");
	case JSON_BOOL:
		return json_object_new_boolean(false);
	case JSON_INT:
	case JSON_UINT:
		return json_object_new_int64(0);
	case JSON_STRING_MAP:
		return json_object_new_object();
	default:
		return NULL;
	}
}

static struct json_object *write_scalar(const struct json_field *f, const void *at)
{
	switch (f->kind) {
	case JSON_TEXT:
		return json_object_new_string(*(char *const *)at);
	case JSON_BOOL:
		return json_object_new_boolean(*(const bool *)at);
	case JSON_INT:
		return json_object_new_int64(load_int(f, at));
	case JSON_UINT:
		return json_object_new_uint64(load_uint(f, at));
	case JSON_OPTIONAL_BOOL:
		return json_object_new_boolean(((const struct optional_bool *)at)->value);
	case JSON_OPTIONAL_INT:
		return json_object_new_int64(((const struct optional_int *)at)->value);
	case JSON_OPTIONAL_UINT:
		return json_object_new_uint64(((const struct optional_uint *)at)->value);
	default:
		return json_object_new_string(json_word_text(f->words, load_uint(f, at)));
	}
}

/* @f is not empty. */
static struct json_object *write_field(const struct json_field *f, const void *object)
{
	const void *at = member_const(object, f->at);

	switch (f->kind) {
	case JSON_WORD_BITS:
		return write_words(f, *(const uint64_t *)at);
	case JSON_WORD_LIST:
	case JSON_UINT_LIST:
		return write_uint_list(f, *(uint32_t *const *)at,
				       *(const size_t *)member_const(object, f->at_count));
	case JSON_STRINGS:
		return write_strings(at);
	case JSON_KEYS:
		return write_keys(at);
	case JSON_STRING_MAP:
		return write_string_map(*(struct map *const *)at);
	case JSON_OBJECT:
		return json_write(f->table, at);
	case JSON_POINTER:
		return json_write(f->table, *(void *const *)at);
	case JSON_ARRAY:
		return write_array(f, object);
	case JSON_CUSTOM:
		return f->custom->write(object);
	default:
		return write_scalar(f, at);
	}
}

struct json_object *json_write(const struct json_table *table, const void *object)
{
	struct json_object *o = json_object_new_object();

	for (size_t i = 0; i < table->field_count; i++) {
		const struct json_field *f = &table->fields[i];
		struct json_object *value;
		if (is_empty(f, object)) {
			if (f->flags & JSON_ALWAYS)
				(void)json_add(o, f->key, write_empty(f));
			continue;
		}
		value = write_field(f, object);
		bool hollow = f->kind == JSON_OBJECT && json_object_object_length(value) == 0;
		if ((value && !hollow) || (f->flags & JSON_ALWAYS))
			(void)json_add(o, f->key, value);
		else
			(void)json_object_put(value);
	}
	return o;
}
