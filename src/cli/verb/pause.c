/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/client/url.h"
#include "cli/verbs.h"

static int pause_instance(struct call *call, const char *name, struct error *err)
{
	auto_strbuf url = STRBUF_INIT(URL_MAX);

	url_start(&url, "/containers", name, "pause");
	int r = api_post(call->api, strbuf_text(&url), NULL, API_TIMEOUT_MS, err);
	if (r >= 0)
		(void)puts(name);
	return r;
}

static int run(struct call *call)
{
	return call_each(call, pause_instance);
}

const struct verb verb_pause = {
	.names = (const char *const[]){ "pause", "container pause", NULL },
	.operands = "INSTANCE [INSTANCE...]",
	.help = "Pause all processes of instances",
	.operands_min = 1,
	.operands_max = -1,
	.words = WORDS_RUNNING,
	.run = run,
};
