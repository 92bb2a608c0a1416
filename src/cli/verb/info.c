/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/document.h"
#include "cli/human.h"
#include "cli/inspection.h"
#include "cli/verbs.h"

struct info_options {
	const char *format;
};

static const struct option options[] = {
	{ "format", 'f', OPTION_TEXT, offsetof(struct info_options, format),
	  "How to print: 'json' or a Go TEMPLATE" },
	{},
};

/* What is shown, in order; a path to an object is shown as lines below its head. */
static const struct line {
	const char *label;
	const char *path;
} lines[] = {
	{ "Containers", "Containers" },
	{ " Running", "ContainersRunning" },
	{ " Paused", "ContainersPaused" },
	{ " Stopped", "ContainersStopped" },
	{ "Images", "Images" },
	{ "Server Version", "ServerVersion" },
	{ "Storage Driver", "Driver" },
	{ "Logging Driver", "LoggingDriver" },
	{ "Cgroup Driver", "CgroupDriver" },
	{ "Cgroup Version", "CgroupVersion" },
	{ "Default Runtime", "DefaultRuntime" },
	{ "Default Isolation", "Isolation" },
	{ "Kernel Version", "KernelVersion" },
	{ "Operating System", "OperatingSystem" },
	{ "OSType", "OSType" },
	{ "Architecture", "Architecture" },
	{ "CPUs", "NCPU" },
	{ "Name", "Name" },
	{ "ID", "ID" },
	{ "State Folder", "DockerRootDir" },
	{ "HTTP Proxy", "HttpProxy" },
	{ "HTTPS Proxy", "HttpsProxy" },
	{ "No Proxy", "NoProxy" },
};

static void print_value(int indent, const char *label, struct json_object *value);

static void print_members(int indent, struct json_object *object)
{
	json_object_object_foreach(object, name, value)
	{
		print_value(indent, name, value);
	}
}

static void print_value(int indent, const char *label, struct json_object *value)
{
	if (!value || json_object_get_type(value) == json_type_null)
		return;
	if (json_object_get_type(value) == json_type_object) {
		(void)printf("%*s%s:\n", indent, "", label);
		print_members(indent + 1, value);
		return;
	}
	if (json_object_get_type(value) == json_type_array) {
		(void)printf("%*s%s:", indent, "", label);
		for (size_t i = 0; i < json_object_array_length(value); i++)
			(void)printf(" %s", json_object_get_string(document_item(value, i)));
		(void)putchar('\n');
		return;
	}
	if (json_object_get_string_len(value) > 0 ||
	    json_object_get_type(value) != json_type_string)
		(void)printf("%*s%s: %s\n", indent, "", label, json_object_get_string(value));
}

/* [["Name", "Value"], ...] as the storage driver's status comes. */
static void print_pairs(struct json_object *pairs)
{
	for (size_t i = 0; i < document_count(pairs, NULL); i++) {
		struct json_object *pair = document_item(pairs, i);
		(void)printf("  %s: %s\n", document_text(document_item(pair, 0), NULL),
			     document_text(document_item(pair, 1), NULL));
	}
}

static void print_security(struct json_object *info)
{
	struct json_object *list = document_at(info, "SecurityOptions");

	if (document_count(list, NULL) == 0)
		return;
	(void)puts(" Security Options:");
	for (size_t i = 0; i < document_count(list, NULL); i++)
		(void)printf("  %s\n", document_text(document_item(list, i), NULL));
}

static void print_runtimes(struct json_object *info)
{
	struct json_object *runtimes = document_at(info, "Runtimes");

	if (document_count(runtimes, NULL) == 0)
		return;
	(void)printf(" Runtimes:");
	json_object_object_foreach(runtimes, name, value)
	{
		(void)value;
		(void)printf(" %s", name);
	}
	(void)putchar('\n');
}

static void print_server(struct json_object *info)
{
	char memory[HUMAN_TEXT];

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		print_value(1, lines[i].label, document_at(info, lines[i].path));
		if (strcmp(lines[i].path, "Driver") == 0)
			print_pairs(document_at(info, "DriverStatus"));
		if (strcmp(lines[i].path, "NCPU") == 0) {
			human_size_binary((double)document_int(info, "MemTotal"), memory);
			(void)printf(" Total Memory: %s\n", memory);
		}
		if (strcmp(lines[i].path, "DefaultRuntime") == 0) {
			print_runtimes(info);
			print_security(info);
		}
	}
}

/* Berth's own findings about the host; another engine has none. */
static void print_berth(struct call *call)
{
	auto_json *own = NULL;
	struct error ignored;

	if (api_get(call->api, "/berth/info", &own, &ignored) < 0 || !own)
		return;
	(void)puts(" Berth:");
	print_members(2, own);
}

static void print_warnings(struct json_object *info)
{
	struct json_object *warnings = document_at(info, "Warnings");

	(void)fflush(stdout);
	for (size_t i = 0; i < document_count(warnings, NULL); i++)
		(void)fprintf(stderr, "%s\n", document_text(document_item(warnings, i), NULL));
}

static int run(struct call *call)
{
	const struct info_options *o = call->options;
	auto_json *info = NULL;
	struct error err = {};

	int r = api_get(call->api, "/info", &info, &err);
	if (r == 0 && o->format)
		r = inspection_print_one(o->format, info, &err);
	if (r < 0)
		return call_fail(call, NULL, &err);
	if (o->format)
		return 0;
	(void)puts("Client:\n Version: " BERTH_VERSION "\n\nServer:");
	print_server(info);
	print_berth(call);
	print_warnings(info);
	return 0;
}

const struct verb verb_info = {
	.names = (const char *const[]){ "info", "system info", NULL },
	.help = "Show what the engine is and what the host can do",
	.options = { .tables = { options } },
	.options_size = sizeof(struct info_options),
	.common = true,
	.run = run,
};
