/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/client/url.h"
#include "cli/create/options.h"
#include "cli/document.h"
#include "cli/verbs.h"

struct update_options {
	struct limit_options limits;
	struct strv labels;
};

static const struct option options[] = {
	{ "label", 'l', OPTION_LIST, offsetof(struct update_options, labels), "Set a label" },
	{},
};

static int update(struct call *call, const char *name, struct error *err)
{
	const struct update_options *o = call->options;
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	auto_json *body = json_object_new_object();
	auto_json *answer = NULL;

	int r = create_add_limits(call, &o->limits, body, err);
	if (r < 0)
		return r;
	document_add_map(body, "Labels", &o->labels);
	url_start(&url, "/containers", name, "update");
	r = api_json(call->api, "POST", strbuf_text(&url), body, API_TIMEOUT_MS, &answer, err);
	if (r < 0)
		return r;
	(void)puts(name);
	struct json_object *warnings = document_at(answer, "Warnings");
	for (size_t i = 0; i < document_count(warnings, NULL); i++)
		(void)fprintf(stderr, "%s\n", document_text(document_item(warnings, i), NULL));
	return 0;
}

static int run(struct call *call)
{
	bool any = false;

	for (size_t i = 0; i < OPTIONS_MAX; i++)
		any = any || call->parsed->given[i];
	if (!any)
		return call_say(call, "you must provide one or more flags when using this command");
	return call_each(call, update);
}

const struct verb verb_update = {
	.names = (const char *const[]){ "update", "container update", NULL },
	.operands = "INSTANCE [INSTANCE...]",
	.help = "Change the limits, labels and restart policy of instances",
	.options = { .tables = { limit_table, options } },
	.options_size = sizeof(struct update_options),
	.operands_min = 1,
	.operands_max = -1,
	.words = WORDS_INSTANCE,
	.run = run,
};
