/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/strbuf.h"

static int line_width(FILE *out)
{
	struct winsize size;

	if (ioctl(out == stderr ? STDERR_FILENO : STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
	    size.ws_col >= 40)
		return size.ws_col > 120 ? 120 : size.ws_col;
	return 80;
}

/* Prints @text broken at spaces; each further line starts at column @indent. */
static void print_wrapped(FILE *out, const char *text, int indent, int width)
{
	int room = width - indent > 20 ? width - indent : 20;

	for (bool first = true; *text; first = false) {
		const char *space = NULL;
		const char *at = text;
		for (; *at && *at != '\n' && at - text < room; at++)
			if (*at == ' ')
				space = at;
		if (*at && *at != '\n' && *at != ' ' && space)
			at = space;
		(void)fprintf(out, "%*s%.*s\n", first ? 0 : indent, "", (int)(at - text), text);
		text = *at ? at + 1 : at;
	}
}

size_t help_sorted(const struct option_set *set, size_t ret[OPTIONS_MAX])
{
	size_t count = 0;
	const struct option *o;

	for (size_t i = 0; (o = option_at(set, i)); i++) {
		if (o->hidden)
			continue;
		size_t at = count++;
		for (; at > 0 && strcmp(option_at(set, ret[at - 1])->name, o->name) > 0; at--)
			ret[at] = ret[at - 1];
		ret[at] = i;
	}
	return count;
}

static void option_head(const struct option *o, char *ret, size_t room)
{
	const char *word = option_value_word(o);
	char letter[] = { '-', o->letter, ',', '\0' };

	(void)snprintf(ret, room, "  %3s --%s%s%s", o->letter ? letter : "", o->name,
		       *word ? " " : "", word);
}

static void option_text(const struct option *o, struct strbuf *ret)
{
	strbuf_adds(ret, o->help);
	if (!o->preset)
		return;
	bool text = o->type == OPTION_TEXT;
	strbuf_addf(ret, text ? " (default \"%s\")" : " (default %s)", o->preset);
}

static void print_options(FILE *out, const char *title, const struct option_set *set)
{
	size_t order[OPTIONS_MAX];
	size_t count = help_sorted(set, order);
	int width = line_width(out);
	int column = 0;
	char head[128];

	for (size_t i = 0; i < count; i++) {
		option_head(option_at(set, order[i]), head, sizeof(head));
		if ((int)strlen(head) + 3 > column)
			column = (int)strlen(head) + 3;
	}
	if (count > 0)
		(void)fprintf(out, "\n%s:\n", title);
	for (size_t i = 0; i < count; i++) {
		const struct option *o = option_at(set, order[i]);
		struct strbuf text = STRBUF_INIT(4096);
		option_head(o, head, sizeof(head));
		option_text(o, &text);
		(void)fprintf(out, "%-*s", column, head);
		print_wrapped(out, strbuf_text(&text), column, width);
		strbuf_done(&text);
	}
}

void help_usage(FILE *out, const struct verb *verb)
{
	const char *name = verb->names[0];

	(void)fprintf(out, "Usage:  berth %s%s%s%s\n", name,
		      verb->options.tables[0] ? " [OPTIONS]" : "", verb->operands ? " " : "",
		      verb->operands ? verb->operands : "");
}

void help_verb(FILE *out, const struct verb *verb)
{
	help_usage(out, verb);
	(void)fprintf(out, "\n%s\n", verb->help);
	if (verb->details) {
		(void)fputc('\n', out);
		print_wrapped(out, verb->details, 0, line_width(out));
	}
	if (verb->names[1]) {
		(void)fputs("\nAliases:\n  ", out);
		for (size_t i = 0; verb->names[i]; i++)
			(void)fprintf(out, "%sberth %s", i ? ", " : "", verb->names[i]);
		(void)fputc('\n', out);
	}
	print_options(out, "Options", &verb->options);
}

static void print_command(FILE *out, const char *name, const char *help)
{
	(void)fprintf(out, "  %-12s%s\n", name, help);
}

/* The shown verbs of one group: those whose first name in it is @group; "" for the top level. */
static const char *name_within(const struct verb *verb, const char *group)
{
	size_t len = strlen(group);

	for (const char *const *name = verb->names; *name; name++) {
		if (len == 0 && !strchr(*name, ' '))
			return *name;
		if (len > 0 && strncmp(*name, group, len) == 0 && (*name)[len] == ' ')
			return *name + len + 1;
	}
	return NULL;
}

static void print_verbs(FILE *out, const char *title, const char *group, int common)
{
	(void)fprintf(out, "\n%s:\n", title);
	for (size_t i = 0; verbs[i]; i++) {
		const char *name = name_within(verbs[i], group);
		if (name && !verbs[i]->hidden && (common < 0 || verbs[i]->common == (common > 0)))
			print_command(out, name, verbs[i]->help);
	}
}

void help_program(FILE *out)
{
	(void)fputs("Usage:  berth [OPTIONS] COMMAND\n\n"
		    "Containers and virtual machines from the same images, by the same commands\n",
		    out);
	print_verbs(out, "Common Commands", "", 1);
	(void)fputs("\nManagement Commands:\n", out);
	for (const struct verb_group *g = verb_groups; g->name; g++)
		print_command(out, g->name, g->help);
	print_verbs(out, "Commands", "", 0);
	print_options(out, "Global Options", &global_options);
	(void)fputs("\nRun 'berth COMMAND --help' for more information on a command.\n", out);
}

void help_group(FILE *out, const struct verb_group *group)
{
	(void)fprintf(out, "Usage:  berth %s COMMAND\n\n%s\n", group->name, group->help);
	print_verbs(out, "Commands", group->name, -1);
	(void)fprintf(out, "\nRun 'berth %s COMMAND --help' for more information on a command.\n",
		      group->name);
}
