/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/alloc.h"
#include "cli/create/run.h"
#include "cli/verbs.h"

static int run(struct call *call)
{
	auto_json *body = NULL;
	auto_free char *id = NULL;
	struct error err = {};

	int r = create_body(call, false, &body, &err);
	if (r == 0)
		r = create_prepare(call, &err);
	if (r == 0)
		r = create_instance(call, body, &id, &err);
	if (r < 0)
		return create_fail(call, &err, 1);
	(void)puts(id);
	return 0;
}

const struct verb verb_create = {
	.names = (const char *const[]){ "create", "container create", NULL },
	.operands = "IMAGE [COMMAND] [ARG...]",
	.help = "Create a new instance without starting it",
	.options = { .tables = { create_table, create_place_table, limit_table },
		     .stop_at_operand = true },
	.options_size = sizeof(struct create_options),
	.operands_min = 1,
	.operands_max = -1,
	.words = WORDS_IMAGE,
	.run = run,
	.failure = RUN_FAILED,
};
