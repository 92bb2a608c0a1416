/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include <errno.h>
#include <json-c/json_tokener.h>
#include <string.h>

#include "base/json-fields.h"
#include "base/map.h"
#include "base/optional.h"

struct point {
	int32_t x;
	uint64_t y;
};

struct thing {
	char *name;
	bool on;
	uint32_t small;
	int color;
	uint64_t bits;
	struct optional_int maybe;
	bool has_list;
	struct strv list;
	struct strv keys;
	struct map *map;
	struct point here;
	struct point *there;
	struct point *points;
	size_t point_count;
	uint32_t *numbers;
	size_t number_count;
	bool odd;
};

static const struct json_field point_fields[] = {
	JSON_FIELD("x", JSON_INT, point, x, .flags = JSON_REQUIRED),
	JSON_FIELD("y", JSON_UINT, point, y),
};
static const struct json_table point_table = JSON_TABLE(point, point_fields);

static const struct json_word colors[] = { { "red", 1 }, { "green", 2 }, {} };

static const struct json_field thing_fields[] = {
	JSON_FIELD("name", JSON_TEXT, thing, name, .flags = JSON_ALWAYS),
	JSON_FIELD("on", JSON_BOOL, thing, on),
	JSON_FIELD("small", JSON_UINT, thing, small),
	JSON_FIELD("color", JSON_WORD, thing, color, .words = colors),
	JSON_FIELD("bits", JSON_WORD_BITS, thing, bits, .words = colors),
	JSON_FIELD("maybe", JSON_OPTIONAL_INT, thing, maybe),
	JSON_FIELD("list", JSON_STRINGS, thing, list, .flags = JSON_OR_STRING,
		   .at_count = offsetof(struct thing, has_list)),
	JSON_FIELD("keys", JSON_KEYS, thing, keys),
	JSON_FIELD("map", JSON_STRING_MAP, thing, map),
	JSON_FIELD("here", JSON_OBJECT, thing, here, .table = &point_table),
	JSON_FIELD("there", JSON_POINTER, thing, there, .table = &point_table),
	JSON_ARRAY_FIELD("points", thing, points, point_count, point_table),
	JSON_FIELD("numbers", JSON_UINT_LIST, thing, numbers,
		   .at_count = offsetof(struct thing, number_count)),
	JSON_FIELD("odd", JSON_PRESENCE, thing, odd),
};
static const struct json_table thing_table = JSON_TABLE(thing, thing_fields);

static void thing_done(struct thing *t)
{
	json_release(&thing_table, t);
}

static int read_thing(const char *text, struct thing *ret, struct error *err)
{
	auto_json *o = NULL;
	int r = json_parse(text, strlen(text), 4096, "thing", &o, err);

	assert_int_equal(r, 0);
	return json_read(&thing_table, o, ret, err);
}

static void a_document_is_written_as_it_was_read(void **state)
{
	static const char text[] =
		"{\"name\":\"n\",\"on\":true,\"small\":4294967295,\"color\":\"green\","
		"\"bits\":[\"red\",\"green\"],\"maybe\":0,\"list\":[],\"keys\":{\"a\":{},\"b\":{}},"
		"\"map\":{\"k\":\"v\"},\"here\":{\"x\":-3},\"there\":{\"x\":1,\"y\":"
		"18446744073709551615},"
		"\"points\":[{\"x\":1},{\"x\":2},{\"x\":3}],\"numbers\":[0,7,9]}";
	auto_(thing_done) struct thing t = {};
	struct error err = {};

	(void)state;
	assert_int_equal(read_thing(text, &t, &err), 0);
	assert_int_equal(t.bits, 3);
	assert_int_equal(t.points[2].x, 3);
	assert_true(t.has_list);
	auto_json *o = json_write(&thing_table, &t);
	auto_free char *again = json_text(o);
	assert_string_equal(again, text);
}

static void an_empty_struct_writes_only_what_is_always_there(void **state)
{
	struct thing t = {};
	auto_json *o = json_write(&thing_table, &t);
	auto_free char *text = json_text(o);

	(void)state;
	assert_string_equal(text, "{\"name\":\"\"}");
}

static void null_and_unknown_keys_count_as_missing(void **state)
{
	auto_(thing_done) struct thing t = {};
	struct error err = {};

	(void)state;
	assert_int_equal(
		read_thing("{\"name\":null,\"list\":null,\"new\":[1],\"odd\":3}", &t, &err), 0);
	assert_null(t.name);
	assert_false(t.has_list);
	assert_true(t.odd);
}

static void a_bare_string_is_a_list_of_one_where_the_table_says_so(void **state)
{
	auto_(thing_done) struct thing t = {};
	struct error err = {};

	(void)state;
	assert_int_equal(read_thing("{\"list\":\"one\"}", &t, &err), 0);
	assert_int_equal(t.list.count, 1);
}

static void keys_in_another_case_get_the_tables_spelling(void **state)
{
	(void)state;
	auto_json *o = json_tokener_parse(
		"{\"NAME\":\"a\",\"Here\":{\"X\":1},\"points\":[{\"X\":2}],\"On\":true,"
		"\"on\":false,\"Else\":1,\"small\":[1]}");

	json_fold_keys(&thing_table, o);
	assert_string_equal(
		json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN),
		"{\"points\":[{\"x\":2}],\"On\":true,\"on\":false,\"Else\":1,\"small\":[1],"
		"\"name\":\"a\",\"here\":{\"x\":1}}");
	json_fold_keys(&thing_table, NULL);
	auto_json *array = json_tokener_parse("[1]");
	json_fold_keys(&thing_table, array);
	json_fold_key(array, "name");
}

static void what_is_wrong_is_refused_with_its_path(void **state)
{
	static const struct {
		const char *text;
		const char *said;
	} cases[] = {
		{ "{\"points\":[{\"x\":1},{\"y\":2}]}", "points[1]: 'x' is missing" },
		{ "{\"points\":[null]}",
		  "points[0]: a value of type null stands where an object should" },
		{ "{\"small\":4294967296}", "'small' is out of range" },
		{ "{\"here\":{\"x\":2147483648}}", "here: 'x' is out of range" },
		{ "{\"here\":{\"x\":1,\"y\":-1}}", "here: 'y' is negative" },
		{ "{\"color\":\"blue\"}", "'color' cannot be 'blue'" },
		{ "{\"bits\":[\"red\",1]}", "'bits' is or holds a value of type int, not string" },
		{ "{\"map\":{\"a\":1}}", "'map' is or holds a value of type int, not string" },
		{ "{\"numbers\":[-1]}", "'numbers' holds a negative number" },
		{ "{\"keys\":[]}", "'keys' is or holds a value of type array, not object" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct thing t = {};
		struct error err = {};
		assert_int_equal(read_thing(cases[i].text, &t, &err), -EBADMSG);
		assert_string_equal(err.text, cases[i].said);
		static const struct thing empty;
		assert_memory_equal(&t, &empty, sizeof(t));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_is_written_as_it_was_read),
		cmocka_unit_test(an_empty_struct_writes_only_what_is_always_there),
		cmocka_unit_test(null_and_unknown_keys_count_as_missing),
		cmocka_unit_test(a_bare_string_is_a_list_of_one_where_the_table_says_so),
		cmocka_unit_test(keys_in_another_case_get_the_tables_spelling),
		cmocka_unit_test(what_is_wrong_is_refused_with_its_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
