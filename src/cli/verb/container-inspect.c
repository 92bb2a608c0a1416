/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/inspect-objects.h"
#include "cli/verbs.h"

static const struct option options[] = {
	{ "format", 'f', OPTION_TEXT, offsetof(struct inspect_options, format),
	  "How to print: 'json', or a Go TEMPLATE for each" },
	{ "size", 's', OPTION_FLAG, offsetof(struct inspect_options, size),
	  "Also find out the sizes on disk" },
	{},
};

static int run(struct call *call)
{
	return inspect_objects(call, "container");
}

const struct verb verb_container_inspect = {
	.names = (const char *const[]){ "container inspect", NULL },
	.operands = "INSTANCE [INSTANCE...]",
	.help = "Show everything about instances",
	.options = { .tables = { options } },
	.options_size = sizeof(struct inspect_options),
	.operands_min = 1,
	.operands_max = -1,
	.words = WORDS_INSTANCE,
	.run = run,
};
