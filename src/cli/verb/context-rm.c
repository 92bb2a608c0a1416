/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/context/entry.h"
#include "cli/document.h"
#include "cli/verbs.h"

struct context_rm_options {
	bool force;
};

static const struct option options[] = {
	{ "force", 'f', OPTION_FLAG, offsetof(struct context_rm_options, force),
	  "Also the one in use" },
	{},
};

static int remove_context(struct call *call, const char *name, struct error *err)
{
	const struct context_rm_options *o = call->options;
	auto_json *document = NULL;

	int r = context_load(call->globals, &document, err);
	if (r < 0)
		return r;
	if (!context_find(document, name))
		return context_missing(name, err);
	if (strcmp(document_text(document, "current"), name) == 0) {
		if (!o->force)
			return error_say(err, EBUSY,
					 "context \"%s\" is in use, set -f flag to force remove",
					 name);
		json_object_object_del(document, "current");
	}
	json_object_object_del(context_entries(document), name);
	r = context_save(call->globals, document, err);
	if (r == 0)
		(void)puts(name);
	return r;
}

static int run(struct call *call)
{
	return call_each(call, remove_context);
}

const struct verb verb_context_rm = {
	.names = (const char *const[]){ "context rm", "context remove", NULL },
	.operands = "CONTEXT [CONTEXT...]",
	.help = "Remove contexts",
	.options = { .tables = { options } },
	.options_size = sizeof(struct context_rm_options),
	.operands_min = 1,
	.operands_max = -1,
	.words = WORDS_CONTEXT,
	.local = true,
	.run = run,
};
