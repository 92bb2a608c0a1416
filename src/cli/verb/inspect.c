/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "cli/inspection.h"
#include "cli/url.h"
#include "cli/verbs.h"

struct inspect_options {
	const char *format;
	const char *type;
	bool size;
};

static const struct option options[] = {
	{ "format", 'f', OPTION_TEXT, offsetof(struct inspect_options, format),
	  "How to print: 'json', or a Go TEMPLATE for each" },
	{ "size", 's', OPTION_FLAG, offsetof(struct inspect_options, size),
	  "Also find out the sizes of instances on disk" },
	{ "type", 0, OPTION_TEXT, offsetof(struct inspect_options, type),
	  "Look only for objects of this type", .choices = "container|image|network|volume" },
	{},
};

static const struct option container_options[] = {
	{ "format", 'f', OPTION_TEXT, offsetof(struct inspect_options, format),
	  "How to print: 'json', or a Go TEMPLATE for each" },
	{ "size", 's', OPTION_FLAG, offsetof(struct inspect_options, size),
	  "Also find out the sizes on disk" },
	{},
};

static const struct option image_options[] = {
	{ "format", 'f', OPTION_TEXT, offsetof(struct inspect_options, format),
	  "How to print: 'json', or a Go TEMPLATE for each" },
	{},
};

/* In the order in which a name is looked for. */
static const struct kind {
	const char *type;
	const char *base;
	const char *tail;
} kinds[] = {
	{ "container", "/containers", "json" },
	{ "image", "/images", "json" },
	{ "network", "/networks", NULL },
	{ "volume", "/volumes", NULL },
};

static int look_up(struct call *call, const char *name, const char *type, struct json_object **ret,
		   struct error *err)
{
	const struct inspect_options *o = call->options;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		auto_strbuf url = STRBUF_INIT(URL_MAX);
		if (type && strcmp(type, kinds[i].type) != 0)
			continue;
		url_start(&url, kinds[i].base, name, kinds[i].tail);
		url_query_flag(&url, "size", o->size && i == 0);
		int r = api_get(call->api, strbuf_text(&url), ret, err);
		/* an engine without networks or volumes says so by other statuses */
		bool other = !type && i >= 2 && r < 0;
		if (r != -ENOENT && !other)
			return r;
		if (type)
			return r;
	}
	return error_say(err, ENOENT, "No such object: %s", name);
}

static int inspect(struct call *call, const char *type)
{
	const struct inspect_options *o = call->options;
	auto_inspection *inspection = NULL;
	struct error err = {};
	int status = 0;

	if (inspection_new(o->format, &inspection, &err) < 0)
		return call_fail(call, NULL, &err);
	for (size_t i = 0; i < call->operand_count; i++) {
		struct json_object *document = NULL;
		int r = look_up(call, call->operands[i], type, &document, &err);
		if (r == 0)
			r = inspection_add(inspection, document, &err);
		if (r < 0)
			status = call_fail(call, call->operands[i], &err);
	}
	inspection_print(inspection);
	return status;
}

static int run(struct call *call)
{
	const struct inspect_options *o = call->options;
	bool known = !o->type || !*o->type;

	for (size_t i = 0; i < ARRAY_SIZE(kinds) && !known; i++)
		known = strcmp(o->type, kinds[i].type) == 0;
	if (!known)
		return call_say(call, "\"%s\" is not a valid value for --type", o->type);
	return inspect(call, o->type && *o->type ? o->type : NULL);
}

static int run_container(struct call *call)
{
	return inspect(call, "container");
}

static int run_image(struct call *call)
{
	return inspect(call, "image");
}

const struct verb verb_inspect = {
	.names = (const char *const[]){ "inspect", NULL },
	.operands = "NAME|ID [NAME|ID...]",
	.help = "Show everything about instances, images and other objects",
	.options = { .tables = { options } },
	.options_size = sizeof(struct inspect_options),
	.operands_min = 1,
	.operands_max = -1,
	.words = WORDS_INSTANCE,
	.run = run,
};

const struct verb verb_container_inspect = {
	.names = (const char *const[]){ "container inspect", NULL },
	.operands = "INSTANCE [INSTANCE...]",
	.help = "Show everything about instances",
	.options = { .tables = { container_options } },
	.options_size = sizeof(struct inspect_options),
	.operands_min = 1,
	.operands_max = -1,
	.words = WORDS_INSTANCE,
	.run = run_container,
};

const struct verb verb_image_inspect = {
	.names = (const char *const[]){ "image inspect", NULL },
	.operands = "IMAGE [IMAGE...]",
	.help = "Show everything about images",
	.options = { .tables = { image_options } },
	.options_size = sizeof(struct inspect_options),
	.operands_min = 1,
	.operands_max = -1,
	.words = WORDS_IMAGE,
	.run = run_image,
};
