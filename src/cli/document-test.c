/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/document.h"

#include <string.h>

#include "base/alloc.h"
#include "base/test.h"
#include "cli/text.h"

static struct json_object *parse(const char *text)
{
	struct json_object *o = NULL;
	struct error err = {};

	assert_int_equal(json_parse(text, strlen(text), 65536, "document", &o, &err), 0);
	return o;
}

static void what_is_missing_or_of_another_type_reads_as_nothing(void **state)
{
	auto_json *o = parse("{\"A\":{\"B\":\"x\",\"N\":5,\"T\":true,\"L\":[1,2]},\"Z\":null}");

	(void)state;
	assert_string_equal(document_text(o, "A.B"), "x");
	assert_string_equal(document_text(o, "A.N"), "");
	assert_string_equal(document_text(o, "A.B.C"), "");
	assert_string_equal(document_text(NULL, "A"), "");
	assert_int_equal(document_int(o, "A.N"), 5);
	assert_int_equal(document_int(o, "A.B"), 0);
	assert_true(document_bool(o, "A.T"));
	assert_false(document_bool(o, "Z"));
	assert_int_equal(document_count(o, "A.L"), 2);
	assert_int_equal(document_count(o, "A"), 4);
	assert_int_equal(document_count(o, "Z"), 0);
	assert_null(document_item(document_at(o, "A.L"), 2));
	assert_null(document_item(o, 0));
}

static void documents_are_indented_as_docker_does(void **state)
{
	auto_json *o = parse("[{\"a\":{},\"b\":[],\"c\":[1,\"x/y\",null],\"d\":{\"e\":true}}]");
	auto_strbuf out = STRBUF_INIT(4096);

	(void)state;
	document_pretty(o, 0, &out);
	assert_string_equal(strbuf_text(&out), "[\n"
					       "    {\n"
					       "        \"a\": {},\n"
					       "        \"b\": [],\n"
					       "        \"c\": [\n"
					       "            1,\n"
					       "            \"x/y\",\n"
					       "            null\n"
					       "        ],\n"
					       "        \"d\": {\n"
					       "            \"e\": true\n"
					       "        }\n"
					       "    }\n"
					       "]");
}

static void pairs_are_sorted(void **state)
{
	auto_json *o = parse("{\"b\":\"2\",\"a\":\"1\"}");
	auto_strbuf out = STRBUF_INIT(4096);

	(void)state;
	document_pairs(o, &out);
	assert_string_equal(strbuf_text(&out), "a=1,b=2");
}

static void what_is_empty_is_left_out_of_requests(void **state)
{
	auto_json *o = json_object_new_object();
	auto_strv list = {};

	(void)state;
	document_add_text(o, "a", "");
	document_add_text(o, "b", NULL);
	document_add_int(o, "c", 0);
	document_add_flag(o, "d", false);
	document_add_list(o, "e", &list);
	document_add_map(o, "f", &list);
	document_add_part(o, "g", json_object_new_object());
	assert_int_equal(json_object_object_length(o), 0);
	strv_add(&list, "k=v=w");
	strv_add(&list, "bare");
	document_add_map(o, "f", &list);
	auto_free char *text = json_text(o);
	assert_string_equal(text, "{\"f\":{\"k\":\"v=w\",\"bare\":\"\"}}");
}

static void assert_cut(const char *text, size_t max, const char *expected)
{
	auto_free char *got = text_ellipsis(text, max);

	assert_string_equal(got, expected);
}

static void long_texts_are_cut_by_characters(void **state)
{
	(void)state;
	assert_cut("short", 5, "short");
	assert_cut("longer", 5, "long\u2026");
	assert_cut("\u00e4\u00f6\u00fc\u00df", 4, "\u00e4\u00f6\u00fc\u00df");
	assert_cut("\u00e4\u00f6\u00fc\u00df!", 4, "\u00e4\u00f6\u00fc\u2026");
}

static void commands_are_quoted(void **state)
{
	auto_free char *got = text_quote("a \"b\"\\\n\x01");

	(void)state;
	assert_string_equal(got, "\"a \\\"b\\\"\\\\\\n\\x01\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_missing_or_of_another_type_reads_as_nothing),
		cmocka_unit_test(documents_are_indented_as_docker_does),
		cmocka_unit_test(pairs_are_sorted),
		cmocka_unit_test(what_is_empty_is_left_out_of_requests),
		cmocka_unit_test(long_texts_are_cut_by_characters),
		cmocka_unit_test(commands_are_quoted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
