/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/option.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/human.h"

struct parse {
	const struct option_set *set;
	char *values;
	struct option_result *result;
	struct error *err;
};

const struct option *option_at(const struct option_set *set, size_t position)
{
	for (size_t t = 0; t < OPTION_TABLES_MAX && set->tables[t]; t++) {
		for (const struct option *o = set->tables[t]; o->name; o++) {
			if (position == 0)
				return o;
			position--;
		}
	}
	return NULL;
}

int option_find(const struct option_set *set, const char *name)
{
	const struct option *o;

	for (size_t i = 0; (o = option_at(set, i)); i++)
		if (strcmp(o->name, name) == 0)
			return (int)i;
	return -1;
}

const char *option_value_word(const struct option *o)
{
	static const char *const words[] = {
		[OPTION_FLAG] = "",
		[OPTION_TEXT] = "string",
		[OPTION_LIST] = "list",
		[OPTION_WORDS] = "strings",
		[OPTION_INT] = "int",
		[OPTION_BYTES] = "bytes",
		[OPTION_DURATION] = "duration",
		[OPTION_CPUS] = "decimal",
	};

	return o->value ? o->value : words[o->type];
}

static bool parse_flag(const char *text, bool *ret)
{
	static const char *const yes[] = { "true", "1", "t", "T", "TRUE", "True" };
	static const char *const no[] = { "false", "0", "f", "F", "FALSE", "False" };

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
			*ret = strcmp(text, yes[i]) == 0;
			return true;
		}
	}
	return false;
}

static bool parse_int(const char *text, int64_t *ret)
{
	char *end;

	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end)
		return false;
	*ret = value;
	return true;
}

static bool parse_list(const struct option *o, const char *text, struct strv *ret)
{
	if (o->type == OPTION_WORDS)
		strv_split(ret, text, ',');
	else
		strv_add(ret, text);
	return true;
}

/* Reads @text into the option's place; false where it does not fit the type. */
static bool store(const struct option *o, const char *text, void *place)
{
	switch (o->type) {
	case OPTION_FLAG:
		return parse_flag(text, place);
	case OPTION_TEXT:
		*(const char **)place = text;
		return true;
	case OPTION_LIST:
	case OPTION_WORDS:
		return parse_list(o, text, place);
	case OPTION_INT:
		return parse_int(text, place);
	case OPTION_BYTES:
		return human_parse_bytes(text, place);
	case OPTION_DURATION:
		return human_parse_duration(text, place);
	case OPTION_CPUS:
		return human_parse_cpus(text, place);
	}
	return false;
}

static int set_value(struct parse *p, size_t position, const char *text)
{
	const struct option *o = option_at(p->set, position);

	if (!store(o, text, p->values + o->place)) {
		char letter[] = { '-', o->letter, ',', ' ', '\0' };
		return error_say(p->err, EINVAL, "invalid argument \"%.100s\" for \"%s--%s\" flag",
				 text, o->letter ? letter : "", o->name);
	}
	p->result->given[position] = true;
	return 0;
}

/* "name", "name=value", or "name" with the value in the next argument; moves *argv over what it
 * used. */
static int parse_long(struct parse *p, char ***argv)
{
	const char *text = **argv + 2;
	size_t len = (size_t)(strchrnul(text, '=') - text);
	const struct option *o;
	size_t position;

	if (strcmp(text, "help") == 0) {
		p->result->help = true;
		return 0;
	}
	for (position = 0; (o = option_at(p->set, position)); position++)
		if (strncmp(o->name, text, len) == 0 && o->name[len] == '\0')
			break;
	if (!o)
		return error_say(p->err, EINVAL, "unknown flag: --%.*s", (int)len, text);
	if (text[len] == '=')
		return set_value(p, position, text + len + 1);
	if (o->type == OPTION_FLAG)
		return set_value(p, position, "true");
	if (!(*argv)[1])
		return error_say(p->err, EINVAL, "flag needs an argument: --%s", o->name);
	(*argv)++;
	return set_value(p, position, **argv);
}

/* "-it", "-eNAME", "-e=NAME", "-e NAME". */
static int parse_letters(struct parse *p, char ***argv)
{
	const char *whole = **argv + 1;

	for (const char *at = whole; *at; at++) {
		const struct option *o;
		size_t position;
		for (position = 0; (o = option_at(p->set, position)); position++)
			if (o->letter == *at)
				break;
		if (!o)
			return error_say(p->err, EINVAL, "unknown shorthand flag: '%c' in -%s", *at,
					 whole);
		if (at[1] == '=')
			return set_value(p, position, at + 2);
		if (o->type == OPTION_FLAG) {
			int r = set_value(p, position, "true");
			if (r < 0)
				return r;
			continue;
		}
		if (at[1])
			return set_value(p, position, at + 1);
		if (!(*argv)[1])
			return error_say(p->err, EINVAL, "flag needs an argument: '%c' in -%s", *at,
					 whole);
		(*argv)++;
		return set_value(p, position, **argv);
	}
	return 0;
}

static int set_presets(struct parse *p)
{
	const struct option *o;

	for (size_t i = 0; (o = option_at(p->set, i)); i++) {
		if (i == OPTIONS_MAX)
			abort();
		if (o->preset && !store(o, o->preset, p->values + o->place))
			abort();
	}
	return 0;
}

int option_parse(const struct option_set *set, char **argv, void *values, struct option_result *ret,
		 struct error *err)
{
	struct parse p = { .set = set, .values = values, .result = ret, .err = err };
	char **out = argv;

	*ret = (struct option_result){};
	int r = set_presets(&p);
	for (; r == 0 && *argv && !ret->help && !set->raw; argv++) {
		if ((*argv)[0] == '-' && (*argv)[1] == '-' && (*argv)[2] == '\0') {
			argv++;
			break;
		}
		if ((*argv)[0] != '-' || (*argv)[1] == '\0') {
			if (set->stop_at_operand)
				break;
			out[ret->operand_count++] = *argv;
			continue;
		}
		r = (*argv)[1] == '-' ? parse_long(&p, &argv) : parse_letters(&p, &argv);
	}
	if (r < 0)
		return r;

	/* operands move to the front of the vector, which is never ahead of where it is read */
	for (; *argv; argv++)
		out[ret->operand_count++] = *argv;
	out[ret->operand_count] = NULL;
	ret->operands = out;
	return 0;
}

void option_done(const struct option_set *set, void *values)
{
	const struct option *o;

	for (size_t i = 0; (o = option_at(set, i)); i++)
		if (o->type == OPTION_LIST || o->type == OPTION_WORDS)
			strv_done((struct strv *)((char *)values + o->place));
}
