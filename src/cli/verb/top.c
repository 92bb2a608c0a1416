/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/client/url.h"
#include "cli/document.h"
#include "cli/table.h"
#include "cli/verbs.h"

/* Docker's columns of processes stand further apart than those of lists. */
#define COLUMN_MIN 20

static void add_line(struct json_object *cells, struct strv *lines)
{
	auto_strbuf line = STRBUF_INIT(1U << 20);

	for (size_t i = 0; i < document_count(cells, NULL); i++)
		strbuf_addf(&line, "%s%s", i ? "\t" : "",
			    document_text(document_item(cells, i), NULL));
	strv_add(lines, strbuf_text(&line));
}

static int run(struct call *call)
{
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	auto_strbuf arguments = STRBUF_INIT(URL_MAX);
	auto_strbuf out = STRBUF_INIT(16U << 20);
	auto_json *answer = NULL;
	auto_strv lines = {};
	struct error err = {};

	for (size_t i = 1; i < call->operand_count; i++)
		strbuf_addf(&arguments, "%s%s", i > 1 ? " " : "", call->operands[i]);
	url_start(&url, "/containers", call->operands[0], "top");
	if (arguments.len > 0)
		url_query(&url, "ps_args", strbuf_text(&arguments));
	int r = api_get(call->api, strbuf_text(&url), &answer, &err);
	if (r < 0)
		return call_fail(call, call->operands[0], &err);

	struct json_object *processes = document_at(answer, "Processes");
	add_line(document_at(answer, "Titles"), &lines);
	for (size_t i = 0; i < document_count(processes, NULL); i++)
		add_line(document_item(processes, i), &lines);
	table_format(&lines, COLUMN_MIN, &out);
	(void)fputs(strbuf_text(&out), stdout);
	return 0;
}

const struct verb verb_top = {
	.names = (const char *const[]){ "top", "container top", NULL },
	.operands = "INSTANCE [PS OPTIONS]",
	.help = "Show the processes of an instance",
	.options = { .stop_at_operand = true },
	.operands_min = 1,
	.operands_max = -1,
	.words = WORDS_RUNNING,
	.run = run,
};
