/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "cli/client/url.h"
#include "cli/document.h"
#include "cli/verbs.h"

struct rmi_options {
	bool force;
	bool no_prune;
};

static const struct option options[] = {
	{ "force", 'f', OPTION_FLAG, offsetof(struct rmi_options, force),
	  "Remove it although instances or several tags use it" },
	{ "no-prune", 0, OPTION_FLAG, offsetof(struct rmi_options, no_prune),
	  "Keep its untagged parents" },
	{},
};

static int remove_image(struct call *call, const char *name, struct error *err)
{
	const struct rmi_options *o = call->options;
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	auto_json *done = NULL;

	url_start(&url, "/images", name, NULL);
	url_query_flag(&url, "force", o->force);
	url_query_flag(&url, "noprune", o->no_prune);
	int r = api_json(call->api, "DELETE", strbuf_text(&url), NULL, API_TIMEOUT_MS, &done, err);
	if (r == -ENOENT && o->force) {
		(void)fprintf(stderr, "berth: %s %s: %s\n", call->name, name, err->text);
		return 0;
	}
	for (size_t i = 0; i < document_count(done, NULL); i++) {
		const char *deleted = document_text(document_item(done, i), "Deleted");
		const char *untagged = document_text(document_item(done, i), "Untagged");
		if (*deleted)
			(void)printf("Deleted: %s\n", deleted);
		else
			(void)printf("Untagged: %s\n", untagged);
	}
	return r;
}

static int run(struct call *call)
{
	return call_each(call, remove_image);
}

const struct verb verb_rmi = {
	.names = (const char *const[]){ "rmi", "image rm", "image remove", NULL },
	.operands = "IMAGE [IMAGE...]",
	.help = "Remove images",
	.options = { .tables = { options } },
	.options_size = sizeof(struct rmi_options),
	.operands_min = 1,
	.operands_max = -1,
	.words = WORDS_IMAGE,
	.run = run,
};
