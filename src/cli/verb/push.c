/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/client/url.h"
#include "cli/image-pull.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "oci/reference.h"

struct push_options {
	bool all_tags;
	bool quiet;
	bool disable_content_trust;
	const char *platform;
};

static const struct option options[] = {
	{ "all-tags", 'a', OPTION_FLAG, offsetof(struct push_options, all_tags),
	  "Push all tags of the repository" },
	{ "disable-content-trust", 0, OPTION_FLAG,
	  offsetof(struct push_options, disable_content_trust), "Accepted, means nothing",
	  .hidden = true },
	{ "platform", 0, OPTION_TEXT, offsetof(struct push_options, platform),
	  "Push only this platform of the image" },
	{ "quiet", 'q', OPTION_FLAG, offsetof(struct push_options, quiet), "Print only the name" },
	{},
};

static int push(const struct call *call, const struct reference *ref, struct error *err)
{
	const struct push_options *o = call->options;
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	auto_strbuf headers = STRBUF_INIT(65536);
	auto_free char *name = reference_familiar_name(ref);
	struct http_response response;
	struct http *http = NULL;

	url_start(&url, "/images", name, "push");
	if (!o->all_tags)
		url_query(&url, "tag", ref->tag);
	url_query(&url, "platform", o->platform);
	int r = image_auth_header(call, call->operands[0], &headers, err);
	if (r < 0)
		return r;
	/* Docker's engine refuses a push without the header: anonymous is an empty one */
	if (headers.len == 0)
		strbuf_adds(&headers, "X-Registry-Auth: e30=\r\n");
	const struct http_request request = {
		.method = "POST",
		.target = strbuf_text(&url),
		.headers = strbuf_text(&headers),
	};
	r = api_open(call->api, &request, &http, &response, err);
	if (r < 0)
		return r;
	const struct progress progress = { .fd = o->quiet ? -1 : STDOUT_FILENO };
	r = progress_show(&progress, http, err);
	api_close(call->api, http);
	return r;
}

static int run(struct call *call)
{
	const struct push_options *o = call->options;
	auto_reference ref = {};
	struct error err = {};

	int r = reference_parse(call->operands[0], &ref, &err);
	if (r < 0)
		return call_fail(call, call->operands[0], &err);
	if (o->all_tags && ref.tag)
		return call_say(call, "tag can't be used with --all-tags/-a");
	if (!digest_is_empty(&ref.digest))
		return call_say(call, "cannot push a digest reference");
	if (!o->all_tags && !ref.tag && !o->quiet)
		(void)puts("Using default tag: latest");
	(void)fflush(stdout);
	if (!o->all_tags)
		reference_default_tag(&ref);
	r = push(call, &ref, &err);
	if (r < 0)
		return call_fail(call, call->operands[0], &err);
	if (o->quiet) {
		auto_free char *name = reference_text(&ref);
		(void)puts(name);
	}
	return 0;
}

const struct verb verb_push = {
	.names = (const char *const[]){ "push", "image push", NULL },
	.operands = "NAME[:TAG]",
	.help = "Upload an image to a registry",
	.options = { .tables = { options } },
	.options_size = sizeof(struct push_options),
	.operands_min = 1,
	.operands_max = 1,
	.words = WORDS_IMAGE,
	.common = true,
	.run = run,
};
