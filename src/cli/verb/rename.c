/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client/url.h"
#include "cli/verbs.h"

static int run(struct call *call)
{
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	struct error err = {};

	url_start(&url, "/containers", call->operands[0], "rename");
	url_query(&url, "name", call->operands[1]);
	int r = api_post(call->api, strbuf_text(&url), NULL, API_TIMEOUT_MS, &err);
	return r < 0 ? call_fail(call, call->operands[0], &err) : 0;
}

const struct verb verb_rename = {
	.names = (const char *const[]){ "rename", "container rename", NULL },
	.operands = "INSTANCE NEW_NAME",
	.help = "Rename an instance",
	.operands_min = 2,
	.operands_max = 2,
	.words = WORDS_INSTANCE,
	.run = run,
};
