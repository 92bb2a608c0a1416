/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "cli/client/url.h"
#include "cli/verbs.h"

struct rm_options {
	bool force;
	bool link;
	bool volumes;
};

static const struct option options[] = {
	{ "force", 'f', OPTION_FLAG, offsetof(struct rm_options, force),
	  "Kill it first where it runs; be content where there is none" },
	{ "link", 'l', OPTION_FLAG, offsetof(struct rm_options, link), "Remove only the link" },
	{ "volumes", 'v', OPTION_FLAG, offsetof(struct rm_options, volumes),
	  "Also remove its anonymous volumes" },
	{},
};

static int remove_instance(struct call *call, const char *name, struct error *err)
{
	const struct rm_options *o = call->options;
	auto_strbuf url = STRBUF_INIT(URL_MAX);

	url_start(&url, "/containers", name + (*name == '/'), NULL);
	url_query_flag(&url, "force", o->force);
	url_query_flag(&url, "link", o->link);
	url_query_flag(&url, "v", o->volumes);
	int r = api_json(call->api, "DELETE", strbuf_text(&url), NULL, 0, NULL, err);
	if (r == -ENOENT && o->force) {
		(void)fprintf(stderr, "berth: %s %s: %s\n", call->name, name, err->text);
		return 0;
	}
	if (r >= 0)
		(void)puts(name);
	return r;
}

static int run(struct call *call)
{
	return call_each(call, remove_instance);
}

const struct verb verb_rm = {
	.names = (const char *const[]){ "rm", "container rm", "container remove", NULL },
	.operands = "INSTANCE [INSTANCE...]",
	.help = "Remove instances",
	.options = { .tables = { options } },
	.options_size = sizeof(struct rm_options),
	.operands_min = 1,
	.operands_max = -1,
	.words = WORDS_INSTANCE,
	.run = run,
};
