/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/complete/complete.h"

#include <ctype.h>
#include <string.h>

#include "base/alloc.h"
#include "base/test.h"
#include "cli/help.h"
#include "cli/manual.h"

/* Completes a line, whose last word may be empty, and gives the words without descriptions. */
static void complete(const char *line, struct strbuf *ret)
{
	const struct globals globals = {};
	const struct call call = { .globals = &globals };
	auto_strbuf answer = STRBUF_INIT(1U << 20);
	auto_strv words = {};
	auto_strv lines = {};

	strv_split(&words, line, ' ');
	if (words.count == 0)
		strv_add(&words, "");
	complete_words(&call, words.items, words.count, &answer);
	strv_split(&lines, strbuf_text(&answer), '\n');
	for (size_t i = 0; i < lines.count; i++) {
		lines.items[i][strcspn(lines.items[i], "\t")] = '\0';
		strbuf_addf(ret, "%s ", lines.items[i]);
	}
	ret->data[--ret->len] = '\0';
}

static void assert_completes(const char *line, const char *expected)
{
	auto_strbuf out = STRBUF_INIT(1U << 20);

	complete(line, &out);
	assert_string_equal(strbuf_text(&out), expected);
}

static void assert_offers(const char *line, const char *word, bool offered)
{
	auto_strbuf out = STRBUF_INIT(1U << 20);
	auto_strv words = {};

	complete(line, &out);
	strv_split(&words, strbuf_text(&out), ' ');
	assert_int_equal(strv_contains(&words, word), offered);
}

static void the_first_word_is_a_verb_or_a_group(void **state)
{
	(void)state;
	assert_offers("", "run", true);
	assert_offers("", "image", true);
	assert_offers("", "__complete", false);
	assert_offers("", "man", false);
	assert_completes("unp", "unpause :words ");
	assert_completes("nosuchverb", ":words ");
	assert_completes("nosuchverb x", ":words ");
}

static void a_group_has_its_own_verbs(void **state)
{
	(void)state;
	assert_completes("image hi", "history :words ");
	assert_offers("container ", "ls", true);
	assert_offers("container ", "run", true);
	assert_offers("system ", "dial-stdio", false);
}

static void options_are_those_of_the_verb(void **state)
{
	(void)state;
	assert_completes("stop --t", "--timeout :words ");
	assert_offers("stop -", "-t", true);
	assert_offers("stop -", "--signal", true);
	assert_offers("container stop -", "--signal", true);
	assert_offers("stop --", "--time", false);
	assert_offers("run --", "--vm", true);
	assert_offers("-", "--host", true);
}

static void values_are_completed_behind_their_option(void **state)
{
	(void)state;
	assert_completes("run --pull ", "always missing never :words ");
	assert_completes("run --pull=m", "--pull=missing :words ");
	assert_completes("run --rm --isolation v", "vm :words ");
	assert_completes("run --rm=", "--rm=true --rm=false :words ");
	assert_completes("kill -s SYS", "SYS :words ");
	assert_completes("run --cap-add NET_B", "NET_BIND_SERVICE NET_BROADCAST :words ");
	assert_completes("--log-level de", "debug :words ");
	assert_completes("-l de", "debug :words ");
}

static void files_are_left_to_the_shell(void **state)
{
	(void)state;
	assert_completes("load -i ", ":files ");
	assert_completes("load -qi ", ":files ");
	assert_completes("run --env-file x", ":files ");
	assert_completes("run -v /", ":folders ");
	assert_completes("run image -", ":files ");
	assert_completes("exec x ls ", ":files ");
}

static void global_options_may_come_first(void **state)
{
	(void)state;
	assert_completes("-H unix:///x stop --si", "--signal :words ");
	assert_completes("-D --config /x comp", "completion :words ");
}

static void no_more_operands_than_a_verb_takes(void **state)
{
	(void)state;
	assert_completes("completion ", "bash zsh fish :words ");
	assert_completes("completion bash ", ":words ");
}

/* ---- The tables themselves -------------------------------------------------------------------- */

static void each_name_calls_one_verb(void **state)
{
	(void)state;
	for (size_t v = 0; verbs[v]; v++) {
		for (const char *const *name = verbs[v]->names; *name; name++) {
			auto_strv words = {};
			const char *found_name;
			size_t used;
			strv_split(&words, *name, ' ');
			assert_ptr_equal(verb_find(words.items, &used, &found_name), verbs[v]);
			assert_int_equal(used, words.count);
			assert_string_equal(found_name, *name);
			if (words.count == 2)
				assert_non_null(verb_group_find(words.items[0]));
		}
	}
}

static void options_of_one_verb_differ_and_have_a_help(void **state)
{
	const struct option *a;
	const struct option *b;

	(void)state;
	for (size_t v = 0; verbs[v]; v++) {
		const struct option_set *set = &verbs[v]->options;
		for (size_t i = 0; (a = option_at(set, i)); i++) {
			assert_true(i < OPTIONS_MAX);
			assert_true(a->place < verbs[v]->options_size);
			assert_true(isupper((unsigned char)a->help[0]));
			assert_int_not_equal(a->help[strlen(a->help) - 1], '.');
			for (size_t j = 0; j < i; j++) {
				b = option_at(set, j);
				assert_string_not_equal(a->name, b->name);
				if (a->letter)
					assert_int_not_equal(a->letter, b->letter);
			}
		}
	}
}

static void presets_fit_their_types(void **state)
{
	(void)state;
	for (size_t v = 0; verbs[v]; v++) {
		char *none[] = { NULL };
		struct option_result result;
		struct error err = {};
		auto_free void *values = xcalloc(1, verbs[v]->options_size + 1);
		assert_int_equal(option_parse(&verbs[v]->options, none, values, &result, &err), 0);
		option_done(&verbs[v]->options, values);
	}
}

static void each_verb_has_a_page(void **state)
{
	(void)state;
	for (size_t v = 0; verbs[v]; v++) {
		auto_strbuf page = STRBUF_INIT(1U << 20);
		auto_free char *name = manual_name(verbs[v]);
		manual_verb(verbs[v], &page);
		assert_int_equal(strncmp(strbuf_text(&page), ".TH BERTH-", 10), 0);
		assert_non_null(strstr(strbuf_text(&page), ".SH SYNOPSIS\n"));
		assert_null(strchr(name, ' '));
	}
}

static void pages_escape_what_roff_would_take_for_its_own(void **state)
{
	static const struct option table[] = {
		{ "x-y", 'x', OPTION_TEXT, 0, ".dot and back\\slash and -dash", .choices = "a|b-c",
		  .preset = "'quote" },
		{},
	};
	const struct verb verb = {
		.names = (const char *const[]){ "some verb", NULL },
		.operands = "A-B",
		.help = "Help",
		.options = { .tables = { table } },
	};
	auto_strbuf page = STRBUF_INIT(65536);

	(void)state;
	manual_verb(&verb, &page);
	assert_non_null(strstr(strbuf_text(&page), "\\fB\\-\\-x\\-y\\fR \\fIstring\\fR\n"
						   "\\&.dot and back\\eslash and \\-dash."
						   " One of: a, b\\-c."));
	assert_non_null(
		strstr(strbuf_text(&page), "\\fBberth some verb\\fR [\\fIOPTIONS\\fR] A\\-B\n"));
}

static void options_are_listed_by_name(void **state)
{
	size_t order[OPTIONS_MAX];

	(void)state;
	for (size_t v = 0; verbs[v]; v++) {
		const struct option_set *set = &verbs[v]->options;
		size_t count = help_sorted(set, order);
		for (size_t i = 1; i < count; i++)
			assert_true(strcmp(option_at(set, order[i - 1])->name,
					   option_at(set, order[i])->name) < 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_word_is_a_verb_or_a_group),
		cmocka_unit_test(a_group_has_its_own_verbs),
		cmocka_unit_test(options_are_those_of_the_verb),
		cmocka_unit_test(values_are_completed_behind_their_option),
		cmocka_unit_test(files_are_left_to_the_shell),
		cmocka_unit_test(global_options_may_come_first),
		cmocka_unit_test(no_more_operands_than_a_verb_takes),
		cmocka_unit_test(each_name_calls_one_verb),
		cmocka_unit_test(options_of_one_verb_differ_and_have_a_help),
		cmocka_unit_test(presets_fit_their_types),
		cmocka_unit_test(each_verb_has_a_page),
		cmocka_unit_test(pages_escape_what_roff_would_take_for_its_own),
		cmocka_unit_test(options_are_listed_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
