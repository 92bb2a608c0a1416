/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/image-pull.h"
#include "cli/verbs.h"
#include "oci/reference.h"

struct pull_options {
	bool all_tags;
	bool quiet;
	bool disable_content_trust;
	const char *platform;
};

static const struct option options[] = {
	{ "all-tags", 'a', OPTION_FLAG, offsetof(struct pull_options, all_tags),
	  "Pull all tags of the repository" },
	{ "disable-content-trust", 0, OPTION_FLAG,
	  offsetof(struct pull_options, disable_content_trust), "Accepted, means nothing",
	  .hidden = true },
	{ "platform", 0, OPTION_TEXT, offsetof(struct pull_options, platform),
	  "Platform of the image, where it has several" },
	{ "quiet", 'q', OPTION_FLAG, offsetof(struct pull_options, quiet), "Print only the name" },
	{},
};

static int run(struct call *call)
{
	const struct pull_options *o = call->options;
	auto_reference ref = {};
	struct error err = {};

	int r = reference_parse(call->operands[0], &ref, &err);
	if (r < 0)
		return call_fail(call, call->operands[0], &err);
	if (o->all_tags && (ref.tag || !digest_is_empty(&ref.digest)))
		return call_say(call, "tag can't be used with --all-tags/-a");
	if (!o->all_tags && !ref.tag && digest_is_empty(&ref.digest) && !o->quiet)
		(void)puts("Using default tag: latest");
	(void)fflush(stdout);
	const struct image_pull pull = {
		.reference = call->operands[0],
		.platform = o->platform,
		.all_tags = o->all_tags,
		.fd = o->quiet ? -1 : STDOUT_FILENO,
	};
	r = image_pull(call, &pull, &err);
	if (r < 0)
		return call_fail(call, call->operands[0], &err);
	if (!o->all_tags)
		reference_default_tag(&ref);
	auto_free char *name = reference_text(&ref);
	(void)puts(name);
	return 0;
}

const struct verb verb_pull = {
	.names = (const char *const[]){ "pull", "image pull", NULL },
	.operands = "NAME[:TAG|@DIGEST]",
	.help = "Download an image from a registry",
	.options = { .tables = { options } },
	.options_size = sizeof(struct pull_options),
	.operands_min = 1,
	.operands_max = 1,
	.words = WORDS_IMAGE,
	.common = true,
	.run = run,
};
