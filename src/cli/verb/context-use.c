/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/context/entry.h"
#include "cli/verbs.h"

static int use(const struct call *call, struct json_object *document, struct error *err)
{
	const char *name = call->operands[0];

	if (strcmp(name, CONTEXT_DEFAULT) != 0 && !context_find(document, name))
		return context_missing(name, err);
	json_add_string(document, "current", name);
	return context_save(call->globals, document, err);
}

static int run(struct call *call)
{
	return context_change(call, use);
}

const struct verb verb_context_use = {
	.names = (const char *const[]){ "context use", NULL },
	.operands = "CONTEXT",
	.help = "Choose the context for the commands that follow",
	.operands_min = 1,
	.operands_max = 1,
	.words = WORDS_CONTEXT,
	.local = true,
	.run = run,
};
