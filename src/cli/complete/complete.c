/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/complete/complete.h"

#include <string.h>

#include "base/alloc.h"

struct completion {
	const struct call *call;
	char **words;
	size_t count;
	const char *current;
	struct strbuf *ret;
	enum words rest; /* what the shell itself should offer */
};

void complete_add(const char *lead, const char *word, const char *description, const char *prefix,
		  struct strbuf *ret)
{
	if (strncmp(word, prefix, strlen(prefix)) != 0)
		return;
	strbuf_addf(ret, "%s%s%s%s\n", lead, word, description ? "\t" : "",
		    description ? description : "");
}

static void add_choices(const char *choices, const char *lead, const char *prefix,
			struct strbuf *ret)
{
	auto_strv list = {};

	strv_split(&list, choices, '|');
	for (size_t i = 0; i < list.count; i++)
		complete_add(lead, list.items[i], NULL, prefix, ret);
}

static void add_values(struct completion *c, const char *choices, enum words kind, const char *lead,
		       const char *prefix)
{
	if (choices)
		add_choices(choices, lead, prefix, c->ret);
	else
		complete_add_words(c->call, kind, lead, prefix, c->ret);
	c->rest = choices ? WORDS_NONE : kind;
}

static void add_options(struct completion *c, const struct option_set *set)
{
	const char *prefix = strlen(c->current) > 2 ? c->current + 2 : "";
	const struct option *o;

	for (size_t i = 0; (o = option_at(set, i)); i++)
		if (!o->hidden)
			complete_add("--", o->name, o->help, prefix, c->ret);
	complete_add("--", "help", "Print usage", prefix, c->ret);
}

/* "-" or "-x": the short forms as well. */
static void add_letters(struct completion *c, const struct option_set *set)
{
	const struct option *o;

	if (c->current[1])
		return;
	for (size_t i = 0; (o = option_at(set, i)); i++) {
		const char letter[] = { o->letter, '\0' };
		if (!o->hidden && o->letter)
			complete_add("-", letter, o->help, "", c->ret);
	}
}

/* The option whose value stands in the word behind @word; NULL where there is none. */
static const struct option *awaits_value(const struct option_set *set, const char *word)
{
	const struct option *o;

	if (strncmp(word, "--", 2) == 0) {
		int position = option_find(set, word + 2);
		o = position < 0 ? NULL : option_at(set, (size_t)position);
		return o && o->type != OPTION_FLAG ? o : NULL;
	}
	for (const char *at = word + 1; word[0] == '-' && *at; at++) {
		for (size_t i = 0; (o = option_at(set, i)); i++)
			if (o->letter == *at)
				break;
		if (!o || (o->type != OPTION_FLAG && at[1]))
			return NULL;
		if (o->type != OPTION_FLAG)
			return o;
	}
	return NULL;
}

/* "--name=val" */
static bool add_attached_value(struct completion *c, const struct option_set *set)
{
	const char *equal = strchr(c->current, '=');
	const struct option *o;

	if (strncmp(c->current, "--", 2) != 0 || !equal)
		return false;
	auto_free char *name = xstrndup(c->current + 2, (size_t)(equal - c->current - 2));
	auto_free char *lead = xasprintf("--%s=", name);
	int position = option_find(set, name);
	o = position < 0 ? NULL : option_at(set, (size_t)position);
	if (o && o->type == OPTION_FLAG)
		add_choices("true|false", lead, equal + 1, c->ret);
	else if (o)
		add_values(c, o->choices, o->words, lead, equal + 1);
	return true;
}

/* What an operand of the verb may be; those behind the first of run and exec are a command. */
static void add_operand(struct completion *c, const struct verb *verb, size_t index)
{
	bool command = verb->options.stop_at_operand && index > 0;
	bool surplus = verb->operands_max >= 0 && index >= (size_t)verb->operands_max;

	if (surplus)
		return;
	if (command)
		c->rest = WORDS_FILE;
	else
		add_values(c, verb->choices, verb->words, "", c->current);
}

/* @from is the first word behind the verb's name. */
static void complete_verb(struct completion *c, const struct verb *verb, size_t from)
{
	const struct option_set *set = &verb->options;
	const struct option *awaiting = NULL;
	size_t operands = 0;
	bool options = true;

	for (size_t i = from; i + 1 < c->count; i++) {
		const char *word = c->words[i];
		if (awaiting)
			awaiting = NULL;
		else if (options && strcmp(word, "--") == 0)
			options = false;
		else if (options && word[0] == '-' && word[1])
			awaiting = awaits_value(set, word);
		else
			operands++;
		if (operands > 0 && set->stop_at_operand)
			options = false;
	}
	if (awaiting) {
		add_values(c, awaiting->choices, awaiting->words, "", c->current);
	} else if (options && c->current[0] == '-') {
		if (add_attached_value(c, set))
			return;
		add_letters(c, set);
		if (!c->current[1] || c->current[1] == '-')
			add_options(c, set);
	} else {
		add_operand(c, verb, operands);
	}
}

/* Names of verbs: of the top level, or within a group. */
static void add_verbs(struct completion *c, const char *group)
{
	size_t len = group ? strlen(group) : 0;

	for (size_t v = 0; verbs[v]; v++) {
		for (const char *const *name = verbs[v]->names; *name && !verbs[v]->hidden;
		     name++) {
			const char *space = strchr(*name, ' ');
			if (!group && !space)
				complete_add("", *name, verbs[v]->help, c->current, c->ret);
			if (group && space && (size_t)(space - *name) == len &&
			    strncmp(*name, group, len) == 0)
				complete_add("", space + 1, verbs[v]->help, c->current, c->ret);
		}
	}
}

static void complete_start(struct completion *c)
{
	if (c->current[0] == '-') {
		if (add_attached_value(c, &global_options))
			return;
		add_letters(c, &global_options);
		if (!c->current[1] || c->current[1] == '-')
			add_options(c, &global_options);
		return;
	}
	add_verbs(c, NULL);
	for (const struct verb_group *g = verb_groups; g->name; g++)
		complete_add("", g->name, g->help, c->current, c->ret);
}

/* How many words at the front are global options and their values; sets @awaiting for the last. */
static size_t skip_globals(const struct completion *c, const struct option **awaiting)
{
	size_t i = 0;

	*awaiting = NULL;
	while (i + 1 < c->count && c->words[i][0] == '-') {
		const struct option *o = awaits_value(&global_options, c->words[i]);
		i++;
		if (o && i + 1 >= c->count)
			*awaiting = o;
		else if (o)
			i++;
	}
	return i;
}

static void add_rest(struct completion *c)
{
	const char *rest = c->rest == WORDS_FILE           ? ":files"
			   : c->rest == WORDS_FOLDER       ? ":folders"
			   : c->rest == WORDS_HOST_COMMAND ? ":commands"
							   : ":words";

	strbuf_addf(c->ret, "%s\n", rest);
}

void complete_words(const struct call *call, char **words, size_t count, struct strbuf *ret)
{
	struct completion c = {
		.call = call,
		.words = words,
		.count = count,
		.current = words[count - 1],
		.ret = ret,
	};
	const struct option *awaiting;
	const char *name;
	size_t used;

	size_t from = skip_globals(&c, &awaiting);
	/* the word being typed is no name of a verb yet */
	char *typed[3] = {};
	for (size_t i = 0; i < 2 && from + i + 1 < count; i++)
		typed[i] = words[from + i];
	const struct verb *verb = verb_find(typed, &used, &name);
	if (awaiting)
		add_values(&c, awaiting->choices, awaiting->words, "", c.current);
	else if (verb)
		complete_verb(&c, verb, from + used);
	else if (from + 1 == count)
		complete_start(&c);
	else if (from + 2 == count && verb_group_find(words[from]))
		add_verbs(&c, words[from]);
	add_rest(&c);
}
