/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/alloc.h"
#include "cli/client/url.h"
#include "cli/verbs.h"
#include "oci/reference.h"

static int run(struct call *call)
{
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	auto_reference target = {};
	struct error err = {};

	int r = reference_parse(call->operands[1], &target, &err);
	if (r < 0)
		return call_fail(call, call->operands[1], &err);
	if (!digest_is_empty(&target.digest))
		return call_say(call, "refusing to create a tag with a digest reference");
	reference_default_tag(&target);
	auto_free char *repository = reference_familiar_name(&target);
	url_start(&url, "/images", call->operands[0], "tag");
	url_query(&url, "repo", repository);
	url_query(&url, "tag", target.tag);
	r = api_post(call->api, strbuf_text(&url), NULL, API_TIMEOUT_MS, &err);
	return r < 0 ? call_fail(call, call->operands[0], &err) : 0;
}

const struct verb verb_tag = {
	.names = (const char *const[]){ "tag", "image tag", NULL },
	.operands = "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
	.help = "Give an image a further name",
	.operands_min = 2,
	.operands_max = 2,
	.words = WORDS_IMAGE,
	.run = run,
};
