/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/context/entry.h"
#include "cli/document.h"
#include "cli/listing.h"
#include "cli/text.h"
#include "cli/verbs.h"

struct context_ls_options {
	const char *format;
	bool quiet;
};

static const struct option options[] = {
	{ "format", 0, OPTION_TEXT, offsetof(struct context_ls_options, format), TEXT_FORMAT_HELP },
	{ "quiet", 'q', OPTION_FLAG, offsetof(struct context_ls_options, quiet),
	  "Show only names" },
	{},
};

static const struct listing_column columns[] = {
	{ "Current", "" },
	{ "Description", "DESCRIPTION" },
	{ "DockerEndpoint", "ENDPOINT" },
	{ "Error", "ERROR" },
	{ "Name", "NAME" },
	{},
};

static const struct listing_kind kind = {
	columns,
	"{{.Name}}{{if eq .Current \"*\"}} *{{end}}\t{{.Description}}\t{{.DockerEndpoint}}",
	"{{.Name}}",
};

static struct json_object *make_row(const char *name, struct json_object *entry,
				    const char *current)
{
	struct json_object *row = json_object_new_object();
	const char *host = document_text(entry, "host");

	json_add_string(row, "Name", name);
	json_add_string(row, "Current", strcmp(name, current) == 0 ? "*" : "");
	json_add_string(row, "Description", document_text(entry, "description"));
	json_add_string(row, "DockerEndpoint", *host ? host : "unix://" ENGINE_SOCKET);
	json_add_string(row, "Error", "");
	return row;
}

static int list(const struct call *call, struct listing *listing, struct error *err)
{
	auto_json *document = NULL;
	auto_json *entry = context_default_entry();

	int r = context_load(call->globals, &document, err);
	if (r < 0)
		return r;
	const char *current = context_current(call->globals, document);
	auto_json *sorted = document_sorted(document_at(document, "contexts"));
	r = listing_add(listing, make_row(CONTEXT_DEFAULT, entry, current), NULL, err);
	json_object_object_foreach(sorted, name, context)
	{
		if (r == 0)
			r = listing_add(listing, make_row(name, context, current), NULL, err);
	}
	return r;
}

static int run(struct call *call)
{
	const struct context_ls_options *o = call->options;
	auto_listing *listing = NULL;
	struct error err = {};

	int r = listing_new(&kind, o->format, o->quiet, &listing, &err);
	if (r == 0)
		r = list(call, listing, &err);
	if (r < 0)
		return call_fail(call, NULL, &err);
	listing_print(listing);
	return 0;
}

const struct verb verb_context_ls = {
	.names = (const char *const[]){ "context ls", "context list", NULL },
	.help = "List contexts",
	.options = { .tables = { options } },
	.options_size = sizeof(struct context_ls_options),
	.local = true,
	.run = run,
};
