/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "cli/filter.h"
#include "cli/prune.h"
#include "cli/verbs.h"

static const struct option options[] = {
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
	struct error err = {};

	if (!prune_confirm(o, "WARNING! This will remove all stopped instances."))
		return 0;
	int r = filter_json(&o->filters, &filters, &err);
	if (r == 0)
		r = prune_kind(call, "/containers/prune", filters, "ContainersDeleted",
			       "Deleted Containers", &result, &err);
	if (r < 0)
		return call_fail(call, NULL, &err);
	prune_print_total(&result);
	return 0;
}

const struct verb verb_container_prune = {
	.names = (const char *const[]){ "container prune", NULL },
	.help = "Remove all stopped instances",
	.options = { .tables = { options } },
	.options_size = sizeof(struct prune_options),
	.run = run,
};
