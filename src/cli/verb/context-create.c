/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "cli/context/entry.h"
#include "cli/document.h"
#include "cli/verbs.h"

static const struct option options[] = {
	{ "from", 0, OPTION_TEXT, offsetof(struct context_options, from),
	  "Begin with what another context says", .words = WORDS_CONTEXT },
	{},
};

static bool good_name(const char *name)
{
	return *name && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789_.+-") == strlen(name);
}

static int create(const struct call *call, struct json_object *document, struct error *err)
{
	const struct context_options *o = call->options;
	const char *name = call->operands[0];
	struct json_object *from = o->from ? context_find(document, o->from) : NULL;

	if (!good_name(name))
		return error_say(err, EINVAL, "context name \"%s\" is invalid", name);
	if (strcmp(name, CONTEXT_DEFAULT) == 0 || context_find(document, name))
		return error_say(err, EEXIST, "context \"%s\" already exists", name);
	if (o->from && !from)
		return context_missing(o->from, err);
	auto_json *entry = from ? document_sorted(from) : json_object_new_object();
	int r = context_apply(o, entry, err);
	if (r < 0)
		return r;
	(void)json_add(context_entries(document), name, json_object_get(entry));
	return context_save(call->globals, document, err);
}

static int run(struct call *call)
{
	return context_change(call, create);
}

const struct verb verb_context_create = {
	.names = (const char *const[]){ "context create", NULL },
	.operands = "CONTEXT",
	.help = "Give an engine a name",
	.options = { .tables = { context_change_table, options } },
	.options_size = sizeof(struct context_options),
	.operands_min = 1,
	.operands_max = 1,
	.local = true,
	.run = run,
};
