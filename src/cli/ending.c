/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ending.h"

#include <stdio.h>

#include "cli/client/url.h"
#include "cli/verbs.h"

const struct option ending_option_table[] = {
	{ "signal", 's', OPTION_TEXT, offsetof(struct ending_options, signal),
	  "Signal that asks the program to end", .words = WORDS_SIGNAL },
	{ "timeout", 't', OPTION_INT, offsetof(struct ending_options, timeout),
	  "Seconds to wait before SIGKILL; -1 for ever" },
	{ "time", 0, OPTION_INT, offsetof(struct ending_options, timeout), "As --timeout",
	  .hidden = true },
	{},
};

int ending_post(struct call *call, const char *name, const char *act, struct error *err)
{
	const struct ending_options *o = call->options;
	auto_strbuf url = STRBUF_INIT(URL_MAX);

	url_start(&url, "/containers", name, act);
	if (call_given(call, "timeout") || call_given(call, "time"))
		url_query_int(&url, "t", o->timeout);
	url_query(&url, "signal", o->signal);
	int r = api_post(call->api, strbuf_text(&url), NULL, 0, err);
	if (r >= 0)
		(void)puts(name);
	return r;
}
