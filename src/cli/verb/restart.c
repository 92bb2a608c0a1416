/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/url.h"
#include "cli/verbs.h"

struct restart_options {
	const char *signal;
	int64_t timeout;
};

static const struct option options[] = {
	{ "signal", 's', OPTION_TEXT, offsetof(struct restart_options, signal),
	  "Signal that asks the program to end", .words = WORDS_SIGNAL },
	{ "timeout", 't', OPTION_INT, offsetof(struct restart_options, timeout),
	  "Seconds to wait before SIGKILL; -1 for ever" },
	{ "time", 0, OPTION_INT, offsetof(struct restart_options, timeout), "As --timeout",
	  .hidden = true },
	{},
};

static int restart(struct call *call, const char *name, struct error *err)
{
	const struct restart_options *o = call->options;
	auto_strbuf url = STRBUF_INIT(URL_MAX);

	url_start(&url, "/containers", name, "restart");
	if (call_given(call, "timeout") || call_given(call, "time"))
		url_query_int(&url, "t", o->timeout);
	url_query(&url, "signal", o->signal);
	int r = api_post(call->api, strbuf_text(&url), NULL, 0, err);
	if (r >= 0)
		(void)puts(name);
	return r;
}

static int run(struct call *call)
{
	return call_each(call, restart);
}

const struct verb verb_restart = {
	.names = (const char *const[]){ "restart", "container restart", NULL },
	.operands = "INSTANCE [INSTANCE...]",
	.help = "Restart instances",
	.options = { .tables = { options } },
	.options_size = sizeof(struct restart_options),
	.operands_min = 1,
	.operands_max = -1,
	.words = WORDS_RUNNING,
	.run = run,
};
