/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/inspect-objects.h"
#include "cli/verbs.h"

static const struct option options[] = {
	{ "format", 'f', OPTION_TEXT, offsetof(struct inspect_options, format),
	  "How to print: 'json', or a Go TEMPLATE for each" },
	{ "size", 's', OPTION_FLAG, offsetof(struct inspect_options, size),
	  "Also find out the sizes of instances on disk" },
	{ "type", 0, OPTION_TEXT, offsetof(struct inspect_options, type),
	  "Look only for objects of this type", .choices = "container|image|network|volume" },
	{},
};

static int run(struct call *call)
{
	const struct inspect_options *o = call->options;
	const char *type = o->type && *o->type ? o->type : NULL;

	if (type && !inspect_knows_type(type))
		return call_say(call, "\"%s\" is not a valid value for --type", type);
	return inspect_objects(call, type);
}

const struct verb verb_inspect = {
	.names = (const char *const[]){ "inspect", NULL },
	.operands = "NAME|ID [NAME|ID...]",
	.help = "Show everything about instances, images and other objects",
	.options = { .tables = { options } },
	.options_size = sizeof(struct inspect_options),
	.operands_min = 1,
	.operands_max = -1,
	.words = WORDS_INSTANCE,
	.run = run,
};
