/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/context/context.h"
#include "cli/help.h"
#include "cli/screen.h"
#include "cli/verb.h"

static int bad_usage(const struct verb *verb, const char *name, const char *text)
{
	(void)fprintf(stderr, "berth: %s: %s\n\n", name, text);
	help_usage(stderr, verb);
	(void)fprintf(stderr, "\nSee 'berth %s --help'.\n", name);
	return verb->failure ? verb->failure : 1;
}

/* Docker's words for a wrong number of operands; false where it is right. */
static bool wrong_count(const struct verb *verb, const char *name, size_t count, char *ret,
			size_t room)
{
	int min = verb->operands_min;
	int max = verb->operands_max;
	const char *how = min == max ? "" : (int)count < min ? "at least " : "at most ";
	int limit = (int)count < min ? min : max;

	if ((int)count >= min && (max < 0 || (int)count <= max))
		return false;
	if (max == 0)
		(void)snprintf(ret, room, "'berth %s' accepts no arguments", name);
	else
		(void)snprintf(ret, room, "'berth %s' requires %s%d argument%s", name, how, limit,
			       limit == 1 ? "" : "s");
	return true;
}

static int open_api(struct call *call, struct api **ret)
{
	struct endpoint endpoint = {};
	struct error err = {};

	if (context_endpoint(call->globals, &endpoint, &err) < 0) {
		(void)call_fail(call, NULL, &err);
		return -EINVAL;
	}
	endpoint.may_start = endpoint.may_start && !call->verb->no_start;
	const struct globals *g = call->globals;
	*ret = api_new(&endpoint, g->debug || strcmp(g->log_level, "debug") == 0);
	return 0;
}

static int run_verb(const struct verb *verb, const char *name, char **argv,
		    const struct globals *globals)
{
	auto_free void *values = xcalloc(1, verb->options_size ? verb->options_size : 1);
	struct option_result parsed;
	struct error err = {};
	char text[128];

	if (option_parse(&verb->options, argv, values, &parsed, &err) < 0) {
		option_done(&verb->options, values);
		return bad_usage(verb, name, err.text);
	}
	if (parsed.help) {
		help_verb(stdout, verb);
		return 0;
	}
	if (wrong_count(verb, name, parsed.operand_count, text, sizeof(text)))
		return bad_usage(verb, name, text);

	auto_api *api = NULL;
	struct call call = {
		.verb = verb,
		.name = name,
		.globals = globals,
		.options = values,
		.operands = parsed.operands,
		.operand_count = parsed.operand_count,
		.parsed = &parsed,
	};
	if (!verb->local && open_api(&call, &api) < 0)
		return 1;
	call.api = api;
	int status = verb->run(&call);
	option_done(&verb->options, values);
	return status;
}

/* What "berth WORD" is where no verb has that name: a group, or a mistake. */
static int run_group(char **words)
{
	const struct verb_group *group = verb_group_find(words[0]);

	if (group && (!words[1] || strcmp(words[1], "--help") == 0)) {
		help_group(words[1] ? stdout : stderr, group);
		return words[1] ? 0 : 1;
	}
	if (group)
		(void)fprintf(stderr,
			      "berth: unknown command: berth %s %s\n\n"
			      "Run 'berth %s --help' for more information\n",
			      words[0], words[1], words[0]);
	else
		(void)fprintf(stderr,
			      "berth: unknown command: berth %s\n\n"
			      "Run 'berth --help' for more information\n",
			      words[0]);
	return 1;
}

/* "berth help run" is "berth run --help". */
static int run_help(char **words)
{
	const char *name;
	size_t used;

	if (!words[0]) {
		help_program(stdout);
		return 0;
	}
	const struct verb *verb = verb_find(words, &used, &name);
	if (verb) {
		help_verb(stdout, verb);
		return 0;
	}
	const struct verb_group *group = verb_group_find(words[0]);
	if (!group)
		return run_group(words);
	help_group(stdout, group);
	return 0;
}

/* Standard descriptors that are closed would be given to the next socket or file. */
static void fill_standard_descriptors(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)!open("/dev/null", O_RDWR);
}

int main(int argc, char **argv)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct globals globals = {};
	struct option_result parsed;
	struct error err = {};

	fill_standard_descriptors();
	(void)sigaction(SIGPIPE, &ignore, NULL);
	screen_guard();
	if (argc < 1)
		return 1;
	if (option_parse(&global_options, argv + 1, &globals, &parsed, &err) < 0) {
		(void)fprintf(stderr, "berth: %s\n\nSee 'berth --help'.\n", err.text);
		return 125;
	}
	if (globals.version) {
		(void)puts("Berth version " BERTH_VERSION);
		return 0;
	}
	if (parsed.help || parsed.operand_count == 0) {
		help_program(parsed.help ? stdout : stderr);
		return parsed.help ? 0 : 1;
	}
	if (strcmp(parsed.operands[0], "help") == 0)
		return run_help(parsed.operands + 1);

	const char *name;
	size_t used;
	const struct verb *verb = verb_find(parsed.operands, &used, &name);
	int status = verb ? run_verb(verb, name, parsed.operands + used, &globals)
			  : run_group(parsed.operands);
	option_done(&global_options, &globals);
	if (fflush(stdout) != 0 && status == 0) {
		(void)fprintf(stderr, "berth: write the output: %s\n", strerror(errno));
		return 1;
	}
	return status;
}
