/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ending.h"
#include "cli/verbs.h"

static int stop(struct call *call, const char *name, struct error *err)
{
	return ending_post(call, name, "stop", err);
}

static int run(struct call *call)
{
	return call_each(call, stop);
}

const struct verb verb_stop = {
	.names = (const char *const[]){ "stop", "container stop", NULL },
	.operands = "INSTANCE [INSTANCE...]",
	.help = "Stop running instances",
	.options = { .tables = { ending_option_table } },
	.options_size = sizeof(struct ending_options),
	.operands_min = 1,
	.operands_max = -1,
	.words = WORDS_RUNNING,
	.run = run,
};
