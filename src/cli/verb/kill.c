/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/client/url.h"
#include "cli/verbs.h"

struct kill_options {
	const char *signal;
};

static const struct option options[] = {
	{ "signal", 's', OPTION_TEXT, offsetof(struct kill_options, signal),
	  "Signal to send, instead of SIGKILL", .words = WORDS_SIGNAL },
	{},
};

static int kill_instance(struct call *call, const char *name, struct error *err)
{
	const struct kill_options *o = call->options;
	auto_strbuf url = STRBUF_INIT(URL_MAX);

	url_start(&url, "/containers", name, "kill");
	url_query(&url, "signal", o->signal);
	int r = api_post(call->api, strbuf_text(&url), NULL, API_TIMEOUT_MS, err);
	if (r >= 0)
		(void)puts(name);
	return r;
}

static int run(struct call *call)
{
	return call_each(call, kill_instance);
}

const struct verb verb_kill = {
	.names = (const char *const[]){ "kill", "container kill", NULL },
	.operands = "INSTANCE [INSTANCE...]",
	.help = "Kill running instances",
	.options = { .tables = { options } },
	.options_size = sizeof(struct kill_options),
	.operands_min = 1,
	.operands_max = -1,
	.words = WORDS_RUNNING,
	.run = run,
};
