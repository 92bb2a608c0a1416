/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "cli/client/url.h"
#include "cli/document.h"
#include "cli/filter.h"
#include "cli/human.h"
#include "cli/listing.h"
#include "cli/ports.h"
#include "cli/text.h"
#include "cli/verbs.h"

struct ps_options {
	bool all;
	bool no_trunc;
	bool quiet;
	bool size;
	bool latest;
	int64_t last;
	struct strv filters;
	const char *format;
};

static const struct option options[] = {
	{ "all", 'a', OPTION_FLAG, offsetof(struct ps_options, all),
	  "Show all instances, not only those that run" },
	{ "filter", 'f', OPTION_LIST, offsetof(struct ps_options, filters),
	  "Show only instances that fit KEY=VALUE", .value = "filter" },
	{ "format", 0, OPTION_TEXT, offsetof(struct ps_options, format), TEXT_FORMAT_HELP },
	{ "last", 'n', OPTION_INT, offsetof(struct ps_options, last),
	  "Show the N instances created last, in whatever state", .preset = "-1" },
	{ "latest", 'l', OPTION_FLAG, offsetof(struct ps_options, latest),
	  "Show the instance created last, in whatever state" },
	{ "no-trunc", 0, OPTION_FLAG, offsetof(struct ps_options, no_trunc),
	  "Do not cut long values short" },
	{ "quiet", 'q', OPTION_FLAG, offsetof(struct ps_options, quiet), "Show only ids" },
	{ "size", 's', OPTION_FLAG, offsetof(struct ps_options, size), "Show sizes on disk" },
	{},
};

static const struct listing_column columns[] = {
	{ "Command", "COMMAND" },
	{ "CreatedAt", "CREATED AT" },
	{ "ID", "CONTAINER ID" },
	{ "Image", "IMAGE" },
	{ "Isolation", "ISOLATION" },
	{ "Labels", "LABELS" },
	{ "LocalVolumes", "LOCAL VOLUMES" },
	{ "Mounts", "MOUNTS" },
	{ "Names", "NAMES" },
	{ "Networks", "NETWORKS" },
	{ "Ports", "PORTS" },
	{ "RunningFor", "CREATED" },
	{ "Size", "SIZE" },
	{ "State", "STATE" },
	{ "Status", "STATUS" },
	{},
};

#define PLAIN_TABLE                                                                     \
	"{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t" \
	"{{.Names}}"

static const struct listing_kind kind = { columns, PLAIN_TABLE, "{{.ID}}" };
static const struct listing_kind kind_size = { columns, PLAIN_TABLE "\t{{.Size}}", "{{.ID}}" };

static void add_names(struct json_object *row, struct json_object *item, bool cut)
{
	auto_strbuf names = STRBUF_INIT(65536);
	struct json_object *list = document_at(item, "Names");

	for (size_t i = 0; i < document_count(list, NULL); i++) {
		const char *name = document_text(document_item(list, i), NULL);
		name += *name == '/';
		/* a slash further on is another instance's link to this one */
		if (!cut || !strchr(name, '/'))
			strbuf_addf(&names, "%s%s", names.len > 0 ? "," : "", name);
	}
	json_add_string(row, "Names", strbuf_text(&names));
}

static void add_command(struct json_object *row, struct json_object *item, bool cut)
{
	auto_free char *text = cut ? text_ellipsis(document_text(item, "Command"), 20)
				   : xstrdup(document_text(item, "Command"));
	auto_free char *quoted = text_quote(text);

	json_add_string(row, "Command", quoted);
}

static void add_image(struct json_object *row, struct json_object *item, bool cut)
{
	const char *image = document_text(item, "Image");
	char text[64];

	if (cut && strncmp(image, "sha256:", 7) == 0) {
		(void)snprintf(text, sizeof(text), "%.12s", image + 7);
		image = text;
	}
	json_add_string(row, "Image", *image ? image : "<no image>");
}

static void add_times(struct json_object *row, struct json_object *item)
{
	int64_t created = document_int(item, "Created") * NSEC_PER_SEC;
	char text[HUMAN_TEXT];

	human_instant(created, text);
	json_add_string(row, "CreatedAt", text);
	human_duration(clock_now() - created, text);
	auto_free char *ago = xasprintf("%s ago", text);
	json_add_string(row, "RunningFor", ago);
}

static void add_mounts(struct json_object *row, struct json_object *item, bool cut)
{
	auto_strbuf mounts = STRBUF_INIT(65536);
	struct json_object *list = document_at(item, "Mounts");
	char count[24];
	int local = 0;

	for (size_t i = 0; i < document_count(list, NULL); i++) {
		struct json_object *mount = document_item(list, i);
		const char *name = document_text(mount, "Name");
		if (!*name)
			name = document_text(mount, "Source");
		auto_free char *text = cut ? text_ellipsis(name, 15) : xstrdup(name);
		strbuf_addf(&mounts, "%s%s", mounts.len > 0 ? "," : "", text);
		local += strcmp(document_text(mount, "Driver"), "local") == 0;
	}
	(void)snprintf(count, sizeof(count), "%d", local);
	json_add_string(row, "Mounts", strbuf_text(&mounts));
	json_add_string(row, "LocalVolumes", count);
}

static void add_networks(struct json_object *row, struct json_object *item)
{
	auto_strbuf names = STRBUF_INIT(65536);
	auto_json *sorted = document_sorted(document_at(item, "NetworkSettings.Networks"));

	json_object_object_foreach(sorted, name, value)
	{
		(void)value;
		strbuf_addf(&names, "%s%s", names.len > 0 ? "," : "", name);
	}
	json_add_string(row, "Networks", strbuf_text(&names));
}

static void add_size(struct json_object *row, struct json_object *item)
{
	char own[HUMAN_TEXT];
	char all[HUMAN_TEXT];

	human_size((double)document_int(item, "SizeRw"), 3, own);
	human_size((double)document_int(item, "SizeRootFs"), 3, all);
	auto_free char *text = document_int(item, "SizeRootFs") > 0
				       ? xasprintf("%s (virtual %s)", own, all)
				       : xstrdup(own);
	json_add_string(row, "Size", text);
}

/* Columns that few templates name, and what of an instance each is made of. */
static const struct {
	const char *column;
	const char *field;
} rare[] = {
	{ ".Label", "Labels" },         { ".Mounts", "Mounts" },
	{ ".LocalVolumes", "Mounts" },  { ".Networks", "NetworkSettings" },
	{ ".Isolation", "HostConfig" },
};

/* The fields to ask for; true for all of them where the template might show anything. */
static bool choose_fields(const struct listing *listing, struct strv *ret)
{
	if (!listing_names_fields(listing))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(rare); i++)
		if (listing_uses(listing, rare[i].column) && !strv_contains(ret, rare[i].field))
			strv_add(ret, rare[i].field);
	return false;
}

static struct json_object *make_row(struct json_object *item, bool cut)
{
	struct json_object *row = json_object_new_object();
	auto_strbuf text = STRBUF_INIT(65536);
	const char *id = document_text(item, "Id");
	auto_free char *short_id = xstrndup(id, cut ? 12 : strlen(id));

	json_add_string(row, "ID", short_id);
	add_names(row, item, cut);
	add_image(row, item, cut);
	add_command(row, item, cut);
	add_times(row, item);
	ports_text(document_at(item, "Ports"), &text);
	json_add_string(row, "Ports", strbuf_text(&text));
	json_add_string(row, "State", document_text(item, "State"));
	json_add_string(row, "Status", document_text(item, "Status"));
	return row;
}

static void add_rare(struct json_object *row, struct json_object *item, bool cut)
{
	auto_strbuf text = STRBUF_INIT(65536);
	bool vm = strcmp(document_text(item, "HostConfig.Isolation"), "vm") == 0;

	json_add_string(row, "Isolation", vm ? "vm" : "container");
	document_pairs(document_at(item, "Labels"), &text);
	json_add_string(row, "Labels", strbuf_text(&text));
	add_mounts(row, item, cut);
	add_networks(row, item);
	add_size(row, item);
}

static int fetch(struct call *call, const struct ps_options *o, bool size,
		 const struct strv *fields, struct json_object **ret, struct error *err)
{
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	auto_strbuf named = STRBUF_INIT(URL_MAX);
	auto_free char *filters = NULL;
	int64_t limit = o->latest ? 1 : o->last;

	int r = filter_json(&o->filters, &filters, err);
	if (r < 0)
		return r;
	strbuf_adds(&url, "/containers/json");
	url_query_flag(&url, "all", o->all || limit > 0);
	if (limit > 0)
		url_query_int(&url, "limit", limit);
	url_query_flag(&url, "size", size);
	url_query(&url, "filters", filters);
	for (size_t i = 0; fields && i < fields->count; i++)
		strbuf_addf(&named, "%s%s", i ? "," : "", fields->items[i]);
	if (fields)
		url_query(&url, "fields", fields->count ? strbuf_text(&named) : "none");
	return api_get(call->api, strbuf_text(&url), ret, err);
}

static int add_rows(struct listing *listing, struct json_object *items, bool cut, bool rarely,
		    struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < document_count(items, NULL); i++) {
		struct json_object *item = document_item(items, i);
		struct json_object *methods = json_object_new_object();
		struct json_object *row = make_row(item, cut);
		if (rarely)
			add_rare(row, item, cut);
		(void)json_add(methods, "Label", json_object_get(document_at(item, "Labels")));
		r = listing_add(listing, row, methods, err);
	}
	return r;
}

static int run(struct call *call)
{
	const struct ps_options *o = call->options;
	auto_listing *listing = NULL;
	auto_json *items = NULL;
	auto_strv fields = {};
	struct error err = {};

	int r = listing_new(o->size ? &kind_size : &kind, o->format, o->quiet, &listing, &err);
	if (r < 0)
		return call_fail(call, NULL, &err);
	bool size = o->size || listing_uses(listing, ".Size");
	bool all_fields = choose_fields(listing, &fields);
	r = fetch(call, o, size, all_fields ? NULL : &fields, &items, &err);
	if (r == 0)
		r = add_rows(listing, items, !o->no_trunc, size || all_fields || fields.count,
			     &err);
	if (r < 0)
		return call_fail(call, NULL, &err);
	listing_print(listing);
	return 0;
}

const struct verb verb_ps = {
	.names = (const char *const[]){ "ps", "container ls", "container list", "container ps",
					NULL },
	.help = "List instances",
	.options = { .tables = { options } },
	.options_size = sizeof(struct ps_options),
	.common = true,
	.run = run,
};
