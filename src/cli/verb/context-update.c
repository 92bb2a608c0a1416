/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/context/entry.h"
#include "cli/verbs.h"

static int update(const struct call *call, struct json_object *document, struct error *err)
{
	struct json_object *entry = context_find(document, call->operands[0]);
	if (!entry)
		return context_missing(call->operands[0], err);

	int r = context_apply(call->options, entry, err);
	return r < 0 ? r : context_save(call->globals, document, err);
}

static int run(struct call *call)
{
	return context_change(call, update);
}

const struct verb verb_context_update = {
	.names = (const char *const[]){ "context update", NULL },
	.operands = "CONTEXT",
	.help = "Change a context",
	.options = { .tables = { context_change_table } },
	.options_size = sizeof(struct context_options),
	.operands_min = 1,
	.operands_max = 1,
	.words = WORDS_CONTEXT,
	.local = true,
	.run = run,
};
