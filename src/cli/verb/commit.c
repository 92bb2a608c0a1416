/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/alloc.h"
#include "cli/client/url.h"
#include "cli/document.h"
#include "cli/verbs.h"
#include "oci/reference.h"

struct commit_options {
	const char *author;
	const char *message;
	struct strv changes;
	bool pause;
};

static const struct option options[] = {
	{ "author", 'a', OPTION_TEXT, offsetof(struct commit_options, author),
	  "Author, such as \"Ada Lovelace <ada@example.org>\"" },
	{ "change", 'c', OPTION_LIST, offsetof(struct commit_options, changes),
	  "Apply a Dockerfile instruction to the image" },
	{ "message", 'm', OPTION_TEXT, offsetof(struct commit_options, message),
	  "Comment for the image's history" },
	{ "pause", 'p', OPTION_FLAG, offsetof(struct commit_options, pause),
	  "Pause the instance meanwhile", .preset = "true" },
	{},
};

static int make_url(const struct call *call, struct strbuf *url, struct error *err)
{
	const struct commit_options *o = call->options;
	auto_reference ref = {};

	strbuf_adds(url, "/commit");
	url_query(url, "container", call->operands[0]);
	if (call->operand_count > 1) {
		int r = reference_parse(call->operands[1], &ref, err);
		if (r < 0)
			return r;
		auto_free char *name = reference_familiar_name(&ref);
		url_query(url, "repo", name);
		url_query(url, "tag", ref.tag);
	}
	url_query(url, "author", o->author);
	url_query(url, "comment", o->message);
	for (size_t i = 0; i < o->changes.count; i++)
		url_query(url, "changes", o->changes.items[i]);
	url_query(url, "pause", o->pause ? "1" : "0");
	return 0;
}

static int run(struct call *call)
{
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	auto_json *answer = NULL;
	struct error err = {};

	int r = make_url(call, &url, &err);
	if (r == 0)
		r = api_json(call->api, "POST", strbuf_text(&url), NULL, 0, &answer, &err);
	if (r < 0)
		return call_fail(call, call->operands[0], &err);
	(void)puts(document_text(answer, "Id"));
	return 0;
}

const struct verb verb_commit = {
	.names = (const char *const[]){ "commit", "container commit", NULL },
	.operands = "INSTANCE [REPOSITORY[:TAG]]",
	.help = "Make an image of what an instance changed",
	.options = { .tables = { options } },
	.options_size = sizeof(struct commit_options),
	.operands_min = 1,
	.operands_max = 2,
	.words = WORDS_INSTANCE,
	.run = run,
};
