/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/context/context.h"
#include "cli/verbs.h"

static int run(struct call *call)
{
	auto_json *document = NULL;
	struct error err = {};

	if (context_load(call->globals, &document, &err) < 0)
		return call_fail(call, NULL, &err);
	(void)puts(context_current(call->globals, document));
	return 0;
}

const struct verb verb_context_show = {
	.names = (const char *const[]){ "context show", NULL },
	.help = "Print the name of the context in force",
	.local = true,
	.run = run,
};
