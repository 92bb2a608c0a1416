/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ending.h"
#include "cli/verbs.h"

static int restart(struct call *call, const char *name, struct error *err)
{
	return ending_post(call, name, "restart", err);
}

static int run(struct call *call)
{
	return call_each(call, restart);
}

const struct verb verb_restart = {
	.names = (const char *const[]){ "restart", "container restart", NULL },
	.operands = "INSTANCE [INSTANCE...]",
	.help = "Restart instances",
	.options = { .tables = { ending_option_table } },
	.options_size = sizeof(struct ending_options),
	.operands_min = 1,
	.operands_max = -1,
	.words = WORDS_RUNNING,
	.run = run,
};
