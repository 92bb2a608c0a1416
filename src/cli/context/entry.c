/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/context/entry.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/create/mount-spec.h"
#include "cli/document.h"

const struct option context_change_table[] = {
	{ "description", 0, OPTION_TEXT, offsetof(struct context_options, description),
	  "What it is for" },
	{ "docker", 0, OPTION_LIST, offsetof(struct context_options, docker),
	  "The engine: host=ADDRESS[,tls=FOLDER], where FOLDER holds ca.pem, cert.pem, key.pem",
	  .value = "host=ADDRESS" },
	{},
};

int context_apply(const struct context_options *o, struct json_object *entry, struct error *err)
{
	auto_strv fields = {};
	int r = 0;

	if (o->description)
		json_add_string(entry, "description", o->description);
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

struct json_object *context_entries(struct json_object *document)
{
	struct json_object *list = document_at(document, "contexts");

	return list ? list : json_add(document, "contexts", json_object_new_object());
}

struct json_object *context_default_entry(void)
{
	struct json_object *entry = json_object_new_object();

	json_add_string(entry, "host", "unix://" ENGINE_SOCKET);
	json_add_string(entry, "description", "The engine of this host, or of BERTH_HOST");
	return entry;
}

int context_change(struct call *call, int (*act)(const struct call *call,
						 struct json_object *document, struct error *err))
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

int context_missing(const char *name, struct error *err)
{
	return error_say(err, ENOENT, "context \"%s\" does not exist", name);
}
