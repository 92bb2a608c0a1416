/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/complete/complete.h"

#include <stdio.h>

#include "cli/verbs.h"

static int run(struct call *call)
{
	auto_strbuf answer = STRBUF_INIT(16U << 20);

	complete_words(call, call->operands, call->operand_count, &answer);
	(void)fputs(strbuf_text(&answer), stdout);
	return 0;
}

const struct verb verb_complete = {
	.names = (const char *const[]){ "__complete", NULL },
	.operands = "WORD [WORD...]",
	.help = "Print what may stand for the last word",
	/* the words are another command line: none of them is an option of this one */
	.options = { .stop_at_operand = true, .raw = true },
	.operands_min = 1,
	.operands_max = -1,
	.hidden = true,
	.no_start = true,
	.run = run,
};
