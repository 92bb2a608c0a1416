/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/client/url.h"
#include "cli/document.h"
#include "cli/verbs.h"

static int run(struct call *call)
{
	static const char kinds[] = "CAD";
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	auto_json *changes = NULL;
	struct error err = {};

	url_start(&url, "/containers", call->operands[0], "changes");
	int r = api_get(call->api, strbuf_text(&url), &changes, &err);
	if (r < 0)
		return call_fail(call, call->operands[0], &err);
	for (size_t i = 0; i < document_count(changes, NULL); i++) {
		struct json_object *change = document_item(changes, i);
		int64_t kind = document_int(change, "Kind");
		(void)printf("%c %s\n", kind >= 0 && kind < 3 ? kinds[kind] : '?',
			     document_text(change, "Path"));
	}
	return 0;
}

const struct verb verb_diff = {
	.names = (const char *const[]){ "diff", "container diff", NULL },
	.operands = "INSTANCE",
	.help = "Show what an instance changed in its file system",
	.operands_min = 1,
	.operands_max = 1,
	.words = WORDS_INSTANCE,
	.run = run,
};
