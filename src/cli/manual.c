/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/manual.h"

#include <ctype.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/help.h"

/* roff takes a hyphen for a line break's and a leading dot for a request. */
static void add_text(struct strbuf *ret, const char *text)
{
	bool start = true;

	for (; *text; text++) {
		if (start && (*text == '.' || *text == '\''))
			strbuf_adds(ret, "\\&");
		if (*text == '\\')
			strbuf_adds(ret, "\\e");
		else if (*text == '-')
			strbuf_adds(ret, "\\-");
		else
			strbuf_addc(ret, *text);
		start = *text == '\n';
	}
}

static void add_head(struct strbuf *ret, const char *page, const char *help)
{
	strbuf_adds(ret, ".TH ");
	for (const char *c = page; *c; c++)
		strbuf_addc(ret, (char)toupper((unsigned char)*c));
	strbuf_adds(ret, " 1 \"\" \"Berth " BERTH_VERSION "\" \"Berth\"\n.SH NAME\n");
	add_text(ret, page);
	strbuf_adds(ret, " \\- ");
	add_text(ret, help);
	strbuf_addc(ret, '\n');
}

static void add_option(struct strbuf *ret, const struct option *o)
{
	const char *word = option_value_word(o);

	strbuf_adds(ret, ".TP\n");
	if (o->letter)
		strbuf_addf(ret, "\\fB\\-%c\\fR, ", o->letter);
	strbuf_adds(ret, "\\fB\\-\\-");
	add_text(ret, o->name);
	strbuf_adds(ret, "\\fR");
	if (*word) {
		strbuf_adds(ret, " \\fI");
		add_text(ret, word);
		strbuf_adds(ret, "\\fR");
	}
	strbuf_addc(ret, '\n');
	add_text(ret, o->help);
	strbuf_adds(ret, ".");
	if (o->choices) {
		strbuf_adds(ret, " One of: ");
		for (const char *c = o->choices; *c; c++) {
			const char text[] = { *c, '\0' };
			if (*c == '|')
				strbuf_adds(ret, ", ");
			else
				add_text(ret, text);
		}
		strbuf_adds(ret, ".");
	}
	if (o->preset) {
		strbuf_adds(ret, " Default: ");
		add_text(ret, o->preset);
		strbuf_adds(ret, ".");
	}
	strbuf_addc(ret, '\n');
}

static void add_options(struct strbuf *ret, const struct option_set *set)
{
	size_t order[OPTIONS_MAX];
	size_t count = help_sorted(set, order);

	if (count > 0)
		strbuf_adds(ret, ".SH OPTIONS\n");
	for (size_t i = 0; i < count; i++)
		add_option(ret, option_at(set, order[i]));
}

char *manual_name(const struct verb *verb)
{
	char *name = xasprintf("berth-%s", verb->names[0]);

	for (char *c = name; *c; c++)
		if (*c == ' ')
			*c = '-';
	return name;
}

void manual_verb(const struct verb *verb, struct strbuf *ret)
{
	auto_free char *page = manual_name(verb);

	add_head(ret, page, verb->help);
	strbuf_adds(ret, ".SH SYNOPSIS\n");
	for (size_t i = 0; verb->names[i]; i++) {
		strbuf_adds(ret, i ? ".br\n\\fBberth " : "\\fBberth ");
		add_text(ret, verb->names[i]);
		strbuf_adds(ret, "\\fR");
		if (verb->options.tables[0])
			strbuf_adds(ret, " [\\fIOPTIONS\\fR]");
		if (verb->operands) {
			strbuf_addc(ret, ' ');
			add_text(ret, verb->operands);
		}
		strbuf_addc(ret, '\n');
	}
	strbuf_adds(ret, ".SH DESCRIPTION\n");
	add_text(ret, verb->help);
	strbuf_adds(ret, ".\n");
	if (verb->details) {
		strbuf_adds(ret, ".PP\n");
		add_text(ret, verb->details);
		strbuf_addc(ret, '\n');
	}
	add_options(ret, &verb->options);
	strbuf_adds(ret, ".SH SEE ALSO\n\\fBberth\\fR(1)\n");
}

static void add_environment(struct strbuf *ret)
{
	static const char *const variables[][2] = {
		{ "BERTH_HOST", "The engine's address, as for --host." },
		{ "DOCKER_HOST", "The same, where BERTH_HOST is not set." },
		{ "BERTH_CONTEXT", "The context to use." },
		{ "BERTH_CONFIG", "Folder of the client's configuration files; otherwise "
				  "~/.config/berth." },
		{ "DOCKER_CONFIG", "Folder of Docker's config.json, which holds the credentials "
				   "for registries; otherwise ~/.docker." },
	};

	strbuf_adds(ret, ".SH ENVIRONMENT\n");
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		strbuf_addf(ret, ".TP\n\\fB%s\\fR\n", variables[i][0]);
		add_text(ret, variables[i][1]);
		strbuf_addc(ret, '\n');
	}
}

void manual_program(struct strbuf *ret)
{
	add_head(ret, "berth", "containers and virtual machines from the same images");
	strbuf_adds(ret, ".SH SYNOPSIS\n\\fBberth\\fR [\\fIOPTIONS\\fR] \\fICOMMAND\\fR\n"
			 ".SH DESCRIPTION\n");
	add_text(ret,
		 "Runs images as containers or, with --vm, as virtual machines, by the same "
		 "commands. It talks to the engine, berthd, and starts it where none runs. Its "
		 "commands and their options are Docker's.\n");
	add_options(ret, &global_options);
	strbuf_adds(ret, ".SH COMMANDS\n");
	for (size_t i = 0; verbs[i]; i++) {
		if (verbs[i]->hidden)
			continue;
		auto_free char *page = manual_name(verbs[i]);
		strbuf_adds(ret, ".TP\n\\fB");
		add_text(ret, page);
		strbuf_adds(ret, "\\fR(1)\n");
		add_text(ret, verbs[i]->help);
		strbuf_adds(ret, ".\n");
	}
	add_environment(ret);
	strbuf_adds(ret, ".SH EXIT STATUS\n");
	add_text(ret,
		 "run and exec give the exit status of the program: 125 where the engine failed, "
		 "126 where the program cannot be executed, 127 where there is none, 128 and "
		 "the signal's number where a signal ended it. Other commands give 0 or 1.\n");
}
