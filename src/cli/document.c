/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/document.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct json_object *document_at(struct json_object *o, const char *path)
{
	char name[128];

	while (o && path && *path) {
		size_t len = (size_t)(strchrnul(path, '.') - path);
		if (len >= sizeof(name) || json_object_get_type(o) != json_type_object)
			return NULL;
		memcpy(name, path, len);
		name[len] = '\0';
		o = json_object_object_get(o, name);
		path += len + (path[len] == '.');
	}
	return o;
}

static struct json_object *typed(struct json_object *o, const char *path, enum json_type type)
{
	o = document_at(o, path);
	return o && json_object_get_type(o) == type ? o : NULL;
}

const char *document_text(struct json_object *o, const char *path)
{
	o = typed(o, path, json_type_string);
	return o ? json_object_get_string(o) : "";
}

int64_t document_int(struct json_object *o, const char *path)
{
	o = typed(o, path, json_type_int);
	return o ? json_object_get_int64(o) : 0;
}

double document_double(struct json_object *o, const char *path)
{
	o = document_at(o, path);
	return o ? json_object_get_double(o) : 0;
}

bool document_bool(struct json_object *o, const char *path)
{
	o = typed(o, path, json_type_boolean);
	return o && json_object_get_boolean(o);
}

size_t document_count(struct json_object *o, const char *path)
{
	o = document_at(o, path);
	if (!o)
		return 0;
	if (json_object_get_type(o) == json_type_array)
		return json_object_array_length(o);
	return json_object_get_type(o) == json_type_object ? (size_t)json_object_object_length(o)
							   : 0;
}

struct json_object *document_item(struct json_object *o, size_t index)
{
	if (!o || json_object_get_type(o) != json_type_array ||
	    index >= json_object_array_length(o))
		return NULL;
	return json_object_array_get_idx(o, index);
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of an object's members, sorted; NULL where it is none. The list is the caller's. */
static const char **sorted_keys(struct json_object *o, size_t *ret_count)
{
	*ret_count = 0;
	if (!o || json_object_get_type(o) != json_type_object)
		return NULL;

	const char **keys = xcalloc((size_t)json_object_object_length(o) + 1, sizeof(char *));
	json_object_object_foreach(o, key, value)
	{
		(void)value;
		keys[(*ret_count)++] = key;
	}
	qsort(keys, *ret_count, sizeof(char *), compare_keys);
	return keys;
}

void document_pairs(struct json_object *o, struct strbuf *ret)
{
	size_t count;
	auto_free const char **keys = sorted_keys(o, &count);

	for (size_t i = 0; i < count; i++) {
		struct json_object *value = json_object_object_get(o, keys[i]);
		strbuf_addf(ret, "%s%s=%s", i ? "," : "", keys[i],
			    value ? json_object_get_string(value) : "");
	}
}

struct json_object *document_sorted(struct json_object *o)
{
	size_t count;
	auto_free const char **keys = sorted_keys(o, &count);
	struct json_object *copy = json_object_new_object();

	for (size_t i = 0; i < count; i++)
		(void)json_add(copy, keys[i], json_object_get(json_object_object_get(o, keys[i])));
	return copy;
}

static void new_line(struct strbuf *ret, int indent)
{
	strbuf_addf(ret, "\n%*s", indent * 4, "");
}

static void pretty_object(struct json_object *o, int indent, struct strbuf *ret)
{
	bool first = true;

	strbuf_addc(ret, '{');
	json_object_object_foreach(o, key, value)
	{
		auto_json *name = json_object_new_string(key);
		strbuf_adds(ret, first ? "" : ",");
		new_line(ret, indent + 1);
		json_print(name, ret);
		strbuf_adds(ret, ": ");
		document_pretty(value, indent + 1, ret);
		first = false;
	}
	if (!first)
		new_line(ret, indent);
	strbuf_addc(ret, '}');
}

void document_pretty(struct json_object *o, int indent, struct strbuf *ret)
{
	enum json_type type = o ? json_object_get_type(o) : json_type_null;

	if (type == json_type_null) {
		strbuf_adds(ret, "null");
	} else if (type == json_type_object) {
		pretty_object(o, indent, ret);
	} else if (type == json_type_array) {
		size_t count = json_object_array_length(o);
		strbuf_addc(ret, '[');
		for (size_t i = 0; i < count; i++) {
			strbuf_adds(ret, i ? "," : "");
			new_line(ret, indent + 1);
			document_pretty(json_object_array_get_idx(o, i), indent + 1, ret);
		}
		if (count > 0)
			new_line(ret, indent);
		strbuf_addc(ret, ']');
	} else {
		json_print(o, ret);
	}
}

void document_add_text(struct json_object *o, const char *key, const char *text)
{
	if (text && *text)
		json_add_string(o, key, text);
}

void document_add_int(struct json_object *o, const char *key, int64_t value)
{
	if (value != 0)
		json_add_int(o, key, value);
}

void document_add_flag(struct json_object *o, const char *key, bool value)
{
	if (value)
		json_add_bool(o, key, value);
}

void document_add_list(struct json_object *o, const char *key, const struct strv *list)
{
	if (list->count > 0)
		json_add_strings(o, key, list);
}

void document_add_map(struct json_object *o, const char *key, const struct strv *pairs)
{
	if (pairs->count == 0)
		return;

	struct json_object *map = json_add(o, key, json_object_new_object());
	for (size_t i = 0; i < pairs->count; i++) {
		const char *equal = strchrnul(pairs->items[i], '=');
		auto_free char *name = xstrndup(pairs->items[i], (size_t)(equal - pairs->items[i]));
		json_add_string(map, name, *equal ? equal + 1 : "");
	}
}

void document_add_part(struct json_object *o, const char *key, struct json_object *value)
{
	if (document_count(value, NULL) > 0)
		(void)json_add(o, key, value);
	else
		json_put_p(&value);
}
