/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/document.h"
#include "cli/human.h"
#include "cli/listing.h"
#include "cli/text.h"
#include "cli/verbs.h"

struct df_options {
	const char *format;
	bool verbose;
};

static const struct option options[] = {
	{ "format", 0, OPTION_TEXT, offsetof(struct df_options, format), TEXT_FORMAT_HELP },
	{ "verbose", 'v', OPTION_FLAG, offsetof(struct df_options, verbose),
	  "Show each image, instance and volume" },
	{},
};

static const struct listing_column columns[] = {
	{ "Active", "ACTIVE" }, { "Reclaimable", "RECLAIMABLE" },
	{ "Size", "SIZE" },     { "TotalCount", "TOTAL" },
	{ "Type", "TYPE" },     {},
};

static const struct listing_kind kind = {
	columns, "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}", "{{.Type}}"
};

/* The sum of one kind of thing. */
struct usage {
	const char *type;
	size_t total;
	size_t active;
	int64_t size;
	int64_t used; /* by what is active */
};

static void add_images(struct json_object *df, struct usage *u)
{
	struct json_object *list = document_at(df, "Images");

	u->size = document_int(df, "LayersSize");
	for (size_t i = 0; i < document_count(list, NULL); i++) {
		struct json_object *image = document_item(list, i);
		int64_t size = document_int(image, "Size");
		int64_t shared = document_int(image, "SharedSize");
		u->total++;
		if (document_int(image, "Containers") <= 0)
			continue;
		u->active++;
		if (size >= 0 && shared >= 0)
			u->used += size - shared;
	}
}

static bool is_active(struct json_object *instance)
{
	const char *state = document_text(instance, "State");

	return strcmp(state, "running") == 0 || strcmp(state, "paused") == 0 ||
	       strcmp(state, "restarting") == 0;
}

static void add_instances(struct json_object *df, struct usage *u)
{
	struct json_object *list = document_at(df, "Containers");

	for (size_t i = 0; i < document_count(list, NULL); i++) {
		struct json_object *instance = document_item(list, i);
		int64_t size = document_int(instance, "SizeRw");
		u->total++;
		u->size += size;
		if (is_active(instance)) {
			u->active++;
			u->used += size;
		}
	}
}

static void add_volumes(struct json_object *df, struct usage *u)
{
	struct json_object *list = document_at(df, "Volumes");

	for (size_t i = 0; i < document_count(list, NULL); i++) {
		struct json_object *volume = document_item(list, i);
		int64_t size = document_int(volume, "UsageData.Size");
		u->total++;
		if (size > 0)
			u->size += size;
		if (document_int(volume, "UsageData.RefCount") > 0) {
			u->active++;
			u->used += size > 0 ? size : 0;
		}
	}
}

static void add_cache(struct json_object *df, struct usage *u)
{
	struct json_object *list = document_at(df, "BuildCache");

	for (size_t i = 0; i < document_count(list, NULL); i++) {
		struct json_object *entry = document_item(list, i);
		int64_t size = document_bool(entry, "Shared") ? 0 : document_int(entry, "Size");
		u->total++;
		u->size += size;
		if (document_bool(entry, "InUse")) {
			u->active++;
			u->used += size;
		}
	}
}

static struct json_object *usage_row(const struct usage *u)
{
	struct json_object *row = json_object_new_object();
	int64_t reclaimable = u->size > u->used ? u->size - u->used : 0;
	char text[HUMAN_TEXT];

	json_add_string(row, "Type", u->type);
	(void)snprintf(text, sizeof(text), "%zu", u->total);
	json_add_string(row, "TotalCount", text);
	(void)snprintf(text, sizeof(text), "%zu", u->active);
	json_add_string(row, "Active", text);
	human_size((double)u->size, 4, text);
	json_add_string(row, "Size", text);
	human_size((double)reclaimable, 4, text);
	auto_free char *whole = u->size > 0 ? xasprintf("%s (%lld%%)", text,
							(long long)(reclaimable * 100 / u->size))
					    : xstrdup(text);
	json_add_string(row, "Reclaimable", whole);
	return row;
}

static int print_summary(const struct df_options *o, struct json_object *df, struct error *err)
{
	struct usage usages[] = { { .type = "Images" },
				  { .type = "Containers" },
				  { .type = "Local Volumes" },
				  { .type = "Build Cache" } };
	auto_listing *listing = NULL;

	add_images(df, &usages[0]);
	add_instances(df, &usages[1]);
	add_volumes(df, &usages[2]);
	add_cache(df, &usages[3]);
	int r = listing_new(&kind, o->format, false, &listing, err);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(usages); i++)
		r = listing_add(listing, usage_row(&usages[i]), NULL, err);
	if (r == 0)
		listing_print(listing);
	return r;
}

/* ---- Each of them ----------------------------------------------------------------------------- */

static const struct listing_column item_columns[] = {
	{ "Name", "NAME" }, { "ID", "ID" }, { "Size", "SIZE" }, { "Users", "USED BY" }, {},
};
static const struct listing_kind item_kind = { item_columns,
					       "{{.Name}}\t{{.ID}}\t{{.Size}}\t{{.Users}}",
					       "{{.ID}}" };

static const char *first_name(struct json_object *item, const char *list)
{
	const char *name = document_text(document_item(document_at(item, list), 0), NULL);

	if (!*name)
		name = document_text(item, "Name");
	return *name ? name + (*name == '/') : "<none>";
}

static int print_items(struct json_object *list, const char *head, const char *names,
		       const char *size, const char *users, struct error *err)
{
	auto_listing *listing = NULL;

	int r = listing_new(&item_kind, NULL, false, &listing, err);
	for (size_t i = 0; r == 0 && i < document_count(list, NULL); i++) {
		struct json_object *item = document_item(list, i);
		struct json_object *row = json_object_new_object();
		auto_free char *id = text_image_id(document_text(item, "Id"), false);
		int64_t count = document_int(item, users);
		char text[HUMAN_TEXT];
		human_size((double)document_int(item, size), 3, text);
		json_add_string(row, "Name", first_name(item, names));
		json_add_string(row, "ID", id);
		json_add_string(row, "Size", text);
		(void)snprintf(text, sizeof(text), "%lld", (long long)(count > 0 ? count : 0));
		json_add_string(row, "Users", document_at(item, users) ? text : "");
		r = listing_add(listing, row, NULL, err);
	}
	if (r < 0)
		return r;
	(void)printf("%s space usage:\n\n", head);
	listing_print(listing);
	return 0;
}

static int print_verbose(struct json_object *df, struct error *err)
{
	int r = print_items(document_at(df, "Images"), "Images", "RepoTags", "Size", "Containers",
			    err);
	if (r == 0)
		r = print_items(document_at(df, "Containers"), "\nContainers", "Names", "SizeRw",
				"-", err);
	if (r == 0)
		r = print_items(document_at(df, "Volumes"), "\nLocal Volumes", "-",
				"UsageData.Size", "UsageData.RefCount", err);
	return r;
}

static int run(struct call *call)
{
	const struct df_options *o = call->options;
	auto_json *df = NULL;
	struct error err = {};

	int r = api_json(call->api, "GET", "/system/df", NULL, 0, &df, &err);
	if (r == 0)
		r = o->verbose ? print_verbose(df, &err) : print_summary(o, df, &err);
	return r < 0 ? call_fail(call, NULL, &err) : 0;
}

const struct verb verb_system_df = {
	.names = (const char *const[]){ "system df", NULL },
	.help = "Show what takes space on disk",
	.options = { .tables = { options } },
	.options_size = sizeof(struct df_options),
	.run = run,
};
