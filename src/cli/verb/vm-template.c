/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/document.h"
#include "cli/human.h"
#include "cli/listing.h"
#include "cli/text.h"
#include "cli/verbs.h"

#define TARGET "/berth/vm/templates"

struct vm_template_options {
	int64_t memory;
	int64_t cpus;
	bool quiet;
	const char *format;
};

static const struct option options[] = {
	{ "cpus", 0, OPTION_CPUS, offsetof(struct vm_template_options, cpus),
	  "Make one for machines with so many processors" },
	{ "format", 0, OPTION_TEXT, offsetof(struct vm_template_options, format),
	  TEXT_FORMAT_HELP },
	{ "memory", 'm', OPTION_BYTES, offsetof(struct vm_template_options, memory),
	  "Make one for machines with this limit of memory" },
	{ "quiet", 'q', OPTION_FLAG, offsetof(struct vm_template_options, quiet), "Show only ids" },
	{},
};

static const struct listing_column columns[] = {
	{ "CPUs", "CPUS" },     { "ID", "TEMPLATE ID" }, { "Image", "IMAGE" },
	{ "Memory", "MEMORY" }, { "Size", "SIZE" },      {},
};

static const struct listing_kind kind = { columns,
					  "{{.ID}}\t{{.Image}}\t{{.Memory}}\t{{.CPUs}}\t{{.Size}}",
					  "{{.ID}}" };

static struct json_object *make_row(struct json_object *entry)
{
	struct json_object *row = json_object_new_object();
	const char *image = document_text(entry, "Image");
	auto_free char *id = *image ? text_image_id(image, true) : xstrdup("");
	char text[HUMAN_TEXT];

	json_add_string(row, "ID", document_text(entry, "Key"));
	json_add_string(row, "Image", id);
	human_size_binary((double)document_int(entry, "Memory"), text);
	json_add_string(row, "Memory", text);
	(void)snprintf(text, sizeof(text), "%lld", (long long)document_int(entry, "Cpus"));
	json_add_string(row, "CPUs", text);
	human_size((double)document_int(entry, "Size"), 3, text);
	json_add_string(row, "Size", text);
	return row;
}

static int list(struct call *call, struct error *err)
{
	const struct vm_template_options *o = call->options;
	auto_listing *listing = NULL;
	auto_json *entries = NULL;

	int r = listing_new(&kind, o->format, o->quiet, &listing, err);
	if (r == 0)
		r = api_get(call->api, TARGET, &entries, err);
	for (size_t i = 0; r == 0 && i < document_count(entries, NULL); i++)
		r = listing_add(listing, make_row(document_item(entries, i)), NULL, err);
	if (r == 0)
		listing_print(listing);
	return r;
}

static int make(struct call *call, struct error *err)
{
	const struct vm_template_options *o = call->options;
	auto_json *body = json_object_new_object();
	auto_json *made = NULL;

	document_add_int(body, "Memory", o->memory);
	document_add_int(body, "NanoCpus", o->cpus);
	int r = api_json(call->api, "POST", TARGET, body, API_TIMEOUT_MS, &made, err);
	if (r == 0)
		(void)puts(document_text(made, "Key"));
	return r;
}

static int remove_all(struct call *call, struct error *err)
{
	auto_json *removed = NULL;

	int r = api_json(call->api, "DELETE", TARGET, NULL, API_TIMEOUT_MS, &removed, err);
	if (r == 0)
		(void)printf("Removed: %lld\n", (long long)document_int(removed, "Removed"));
	return r;
}

static int remove_one(struct call *call, const char *key, struct error *err)
{
	if (strchr(key, '/') || !*key)
		return error_say(err, ENOENT, "No such template: %s", key);
	auto_free char *target = xasprintf(TARGET "/%s", key);
	int r = api_json(call->api, "DELETE", target, NULL, API_TIMEOUT_MS, NULL, err);

	if (r == 0)
		(void)puts(key);
	return r;
}

static int remove_some(struct call *call)
{
	struct error err = {};
	int status = 0;

	if (call->operand_count < 2)
		return call_say(call, "rm needs the id of a template, as 'ls' shows it");
	for (size_t i = 1; i < call->operand_count; i++)
		if (remove_one(call, call->operands[i], &err) < 0)
			status = call_fail(call, NULL, &err);
	return status;
}

static int run(struct call *call)
{
	static const struct {
		const char *name;
		int (*act)(struct call *call, struct error *err);
	} actions[] = { { "ls", list }, { "make", make }, { "prune", remove_all } };
	const char *action = call->operands[0];
	struct error err = {};

	if (strcmp(action, "rm") == 0)
		return remove_some(call);
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		if (strcmp(action, actions[i].name) != 0)
			continue;
		if (call->operand_count > 1)
			return call_say(call, "%s takes no operand", action);
		return actions[i].act(call, &err) < 0 ? call_fail(call, NULL, &err) : 0;
	}
	return call_say(call, "'%s' is none of ls, make, prune, rm", action);
}

const struct verb verb_vm_template = {
	.names = (const char *const[]){ "vm template", NULL },
	.operands = "ls|make|prune|rm [TEMPLATE...]",
	.help = "Manage the templates that virtual machines start from",
	.details = "A machine is not booted when an instance starts: it is a clone of a template, "
		   "which "
		   "was booted once and frozen. There is one for each size of machine; it is made "
		   "when "
		   "it is needed first, or ahead by 'make'. Behind the first start of an image one "
		   "more "
		   "is made for that image, which is shown with its id.\n\n"
		   "'rm' removes single ones, 'prune' all, with the machines that wait for a "
		   "start. What "
		   "runs is not touched, and what is needed is made again. Templates of another "
		   "kernel, "
		   "guest or QEMU are removed by themselves.",
	.options = { .tables = { options } },
	.options_size = sizeof(struct vm_template_options),
	.operands_min = 1,
	.operands_max = -1,
	.choices = "ls|make|prune|rm",
	.run = run,
};
