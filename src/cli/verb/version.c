/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/alloc.h"
#include "cli/document.h"
#include "cli/inspection.h"
#include "cli/text.h"
#include "cli/verbs.h"

/* Of the Engine API that this client speaks; no version is put into paths. */
#define CLIENT_API "1.47"

struct version_options {
	const char *format;
};

static const struct option options[] = {
	{ "format", 'f', OPTION_TEXT, offsetof(struct version_options, format), TEXT_FORMAT_HELP },
	{},
};

static struct json_object *client_document(void)
{
	struct json_object *client = json_object_new_object();
	struct utsname host = {};

	(void)uname(&host);
	json_add_string(client, "Version", BERTH_VERSION);
	json_add_string(client, "ApiVersion", CLIENT_API);
	json_add_string(client, "DefaultAPIVersion", CLIENT_API);
	json_add_string(client, "Os", "linux");
	json_add_string(client, "Arch",
			strcmp(host.machine, "x86_64") == 0    ? "amd64"
			: strcmp(host.machine, "aarch64") == 0 ? "arm64"
							       : host.machine);
	return client;
}

static void print_line(int indent, const char *name, const char *value)
{
	if (*value)
		(void)printf("%*s%-*s %s\n", indent, "", 19 - indent, name, value);
}

static void print_server(struct json_object *server)
{
	struct json_object *components = document_at(server, "Components");

	if (document_count(components, NULL) == 0)
		return;
	(void)printf("\nServer: %s\n", document_text(server, "Platform.Name"));
	for (size_t i = 0; i < document_count(components, NULL); i++) {
		struct json_object *c = document_item(components, i);
		struct json_object *details = document_at(c, "Details");
		(void)printf(" %s:\n", document_text(c, "Name"));
		print_line(2, "Version:", document_text(c, "Version"));
		if (!details)
			continue;
		json_object_object_foreach(details, name, value)
		{
			auto_free char *label = xasprintf("%s:", name);
			print_line(2, label, document_text(value, NULL));
		}
	}
}

static void print_text(struct json_object *client, struct json_object *server)
{
	(void)puts("Client:");
	print_line(1, "Version:", document_text(client, "Version"));
	print_line(1, "API version:", document_text(client, "ApiVersion"));
	auto_free char *platform =
		xasprintf("%s/%s", document_text(client, "Os"), document_text(client, "Arch"));
	print_line(1, "OS/Arch:", platform);
	print_server(server);
}

static int run(struct call *call)
{
	const struct version_options *o = call->options;
	auto_json *both = json_object_new_object();
	auto_json *server = NULL;
	struct error err = {};
	struct error bad = {};

	struct json_object *client = json_add(both, "Client", client_document());
	int r = api_get(call->api, "/version", &server, &err);
	(void)json_add(both, "Server", json_object_get(server));
	if (o->format && inspection_print_one(o->format, both, &bad) < 0)
		return call_fail(call, NULL, &bad);
	if (!o->format)
		print_text(client, server);
	return r < 0 ? call_fail(call, NULL, &err) : 0;
}

const struct verb verb_version = {
	.names = (const char *const[]){ "version", NULL },
	.help = "Show the versions of client and engine",
	.options = { .tables = { options } },
	.options_size = sizeof(struct version_options),
	.common = true,
	.run = run,
};
