/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client/url.h"
#include "cli/document.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

struct attach_options {
	bool no_stdin;
	bool sig_proxy;
	const char *detach_keys;
};

static const struct option options[] = {
	{ "detach-keys", 0, OPTION_TEXT, offsetof(struct attach_options, detach_keys),
	  "Keys that leave a terminal without ending what runs in it" },
	{ "no-stdin", 0, OPTION_FLAG, offsetof(struct attach_options, no_stdin),
	  "Do not attach standard input" },
	{ "sig-proxy", 0, OPTION_FLAG, offsetof(struct attach_options, sig_proxy),
	  "Pass signals on to the program", .preset = "true" },
	{},
};

static int check(struct call *call, struct json_object *instance, bool std_in)
{
	if (!document_bool(instance, "State.Running"))
		return call_say(call, "cannot attach to a stopped instance, start it first");
	if (document_bool(instance, "State.Paused"))
		return call_say(call, "cannot attach to a paused instance, unpause it first");
	if (document_bool(instance, "State.Restarting"))
		return call_say(call, "cannot attach to a restarting instance, wait until it runs");
	if (std_in && document_bool(instance, "Config.Tty") && !terminal_is_input())
		return call_say(call, "cannot attach stdin to a TTY-enabled instance because "
				      "stdin is not a terminal");
	return 0;
}

static int run(struct call *call)
{
	const struct attach_options *o = call->options;
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	auto_json *instance = NULL;
	struct error err = {};
	int status = 0;

	url_start(&url, "/containers", call->operands[0], "json");
	int r = api_get(call->api, strbuf_text(&url), &instance, &err);
	if (r < 0)
		return call_fail(call, call->operands[0], &err);
	bool tty = document_bool(instance, "Config.Tty");
	bool std_in = !o->no_stdin && document_bool(instance, "Config.OpenStdin");
	if (check(call, instance, std_in) != 0)
		return 1;
	const struct session session = {
		.id = document_text(instance, "Id"),
		.tty = tty,
		.std_in = std_in,
		.std_out = true,
		.std_err = true,
		.proxy_signals = o->sig_proxy && !tty,
		.detach_keys = o->detach_keys,
	};
	r = session_run(call, &session, &status, &err);
	return r < 0 ? call_fail(call, call->operands[0], &err) : status;
}

const struct verb verb_attach = {
	.names = (const char *const[]){ "attach", "container attach", NULL },
	.operands = "INSTANCE",
	.help = "Attach to the program of a running instance",
	.options = { .tables = { options } },
	.options_size = sizeof(struct attach_options),
	.operands_min = 1,
	.operands_max = 1,
	.words = WORDS_RUNNING,
	.run = run,
};
