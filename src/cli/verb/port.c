/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/client/url.h"
#include "cli/document.h"
#include "cli/verbs.h"

/* Lines in the order of ports, then of addresses: "80/tcp -> 0.0.0.0:8080". */
static int compare_lines(const void *a, const void *b)
{
	const char *x = *(const char *const *)a;
	const char *y = *(const char *const *)b;
	long by = strtol(x, NULL, 10) - strtol(y, NULL, 10);

	return by ? (by > 0) - (by < 0) : strcmp(x, y);
}

static void add_bindings(const char *port, struct json_object *bindings, bool port_asked,
			 struct strv *lines)
{
	for (size_t i = 0; i < document_count(bindings, NULL); i++) {
		struct json_object *binding = document_item(bindings, i);
		const char *ip = document_text(binding, "HostIp");
		bool six = strchr(ip, ':') != NULL;
		strv_addf(lines, "%s%s%s%s%s:%s", port_asked ? "" : port, port_asked ? "" : " -> ",
			  six ? "[" : "", ip, six ? "]" : "", document_text(binding, "HostPort"));
	}
}

static int run(struct call *call)
{
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	auto_json *instance = NULL;
	auto_strv lines = {};
	struct error err = {};
	const char *given = call->operand_count > 1 ? call->operands[1] : NULL;
	auto_free char *asked =
		given ? xasprintf("%s%s", given, strchr(given, '/') ? "" : "/tcp") : NULL;

	url_start(&url, "/containers", call->operands[0], "json");
	int r = api_get(call->api, strbuf_text(&url), &instance, &err);
	if (r < 0)
		return call_fail(call, call->operands[0], &err);
	struct json_object *ports = document_at(instance, "NetworkSettings.Ports");
	if (document_count(ports, NULL) > 0) {
		json_object_object_foreach(ports, port, bindings)
		{
			if (!asked || strcmp(port, asked) == 0)
				add_bindings(port, bindings, asked != NULL, &lines);
		}
	}
	if (asked && lines.count == 0)
		return call_say(call, "no public port '%s' published for %s", given,
				call->operands[0]);
	if (lines.count > 0)
		qsort(lines.items, lines.count, sizeof(char *), compare_lines);
	for (size_t i = 0; i < lines.count; i++)
		(void)puts(lines.items[i]);
	return 0;
}

const struct verb verb_port = {
	.names = (const char *const[]){ "port", "container port", NULL },
	.operands = "INSTANCE [PRIVATE_PORT[/PROTO]]",
	.help = "Show the published ports of an instance",
	.operands_min = 1,
	.operands_max = 2,
	.words = WORDS_RUNNING,
	.run = run,
};
