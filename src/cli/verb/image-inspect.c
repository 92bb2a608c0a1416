/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/inspect-objects.h"
#include "cli/verbs.h"

static const struct option options[] = {
	{ "format", 'f', OPTION_TEXT, offsetof(struct inspect_options, format),
	  "How to print: 'json', or a Go TEMPLATE for each" },
	{},
};

static int run(struct call *call)
{
	return inspect_objects(call, "image");
}

const struct verb verb_image_inspect = {
	.names = (const char *const[]){ "image inspect", NULL },
	.operands = "IMAGE [IMAGE...]",
	.help = "Show everything about images",
	.options = { .tables = { options } },
	.options_size = sizeof(struct inspect_options),
	.operands_min = 1,
	.operands_max = -1,
	.words = WORDS_IMAGE,
	.run = run,
};
