/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "cli/context/entry.h"
#include "cli/document.h"
#include "cli/inspection.h"
#include "cli/verbs.h"

struct context_inspect_options {
	const char *format;
};

static const struct option options[] = {
	{ "format", 'f', OPTION_TEXT, offsetof(struct context_inspect_options, format),
	  "How to print: 'json', or a Go TEMPLATE for each" },
	{},
};

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

static int run(struct call *call)
{
	const struct context_inspect_options *o = call->options;
	auto_inspection *inspection = NULL;
	auto_json *document = NULL;
	auto_json *plain = context_default_entry();
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
			r = context_missing(name, &err);
		else
			r = inspection_add(inspection, describe(name, entry), &err);
	}
	if (r < 0)
		return call_fail(call, NULL, &err);
	inspection_print(inspection);
	return 0;
}

const struct verb verb_context_inspect = {
	.names = (const char *const[]){ "context inspect", NULL },
	.operands = "[CONTEXT...]",
	.help = "Show everything about contexts",
	.options = { .tables = { options } },
	.options_size = sizeof(struct context_inspect_options),
	.operands_max = -1,
	.words = WORDS_CONTEXT,
	.local = true,
	.run = run,
};
