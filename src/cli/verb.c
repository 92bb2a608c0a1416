/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/verb.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

const struct verb *verb_find(char *const *words, size_t *ret_used, const char **ret_name)
{
	const struct verb *found = NULL;

	for (size_t v = 0; words[0] && verbs[v]; v++) {
		for (const char *const *name = verbs[v]->names; *name; name++) {
			size_t len = strlen(words[0]);
			if (strncmp(*name, words[0], len) != 0)
				continue;
			if ((*name)[len] == '\0') {
				*ret_used = 1;
				*ret_name = *name;
				return verbs[v];
			}
			if ((*name)[len] == ' ' && words[1] &&
			    strcmp(*name + len + 1, words[1]) == 0) {
				*ret_used = 2;
				*ret_name = *name;
				found = verbs[v];
			}
		}
	}
	return found;
}

const struct verb_group *verb_group_find(const char *name)
{
	for (const struct verb_group *g = verb_groups; g->name; g++)
		if (strcmp(g->name, name) == 0)
			return g;
	return NULL;
}

bool call_given(const struct call *call, const char *option)
{
	int position = option_find(&call->verb->options, option);

	return position >= 0 && call->parsed->given[position];
}

int call_fail(const struct call *call, const char *object, const struct error *err)
{
	auto_free char *act =
		object ? xasprintf("%s %s: ", call->name, object) : xasprintf("%s: ", call->name);
	/* the engine may have named the act as well */
	bool named = strncmp(err->text, act, strlen(act)) == 0;

	(void)fflush(stdout);
	(void)fprintf(stderr, "berth: %s%s\n", named ? "" : act, err->text);
	return 1;
}

int call_say(const struct call *call, const char *fmt, ...)
{
	struct error err = {};
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(err.text, sizeof(err.text), fmt, args);
	va_end(args);
	return call_fail(call, NULL, &err);
}

int call_each(struct call *call,
	      int (*each)(struct call *call, const char *operand, struct error *err))
{
	int status = 0;

	for (size_t i = 0; i < call->operand_count; i++) {
		struct error err = {};
		if (each(call, call->operands[i], &err) < 0)
			status = call_fail(call, call->operands[i], &err);
	}
	return status;
}
