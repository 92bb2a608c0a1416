/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/session.h"
#include "cli/verbs.h"

static int wait_for(struct call *call, const char *name, struct error *err)
{
	int status;

	int r = session_wait(call, name, &status, err);
	if (r == 0) {
		(void)printf("%d\n", status);
		(void)fflush(stdout);
	}
	return r;
}

static int run(struct call *call)
{
	return call_each(call, wait_for);
}

const struct verb verb_wait = {
	.names = (const char *const[]){ "wait", "container wait", NULL },
	.operands = "INSTANCE [INSTANCE...]",
	.help = "Wait until instances end, then print their exit statuses",
	.operands_min = 1,
	.operands_max = -1,
	.words = WORDS_RUNNING,
	.run = run,
};
