/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/client/url.h"
#include "cli/document.h"
#include "cli/session.h"
#include "cli/verbs.h"

struct start_options {
	bool attach;
	bool interactive;
	const char *detach_keys;
};

static const struct option options[] = {
	{ "attach", 'a', OPTION_FLAG, offsetof(struct start_options, attach),
	  "Attach its output and pass signals on" },
	{ "detach-keys", 0, OPTION_TEXT, offsetof(struct start_options, detach_keys),
	  "Keys that leave a terminal without ending what runs in it" },
	{ "interactive", 'i', OPTION_FLAG, offsetof(struct start_options, interactive),
	  "Attach its standard input" },
	{},
};

static int start(struct call *call, const char *name, struct error *err)
{
	auto_strbuf url = STRBUF_INIT(URL_MAX);

	url_start(&url, "/containers", name, "start");
	int r = api_post(call->api, strbuf_text(&url), NULL, 0, err);
	if (r >= 0)
		(void)puts(name);
	return r;
}

static int start_attached(struct call *call)
{
	const struct start_options *o = call->options;
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	auto_json *instance = NULL;
	struct error err = {};
	int status = 0;

	if (call->operand_count != 1)
		return call_say(call, "you cannot start and attach multiple instances at once");
	url_start(&url, "/containers", call->operands[0], "json");
	int r = api_get(call->api, strbuf_text(&url), &instance, &err);
	if (r < 0)
		return call_fail(call, call->operands[0], &err);
	const struct session session = {
		.id = document_text(instance, "Id"),
		.tty = document_bool(instance, "Config.Tty"),
		.std_in = o->interactive && document_bool(instance, "Config.OpenStdin"),
		.std_out = true,
		.std_err = true,
		.start = true,
		.auto_remove = document_bool(instance, "HostConfig.AutoRemove"),
		.proxy_signals = !document_bool(instance, "Config.Tty"),
		.detach_keys = o->detach_keys,
	};
	r = session_run(call, &session, &status, &err);
	return r < 0 ? call_fail(call, call->operands[0], &err) : status;
}

static int run(struct call *call)
{
	const struct start_options *o = call->options;

	if (o->attach || o->interactive)
		return start_attached(call);
	return call_each(call, start);
}

const struct verb verb_start = {
	.names = (const char *const[]){ "start", "container start", NULL },
	.operands = "INSTANCE [INSTANCE...]",
	.help = "Start stopped instances",
	.options = { .tables = { options } },
	.options_size = sizeof(struct start_options),
	.operands_min = 1,
	.operands_max = -1,
	.words = WORDS_STOPPED,
	.run = run,
};
