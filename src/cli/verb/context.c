/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/context.h"

#include "base/alloc.h"
#include "cli/document.h"
#include "cli/inspection.h"
#include "cli/listing.h"
#include "cli/mount-spec.h"
#include "cli/text.h"
#include "cli/verbs.h"

/* ---- create and update ------------------------------------------------------------------------ */

struct context_options {
	const char *description;
	struct strv docker; /* "host=...,tls=FOLDER" */
	const char *from;
	bool force;
};

static const struct option change_options[] = {
	{ "description", 0, OPTION_TEXT, offsetof(struct context_options, description),
	  "What it is for" },
	{ "docker", 0, OPTION_LIST, offsetof(struct context_options, docker),
	  "The engine: host=ADDRESS[,tls=FOLDER], where FOLDER holds ca.pem, cert.pem, key.pem",
	  .value = "host=..." },
	{},
};

static const struct option from_options[] = {
	{ "from", 0, OPTION_TEXT, offsetof(struct context_options, from),
	  "Begin with what another context says", .words = WORDS_CONTEXT },
	{},
};

static bool good_name(const char *name)
{
	return *name && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789_.+-") == strlen(name);
}

static int apply_docker(const struct context_options *o, struct json_object *entry,
			struct error *err)
{
	auto_strv fields = {};
	int r = 0;

	for (size_t i = 0; i < o->docker.count && r == 0; i++)
		r = mount_spec_split(o->docker.items[i], &fields, err);
	for (size_t i = 0; i < fields.count && r == 0; i++) {
		const char *field = fields.items[i];
		if (strncmp(field, "host=", 5) == 0)
			json_add_string(entry, "host", field + 5);
		else if (strncmp(field, "tls=", 4) == 0)
			json_add_string(entry, "tls", field + 4);
		else
			r = error_say(err, EINVAL, "unrecognized config key: %s", field);
	}
	return r;
}

static int apply(const struct context_options *o, struct json_object *entry, struct error *err)
{
	if (o->description)
		json_add_string(entry, "description", o->description);
	return apply_docker(o, entry, err);
}

static struct json_object *list_of(struct json_object *document)
{
	struct json_object *list = document_at(document, "contexts");

	return list ? list : json_add(document, "contexts", json_object_new_object());
}

static int create(const struct call *call, struct json_object *document, struct error *err)
{
	const struct context_options *o = call->options;
	const char *name = call->operands[0];
	struct json_object *from = o->from ? context_find(document, o->from) : NULL;

	if (!good_name(name))
		return error_say(err, EINVAL, "context name \"%s\" is invalid", name);
	if (strcmp(name, CONTEXT_DEFAULT) == 0 || context_find(document, name))
		return error_say(err, EEXIST, "context \"%s\" already exists", name);
	if (o->from && !from)
		return error_say(err, ENOENT, "context \"%s\" does not exist", o->from);
	auto_json *entry = from ? document_sorted(from) : json_object_new_object();
	int r = apply(o, entry, err);
	if (r < 0)
		return r;
	(void)json_add(list_of(document), name, take_ptr(entry));
	return context_save(call->globals, document, err);
}

static int update(const struct call *call, struct json_object *document, struct error *err)
{
	const struct context_options *o = call->options;
	struct json_object *entry = context_find(document, call->operands[0]);
	if (!entry)
		return error_say(err, ENOENT, "context \"%s\" does not exist", call->operands[0]);

	int r = apply(o, entry, err);
	return r < 0 ? r : context_save(call->globals, document, err);
}

/* Loads the file, does one thing with it and prints the context's name. */
static int change(struct call *call,
		  int (*act)(const struct call *, struct json_object *, struct error *))
{
	auto_json *document = NULL;
	struct error err = {};

	int r = context_load(call->globals, &document, &err);
	if (r == 0)
		r = act(call, document, &err);
	if (r < 0)
		return call_fail(call, NULL, &err);
	(void)puts(call->operands[0]);
	return 0;
}

static int run_create(struct call *call)
{
	return change(call, create);
}

static int run_update(struct call *call)
{
	return change(call, update);
}

/* ---- use, show and rm ------------------------------------------------------------------------- */

static int use(const struct call *call, struct json_object *document, struct error *err)
{
	const char *name = call->operands[0];

	if (strcmp(name, CONTEXT_DEFAULT) != 0 && !context_find(document, name))
		return error_say(err, ENOENT, "context \"%s\" does not exist", name);
	json_add_string(document, "current", name);
	return context_save(call->globals, document, err);
}

static int run_use(struct call *call)
{
	return change(call, use);
}

static int run_show(struct call *call)
{
	auto_json *document = NULL;
	struct error err = {};

	if (context_load(call->globals, &document, &err) < 0)
		return call_fail(call, NULL, &err);
	(void)puts(context_current(call->globals, document));
	return 0;
}

static const struct option remove_options[] = {
	{ "force", 'f', OPTION_FLAG, offsetof(struct context_options, force),
	  "Also the one in use" },
	{},
};

static int remove_context(struct call *call, const char *name, struct error *err)
{
	const struct context_options *o = call->options;
	auto_json *document = NULL;

	int r = context_load(call->globals, &document, err);
	if (r < 0)
		return r;
	if (!context_find(document, name))
		return error_say(err, ENOENT, "context \"%s\" does not exist", name);
	if (strcmp(document_text(document, "current"), name) == 0) {
		if (!o->force)
			return error_say(err, EBUSY,
					 "context \"%s\" is in use, set -f flag to force remove",
					 name);
		json_object_object_del(document, "current");
	}
	json_object_object_del(list_of(document), name);
	r = context_save(call->globals, document, err);
	if (r == 0)
		(void)puts(name);
	return r;
}

static int run_rm(struct call *call)
{
	return call_each(call, remove_context);
}

/* ---- ls and inspect --------------------------------------------------------------------------- */

struct context_list_options {
	const char *format;
	bool quiet;
};

static const struct option list_options[] = {
	{ "format", 0, OPTION_TEXT, offsetof(struct context_list_options, format),
	  TEXT_FORMAT_HELP },
	{ "quiet", 'q', OPTION_FLAG, offsetof(struct context_list_options, quiet),
	  "Show only names" },
	{},
};

static const struct option inspect_options[] = {
	{ "format", 'f', OPTION_TEXT, offsetof(struct context_list_options, format),
	  "How to print: 'json', or a Go TEMPLATE for each" },
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

/* The context that no entry describes. */
static struct json_object *default_entry(void)
{
	struct json_object *entry = json_object_new_object();

	json_add_string(entry, "host", "unix://" ENGINE_SOCKET);
	json_add_string(entry, "description", "The engine of this host, or of BERTH_HOST");
	return entry;
}

static int list(const struct call *call, struct listing *listing, struct error *err)
{
	auto_json *document = NULL;
	auto_json *entry = default_entry();

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

static int run_ls(struct call *call)
{
	const struct context_list_options *o = call->options;
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

/* In the shape of Docker's. */
static struct json_object *describe(const char *name, struct json_object *entry)
{
	struct json_object *o = json_object_new_object();
	struct json_object *metadata;
	struct json_object *endpoint;

	json_add_string(o, "Name", name);
	metadata = json_add(o, "Metadata", json_object_new_object());
	document_add_text(metadata, "Description", document_text(entry, "description"));
	endpoint = json_add(json_add(o, "Endpoints", json_object_new_object()), "docker",
			    json_object_new_object());
	json_add_string(endpoint, "Host", document_text(entry, "host"));
	json_add_bool(endpoint, "SkipTLSVerify", false);
	document_add_text(endpoint, "TLSFolder", document_text(entry, "tls"));
	return o;
}

static int run_inspect(struct call *call)
{
	const struct context_list_options *o = call->options;
	auto_inspection *inspection = NULL;
	auto_json *document = NULL;
	auto_json *plain = default_entry();
	struct error err = {};

	int r = inspection_new(o->format, &inspection, &err);
	if (r == 0)
		r = context_load(call->globals, &document, &err);
	size_t count = call->operand_count > 0 ? call->operand_count : 1;
	for (size_t i = 0; i < count && r == 0; i++) {
		const char *name = call->operand_count > 0
					   ? call->operands[i]
					   : context_current(call->globals, document);
		bool usual = strcmp(name, CONTEXT_DEFAULT) == 0;
		struct json_object *entry = usual ? plain : context_find(document, name);
		if (!entry)
			r = error_say(&err, ENOENT, "context \"%s\" does not exist", name);
		else
			r = inspection_add(inspection, describe(name, entry), &err);
	}
	if (r < 0)
		return call_fail(call, NULL, &err);
	inspection_print(inspection);
	return 0;
}

/* ---- The verbs -------------------------------------------------------------------------------- */

const struct verb verb_context_create = {
	.names = (const char *const[]){ "context create", NULL },
	.operands = "CONTEXT",
	.help = "Give an engine a name",
	.options = { .tables = { change_options, from_options } },
	.options_size = sizeof(struct context_options),
	.operands_min = 1,
	.operands_max = 1,
	.local = true,
	.run = run_create,
};

const struct verb verb_context_update = {
	.names = (const char *const[]){ "context update", NULL },
	.operands = "CONTEXT",
	.help = "Change a context",
	.options = { .tables = { change_options } },
	.options_size = sizeof(struct context_options),
	.operands_min = 1,
	.operands_max = 1,
	.words = WORDS_CONTEXT,
	.local = true,
	.run = run_update,
};

const struct verb verb_context_use = {
	.names = (const char *const[]){ "context use", NULL },
	.operands = "CONTEXT",
	.help = "Choose the context for the commands that follow",
	.operands_min = 1,
	.operands_max = 1,
	.words = WORDS_CONTEXT,
	.local = true,
	.run = run_use,
};

const struct verb verb_context_show = {
	.names = (const char *const[]){ "context show", NULL },
	.help = "Print the name of the context in force",
	.local = true,
	.run = run_show,
};

const struct verb verb_context_rm = {
	.names = (const char *const[]){ "context rm", "context remove", NULL },
	.operands = "CONTEXT [CONTEXT...]",
	.help = "Remove contexts",
	.options = { .tables = { remove_options } },
	.options_size = sizeof(struct context_options),
	.operands_min = 1,
	.operands_max = -1,
	.words = WORDS_CONTEXT,
	.local = true,
	.run = run_rm,
};

const struct verb verb_context_ls = {
	.names = (const char *const[]){ "context ls", "context list", NULL },
	.help = "List contexts",
	.options = { .tables = { list_options } },
	.options_size = sizeof(struct context_list_options),
	.local = true,
	.run = run_ls,
};

const struct verb verb_context_inspect = {
	.names = (const char *const[]){ "context inspect", NULL },
	.operands = "[CONTEXT...]",
	.help = "Show everything about contexts",
	.options = { .tables = { inspect_options } },
	.options_size = sizeof(struct context_list_options),
	.operands_max = -1,
	.words = WORDS_CONTEXT,
	.local = true,
	.run = run_inspect,
};
