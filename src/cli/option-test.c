/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/option.h"

#include <errno.h>
#include <string.h>

#include "base/test.h"

struct values {
	bool tty;
	bool interactive;
	bool remove;
	bool proxy;
	const char *name;
	struct strv env;
	struct strv words;
	int64_t number;
	int64_t memory;
	int64_t wait;
	int64_t cpus;
};

static const struct option first[] = {
	{ "tty", 't', OPTION_FLAG, offsetof(struct values, tty), "a terminal" },
	{ "interactive", 'i', OPTION_FLAG, offsetof(struct values, interactive), "input" },
	{ "rm", 0, OPTION_FLAG, offsetof(struct values, remove), "remove" },
	{ "sig-proxy", 0, OPTION_FLAG, offsetof(struct values, proxy), "pass on",
	  .preset = "true" },
	{ "name", 0, OPTION_TEXT, offsetof(struct values, name), "a name" },
	{},
};
static const struct option second[] = {
	{ "env", 'e', OPTION_LIST, offsetof(struct values, env), "a variable" },
	{ "words", 0, OPTION_WORDS, offsetof(struct values, words), "words" },
	{ "number", 'n', OPTION_INT, offsetof(struct values, number), "a number", .preset = "-1" },
	{ "memory", 'm', OPTION_BYTES, offsetof(struct values, memory), "memory" },
	{ "wait", 0, OPTION_DURATION, offsetof(struct values, wait), "a time" },
	{ "cpus", 0, OPTION_CPUS, offsetof(struct values, cpus), "processors" },
	{},
};
static const struct option_set mixed = { .tables = { first, second } };
static const struct option_set strict = { .tables = { first, second }, .stop_at_operand = true };
static const struct option_set raw = { .tables = { first }, .raw = true };

struct parsed {
	struct values v;
	struct option_result result;
	struct error err;
	char *argv[16];
	int code;
};

static void parsed_done(struct parsed *p)
{
	option_done(&mixed, &p->v);
}

#define auto_parsed auto_(parsed_done) struct parsed

/* Parses the words of @line. */
static void parse(const struct option_set *set, char *line, struct parsed *ret)
{
	size_t count = 0;

	for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
		ret->argv[count++] = word;
	ret->code = option_parse(set, ret->argv, &ret->v, &ret->result, &ret->err);
}

#define PARSE(set, text, into) \
	char line_[] = text;   \
	auto_parsed into = {}; \
	parse(&(set), line_, &(into))

static void letters_may_stand_in_one_word(void **state)
{
	(void)state;
	PARSE(mixed, "-it -eA=1 -e=B=2 -e C -n5 x", p);
	assert_int_equal(p.code, 0);
	assert_true(p.v.tty && p.v.interactive);
	assert_int_equal(p.v.env.count, 3);
	assert_string_equal(p.v.env.items[0], "A=1");
	assert_string_equal(p.v.env.items[1], "B=2");
	assert_string_equal(p.v.env.items[2], "C");
	assert_int_equal(p.v.number, 5);
	assert_int_equal(p.result.operand_count, 1);
}

static void a_value_stands_behind_an_equal_sign_or_in_the_next_word(void **state)
{
	(void)state;
	PARSE(mixed, "--name=x=y --env --name --number=7", p);
	assert_int_equal(p.code, 0);
	assert_string_equal(p.v.name, "x=y");
	assert_string_equal(p.v.env.items[0], "--name");
	assert_int_equal(p.v.number, 7);
}

static void a_flag_takes_its_value_only_behind_an_equal_sign(void **state)
{
	(void)state;
	PARSE(mixed, "--rm=false --tty=true --sig-proxy=0 --interactive false", p);
	assert_int_equal(p.code, 0);
	assert_false(p.v.remove);
	assert_true(p.v.tty);
	assert_false(p.v.proxy);
	assert_true(p.v.interactive);
	assert_string_equal(p.result.operands[0], "false");
}

static void presets_hold_until_an_option_is_given(void **state)
{
	(void)state;
	PARSE(mixed, "x", p);
	assert_true(p.v.proxy);
	assert_int_equal(p.v.number, -1);
	assert_false(p.result.given[option_find(&mixed, "number")]);
}

static void what_was_given_is_told_apart_from_presets(void **state)
{
	(void)state;
	PARSE(mixed, "--number -1", p);
	assert_int_equal(p.code, 0);
	assert_true(p.result.given[option_find(&mixed, "number")]);
}

static void operands_may_stand_among_options(void **state)
{
	(void)state;
	PARSE(mixed, "a --tty b -i c", p);
	assert_int_equal(p.result.operand_count, 3);
	assert_string_equal(p.result.operands[2], "c");
	assert_null(p.result.operands[3]);
	assert_true(p.v.tty && p.v.interactive);
}

static void the_first_operand_ends_the_options_where_the_set_says_so(void **state)
{
	(void)state;
	PARSE(strict, "-t image ls -la --rm", p);
	assert_int_equal(p.code, 0);
	assert_int_equal(p.result.operand_count, 4);
	assert_string_equal(p.result.operands[2], "-la");
	assert_false(p.v.remove);
}

static void two_dashes_end_the_options(void **state)
{
	(void)state;
	PARSE(mixed, "-t -- -i --rm", p);
	assert_int_equal(p.code, 0);
	assert_int_equal(p.result.operand_count, 2);
	assert_string_equal(p.result.operands[0], "-i");
	assert_false(p.v.interactive);
}

static void a_single_dash_is_an_operand(void **state)
{
	(void)state;
	PARSE(mixed, "- -t", p);
	assert_int_equal(p.code, 0);
	assert_string_equal(p.result.operands[0], "-");
	assert_true(p.v.tty);
}

static void help_stops_everything_else(void **state)
{
	(void)state;
	PARSE(mixed, "--help --nonsense", p);
	assert_int_equal(p.code, 0);
	assert_true(p.result.help);
}

static void a_raw_set_takes_everything_as_operands(void **state)
{
	(void)state;
	PARSE(raw, "-t --help -- x", p);
	assert_int_equal(p.code, 0);
	assert_int_equal(p.result.operand_count, 4);
}

static void each_type_is_read(void **state)
{
	(void)state;
	PARSE(mixed, "-m 1.5g --wait 1m30s --cpus 0.5 --words a,b --words c", p);
	assert_int_equal(p.code, 0);
	assert_int_equal(p.v.memory, 1610612736);
	assert_int_equal(p.v.wait, 90000000000);
	assert_int_equal(p.v.cpus, 500000000);
	assert_int_equal(p.v.words.count, 3);
}

static void assert_refused(const char *text, const char *message)
{
	char line[128];
	auto_parsed p = {};

	(void)strcpy(line, text);
	parse(&mixed, line, &p);
	assert_int_equal(p.code, -EINVAL);
	assert_string_equal(p.err.text, message);
}

static void mistakes_are_told_in_dockers_words(void **state)
{
	(void)state;
	assert_refused("--nope", "unknown flag: --nope");
	assert_refused("--na x", "unknown flag: --na");
	assert_refused("-tz", "unknown shorthand flag: 'z' in -tz");
	assert_refused("--name", "flag needs an argument: --name");
	assert_refused("-te", "flag needs an argument: 'e' in -te");
	assert_refused("--number x", "invalid argument \"x\" for \"-n, --number\" flag");
	assert_refused("--rm=maybe", "invalid argument \"maybe\" for \"--rm\" flag");
	assert_refused("--memory 5x", "invalid argument \"5x\" for \"-m, --memory\" flag");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(letters_may_stand_in_one_word),
		cmocka_unit_test(a_value_stands_behind_an_equal_sign_or_in_the_next_word),
		cmocka_unit_test(a_flag_takes_its_value_only_behind_an_equal_sign),
		cmocka_unit_test(presets_hold_until_an_option_is_given),
		cmocka_unit_test(what_was_given_is_told_apart_from_presets),
		cmocka_unit_test(operands_may_stand_among_options),
		cmocka_unit_test(the_first_operand_ends_the_options_where_the_set_says_so),
		cmocka_unit_test(two_dashes_end_the_options),
		cmocka_unit_test(a_single_dash_is_an_operand),
		cmocka_unit_test(help_stops_everything_else),
		cmocka_unit_test(a_raw_set_takes_everything_as_operands),
		cmocka_unit_test(each_type_is_read),
		cmocka_unit_test(mistakes_are_told_in_dockers_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
