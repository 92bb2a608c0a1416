/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "cli/filter.h"
#include "cli/prune.h"
#include "cli/verbs.h"

static const struct option options[] = {
	{ "all", 'a', OPTION_FLAG, offsetof(struct prune_options, all),
	  "Remove all images that no instance uses, not only those without a name" },
	{ "filter", 0, OPTION_LIST, offsetof(struct prune_options, filters),
	  "Remove only what fits, such as label=KEY=VALUE", .value = "filter" },
	{ "force", 'f', OPTION_FLAG, offsetof(struct prune_options, force), "Do not ask" },
	{ "volumes", 0, OPTION_FLAG, offsetof(struct prune_options, volumes),
	  "Also remove anonymous volumes" },
	{},
};

/* Prunes one kind; an engine that knows no such kind has nothing of it. */
static int prune_known(struct call *call, const char *path, const char *filters, const char *list,
		       const char *head, struct prune_result *result, struct error *err)
{
	int r = prune_kind(call, path, filters, list, head, result, err);

	return r == -ENOENT || r == -EOPNOTSUPP ? 0 : r;
}

static int prune_all(struct call *call, struct prune_result *result, struct error *err)
{
	const struct prune_options *o = call->options;
	auto_free char *filters = NULL;
	auto_free char *image_filters = NULL;
	auto_strv image_list = {};

	strv_add_all(&image_list, &o->filters);
	strv_add(&image_list, o->all ? "dangling=false" : "dangling=true");
	int r = filter_json(&o->filters, &filters, err);
	if (r == 0)
		r = filter_json(&image_list, &image_filters, err);
	if (r == 0)
		r = prune_kind(call, "/containers/prune", filters, "ContainersDeleted",
			       "Deleted Containers", result, err);
	if (r == 0)
		r = prune_known(call, "/networks/prune", filters, "NetworksDeleted",
				"Deleted Networks", result, err);
	if (r == 0 && o->volumes)
		r = prune_known(call, "/volumes/prune", filters, "VolumesDeleted",
				"Deleted Volumes", result, err);
	if (r == 0)
		r = prune_kind(call, "/images/prune", image_filters, "ImagesDeleted",
			       "Deleted Images", result, err);
	return r;
}

static int run(struct call *call)
{
	const struct prune_options *o = call->options;
	struct prune_result result = {};
	struct error err = {};
	auto_free char *warning = xasprintf(
		"WARNING! This will remove:\n  - all stopped instances\n"
		"  - all networks not used by at least one instance\n%s  - all %s",
		o->volumes ? "  - all anonymous volumes not used by at least one instance\n" : "",
		o->all ? "images without at least one instance associated to them"
		       : "dangling images");

	if (!prune_confirm(o, warning))
		return 0;
	int r = prune_all(call, &result, &err);
	if (r < 0)
		return call_fail(call, NULL, &err);
	prune_print_total(&result);
	return 0;
}

const struct verb verb_system_prune = {
	.names = (const char *const[]){ "system prune", NULL },
	.help = "Remove what is not used",
	.options = { .tables = { options } },
	.options_size = sizeof(struct prune_options),
	.run = run,
};
