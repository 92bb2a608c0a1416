/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <json-c/json_util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/template/tree.h"

/* Most that one value prints as. */
#define PRINT_MAX (16U << 20)
#define WIDTH_DIGITS 6

struct function {
	const char *name;
	size_t min;
	size_t max;
	int (*call)(struct json_object **args, size_t count, struct json_object **ret,
		    struct error *err);
};

/* ---- Values --------------------------------------------------------------------------------- */

bool template_true(struct json_object *value)
{
	if (!value)
		return false;
	switch (json_object_get_type(value)) {
	case json_type_boolean:
		return json_object_get_boolean(value);
	case json_type_int:
		return json_object_get_int64(value) != 0;
	case json_type_double:
		return json_object_get_double(value) != 0;
	case json_type_string:
		return json_object_get_string_len(value) > 0;
	case json_type_array:
		return json_object_array_length(value) > 0;
	case json_type_object:
		return json_object_object_length(value) > 0;
	default:
		return false;
	}
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The shortest text that reads back as the same number. */
static void print_double(double value, struct strbuf *ret)
{
	char text[40];
	int digits = 1;

	do {
		(void)snprintf(text, sizeof(text), "%.*g", digits, value);
	} while (digits++ < 17 && strtod(text, NULL) != value);
	strbuf_adds(ret, text);
}

static void print_object(struct json_object *value, struct strbuf *ret)
{
	size_t count = 0;
	auto_free const char **keys =
		xcalloc((size_t)json_object_object_length(value) + 1, sizeof(char *));

	json_object_object_foreach(value, key, member)
	{
		(void)member;
		keys[count++] = key;
	}
	qsort(keys, count, sizeof(char *), compare_keys);
	strbuf_adds(ret, "map[");
	for (size_t i = 0; i < count; i++) {
		strbuf_addf(ret, "%s%s:", i ? " " : "", keys[i]);
		template_print(json_object_object_get(value, keys[i]), ret);
	}
	strbuf_addc(ret, ']');
}

void template_print(struct json_object *value, struct strbuf *ret)
{
	switch (value ? json_object_get_type(value) : json_type_null) {
	case json_type_null:
		strbuf_adds(ret, "<no value>");
		break;
	case json_type_double:
		print_double(json_object_get_double(value), ret);
		break;
	case json_type_array:
		strbuf_addc(ret, '[');
		for (size_t i = 0; i < json_object_array_length(value); i++) {
			if (i)
				strbuf_addc(ret, ' ');
			template_print(json_object_array_get_idx(value, i), ret);
		}
		strbuf_addc(ret, ']');
		break;
	case json_type_object:
		print_object(value, ret);
		break;
	default:
		strbuf_adds(ret, json_object_get_string(value));
	}
}

static char *text_of(struct json_object *value)
{
	struct strbuf text = STRBUF_INIT(PRINT_MAX);

	template_print(value, &text);
	return strbuf_take(&text);
}

static struct json_object *string_consume(char *text)
{
	struct json_object *o = json_object_new_string(text);

	free(text);
	return o;
}

static int64_t int_of(struct json_object *value)
{
	return value ? json_object_get_int64(value) : 0;
}

/* ---- Texts ---------------------------------------------------------------------------------- */

static int f_json(struct json_object **args, size_t count, struct json_object **ret,
		  struct error *err)
{
	(void)count;
	(void)err;
	*ret = string_consume(args[0] ? json_text(args[0]) : xstrdup("null"));
	return 0;
}

static int f_split(struct json_object **args, size_t count, struct json_object **ret,
		   struct error *err)
{
	(void)count;
	(void)err;
	auto_free char *text = text_of(args[0]);
	auto_free char *sep = text_of(args[1]);
	const char *at = text;

	*ret = json_object_new_array();
	while (*sep) {
		const char *end = strstr(at, sep);
		if (!end)
			break;
		(void)json_object_array_add(*ret, json_object_new_string_len(at, (int)(end - at)));
		at = end + strlen(sep);
	}
	(void)json_object_array_add(*ret, json_object_new_string(at));
	return 0;
}

static int f_join(struct json_object **args, size_t count, struct json_object **ret,
		  struct error *err)
{
	(void)count;
	if (args[0] && json_object_get_type(args[0]) != json_type_array)
		return error_say(err, EINVAL, "template: join: not a list");

	auto_free char *sep = text_of(args[1]);
	auto_strbuf out = STRBUF_INIT(PRINT_MAX);
	for (size_t i = 0; args[0] && i < json_object_array_length(args[0]); i++) {
		if (i)
			strbuf_adds(&out, sep);
		template_print(json_object_array_get_idx(args[0], i), &out);
	}
	*ret = json_object_new_string(strbuf_text(&out));
	return 0;
}

static int change_case(struct json_object *value, int (*change)(int), bool first_only,
		       struct json_object **ret)
{
	char *text = text_of(value);
	char before = ' ';

	for (char *c = text; *c; c++) {
		char was = *c;
		if (!first_only || !isalnum((unsigned char)before))
			*c = (char)change((unsigned char)*c);
		before = was;
	}
	*ret = string_consume(text);
	return 0;
}

static int f_title(struct json_object **args, size_t count, struct json_object **ret,
		   struct error *err)
{
	(void)count;
	(void)err;
	return change_case(args[0], toupper, true, ret);
}

static int f_lower(struct json_object **args, size_t count, struct json_object **ret,
		   struct error *err)
{
	(void)count;
	(void)err;
	return change_case(args[0], tolower, false, ret);
}

static int f_upper(struct json_object **args, size_t count, struct json_object **ret,
		   struct error *err)
{
	(void)count;
	(void)err;
	return change_case(args[0], toupper, false, ret);
}

static void add_spaces(struct strbuf *out, int64_t count)
{
	if (count > 0)
		strbuf_addf(out, "%*s", count < PRINT_MAX ? (int)count : (int)PRINT_MAX, "");
}

/* pad TEXT BEFORE AFTER: spaces around a text that is not empty. */
static int f_pad(struct json_object **args, size_t count, struct json_object **ret,
		 struct error *err)
{
	(void)count;
	(void)err;
	auto_free char *text = text_of(args[0]);
	auto_strbuf out = STRBUF_INIT(PRINT_MAX);

	if (*text) {
		add_spaces(&out, int_of(args[1]));
		strbuf_adds(&out, text);
		add_spaces(&out, int_of(args[2]));
	}
	*ret = json_object_new_string(strbuf_text(&out));
	return 0;
}

static int f_truncate(struct json_object **args, size_t count, struct json_object **ret,
		      struct error *err)
{
	(void)count;
	(void)err;
	char *text = text_of(args[0]);
	int64_t limit = int_of(args[1]);

	if (limit >= 0 && (size_t)limit < strlen(text))
		text[limit] = '\0';
	*ret = string_consume(text);
	return 0;
}

static int print_all(struct json_object **args, size_t count, bool line, struct json_object **ret)
{
	auto_strbuf out = STRBUF_INIT(PRINT_MAX);

	for (size_t i = 0; i < count; i++) {
		if (line && i)
			strbuf_addc(&out, ' ');
		template_print(args[i], &out);
	}
	if (line)
		strbuf_addc(&out, '\n');
	*ret = json_object_new_string(strbuf_text(&out));
	return 0;
}

static int f_print(struct json_object **args, size_t count, struct json_object **ret,
		   struct error *err)
{
	(void)err;
	return print_all(args, count, false, ret);
}

static int f_println(struct json_object **args, size_t count, struct json_object **ret,
		     struct error *err)
{
	(void)err;
	return print_all(args, count, true, ret);
}

/* One "%-10s": flags and width (up to 999999) are kept, the value printed as its verb wants. */
static const char *print_verb(const char *at, struct json_object *value, struct strbuf *out)
{
	char spec[32] = "%";
	size_t len = 1, digits = 0;
	auto_free char *text = text_of(value);

	for (; *at && strchr("-+ 0#123456789.", *at) && len < 16; at++) {
		digits = *at >= '0' && *at <= '9' ? digits + 1 : 0;
		if (digits <= WIDTH_DIGITS)
			spec[len++] = *at;
	}
	switch (*at) {
	case 'd':
	case 'x':
	case 'X':
	case 'o': {
		const char tail[] = { 'l', 'l', *at, '\0' };
		char number[64];
		memcpy(spec + len, tail, sizeof(tail));
		/* the format was put together above from flags, a width and one known verb */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		(void)snprintf(number, sizeof(number), spec, (long long)int_of(value));
#pragma GCC diagnostic pop
		strbuf_adds(out, number);
		break;
	}
	case 'q':
		strbuf_addf(out, "\"%s\"", text);
		break;
	default: {
		bool left = strchr(spec, '-') != NULL;
		int width = (int)strtol(spec + 1 + strspn(spec + 1, "-+ 0#"), NULL, 10);
		strbuf_addf(out, "%*s", left ? -width : width, text);
	}
	}
	return *at ? at + 1 : at;
}

static int f_printf(struct json_object **args, size_t count, struct json_object **ret,
		    struct error *err)
{
	(void)err;
	auto_free char *format = text_of(args[0]);
	auto_strbuf out = STRBUF_INIT(PRINT_MAX);
	size_t next = 1;

	for (const char *at = format; *at;) {
		if (*at != '%') {
			strbuf_addc(&out, *at++);
		} else if (at[1] == '%') {
			strbuf_addc(&out, '%');
			at += 2;
		} else {
			at = print_verb(at + 1, next < count ? args[next] : NULL, &out);
			next++;
		}
	}
	*ret = json_object_new_string(strbuf_text(&out));
	return 0;
}

/* ---- Parts ---------------------------------------------------------------------------------- */

static int f_index(struct json_object **args, size_t count, struct json_object **ret,
		   struct error *err)
{
	struct json_object *value = args[0];

	for (size_t i = 1; i < count && value; i++) {
		struct json_object *next = NULL;
		if (json_object_get_type(value) == json_type_array) {
			int64_t at = int_of(args[i]);
			if (at < 0 || (size_t)at >= json_object_array_length(value))
				return error_say(err, EINVAL, "template: index out of range: %lld",
						 (long long)at);
			next = json_object_array_get_idx(value, (size_t)at);
		} else if (json_object_get_type(value) == json_type_object) {
			if (args[i])
				(void)json_object_object_get_ex(
					value, json_object_get_string(args[i]), &next);
		} else {
			return error_say(err, EINVAL, "template: can't index item of type %s",
					 json_type_to_name(json_object_get_type(value)));
		}
		value = next;
	}
	*ret = json_object_get(value);
	return 0;
}

static int64_t length_of(struct json_object *value)
{
	switch (value ? json_object_get_type(value) : json_type_null) {
	case json_type_array:
		return (int64_t)json_object_array_length(value);
	case json_type_object:
		return json_object_object_length(value);
	case json_type_string:
		return json_object_get_string_len(value);
	default:
		return 0;
	}
}

static int f_len(struct json_object **args, size_t count, struct json_object **ret,
		 struct error *err)
{
	(void)count;
	(void)err;
	*ret = json_object_new_int64(length_of(args[0]));
	return 0;
}

static int f_slice(struct json_object **args, size_t count, struct json_object **ret,
		   struct error *err)
{
	int64_t len = length_of(args[0]);
	int64_t from = count > 1 ? int_of(args[1]) : 0;
	int64_t to = count > 2 ? int_of(args[2]) : len;

	if (from < 0 || to > len || from > to)
		return error_say(err, EINVAL, "template: slice: index out of range");
	if (args[0] && json_object_get_type(args[0]) == json_type_string) {
		*ret = json_object_new_string_len(json_object_get_string(args[0]) + from,
						  (int)(to - from));
		return 0;
	}
	if (!args[0] || json_object_get_type(args[0]) != json_type_array)
		return error_say(err, EINVAL, "template: slice: neither a list nor a text");
	*ret = json_object_new_array();
	for (; from < to; from++)
		(void)json_object_array_add(
			*ret, json_object_get(json_object_array_get_idx(args[0], (size_t)from)));
	return 0;
}

/* ---- Logic ---------------------------------------------------------------------------------- */

static int f_and(struct json_object **args, size_t count, struct json_object **ret,
		 struct error *err)
{
	(void)err;
	size_t i = 0;

	while (i + 1 < count && template_true(args[i]))
		i++;
	*ret = json_object_get(args[i]);
	return 0;
}

static int f_or(struct json_object **args, size_t count, struct json_object **ret,
		struct error *err)
{
	(void)err;
	size_t i = 0;

	while (i + 1 < count && !template_true(args[i]))
		i++;
	*ret = json_object_get(args[i]);
	return 0;
}

static int f_not(struct json_object **args, size_t count, struct json_object **ret,
		 struct error *err)
{
	(void)count;
	(void)err;
	*ret = json_object_new_boolean(!template_true(args[0]));
	return 0;
}

static int compare(struct json_object *a, struct json_object *b)
{
	if (a && b && json_object_get_type(a) != json_type_string &&
	    json_object_get_type(b) != json_type_string) {
		double x = json_object_get_double(a);
		double y = json_object_get_double(b);
		return (x > y) - (x < y);
	}
	auto_free char *x = text_of(a);
	auto_free char *y = text_of(b);
	return strcmp(x, y);
}

static int f_eq(struct json_object **args, size_t count, struct json_object **ret,
		struct error *err)
{
	(void)err;
	bool equal = false;

	for (size_t i = 1; i < count; i++)
		equal = equal || compare(args[0], args[i]) == 0;
	*ret = json_object_new_boolean(equal);
	return 0;
}

#define COMPARISON(name, relation)                                                         \
	static int name(struct json_object **args, size_t count, struct json_object **ret, \
			struct error *err)                                                 \
	{                                                                                  \
		(void)count;                                                               \
		(void)err;                                                                 \
		*ret = json_object_new_boolean(compare(args[0], args[1]) relation 0);      \
		return 0;                                                                  \
	}

COMPARISON(f_ne, !=)
COMPARISON(f_lt, <)
COMPARISON(f_le, <=)
COMPARISON(f_gt, >)
COMPARISON(f_ge, >=)

static const struct function functions[] = {
	{ "and", 1, 32, f_and },       { "eq", 2, 32, f_eq },
	{ "ge", 2, 2, f_ge },          { "gt", 2, 2, f_gt },
	{ "index", 1, 32, f_index },   { "join", 2, 2, f_join },
	{ "json", 1, 1, f_json },      { "le", 2, 2, f_le },
	{ "len", 1, 1, f_len },        { "lower", 1, 1, f_lower },
	{ "lt", 2, 2, f_lt },          { "ne", 2, 2, f_ne },
	{ "not", 1, 1, f_not },        { "or", 1, 32, f_or },
	{ "pad", 3, 3, f_pad },        { "print", 0, 32, f_print },
	{ "printf", 1, 32, f_printf }, { "println", 0, 32, f_println },
	{ "slice", 1, 3, f_slice },    { "split", 2, 2, f_split },
	{ "title", 1, 1, f_title },    { "truncate", 2, 2, f_truncate },
	{ "upper", 1, 1, f_upper },
};

static const struct function *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
		if (strcmp(functions[i].name, name) == 0)
			return &functions[i];
	return NULL;
}

bool template_has_function(const char *name)
{
	return find(name) != NULL;
}

int template_call(const char *name, struct json_object **args, size_t count,
		  struct json_object **ret, struct error *err)
{
	const struct function *f = find(name);

	if (!f)
		return error_say(err, ENOENT, "template: function \"%s\" not defined", name);
	if (count < f->min || count > f->max)
		return error_say(err, EINVAL,
				 "template: wrong number of args for %s: want %s%zu got %zu", name,
				 f->min == f->max ? "" : "at least ", f->min, count);
	return f->call(args, count, ret, err);
}
