/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "cli/filter.h"
#include "cli/prune.h"
#include "cli/verbs.h"

static const struct option options[] = {
	{ "all", 'a', OPTION_FLAG, offsetof(struct prune_options, all),
	  "Remove all images that no instance uses, not only those without a name" },
	{ "filter", 0, OPTION_LIST, offsetof(struct prune_options, filters),
	  "Remove only what fits, such as until=24h", .value = "filter" },
	{ "force", 'f', OPTION_FLAG, offsetof(struct prune_options, force), "Do not ask" },
	{},
};

static int run(struct call *call)
{
	const struct prune_options *o = call->options;
	struct prune_result result = {};
	auto_free char *filters = NULL;
	auto_strv all = {};
	struct error err = {};

	if (!prune_confirm(o, o->all ? "WARNING! This will remove all images without at least one "
				       "instance associated to them."
				     : "WARNING! This will remove all dangling images."))
		return 0;
	strv_add_all(&all, &o->filters);
	strv_add(&all, o->all ? "dangling=false" : "dangling=true");
	int r = filter_json(&all, &filters, &err);
	if (r == 0)
		r = prune_kind(call, "/images/prune", filters, "ImagesDeleted", "Deleted Images",
			       &result, &err);
	if (r < 0)
		return call_fail(call, NULL, &err);
	prune_print_total(&result);
	return 0;
}

const struct verb verb_image_prune = {
	.names = (const char *const[]){ "image prune", NULL },
	.help = "Remove unused images",
	.options = { .tables = { options } },
	.options_size = sizeof(struct prune_options),
	.run = run,
};
