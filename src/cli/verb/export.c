/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client/url.h"
#include "cli/files/download.h"
#include "cli/verbs.h"

struct export_options {
	const char *output;
};

static const struct option options[] = {
	{ "output", 'o', OPTION_TEXT, offsetof(struct export_options, output),
	  "Write to a file instead of standard output", .words = WORDS_FILE },
	{},
};

static int run(struct call *call)
{
	const struct export_options *o = call->options;
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	struct error err = {};

	url_start(&url, "/containers", call->operands[0], "export");
	int r = download(call, strbuf_text(&url), o->output, &err);
	return r < 0 ? call_fail(call, call->operands[0], &err) : 0;
}

const struct verb verb_export = {
	.names = (const char *const[]){ "export", "container export", NULL },
	.operands = "INSTANCE",
	.help = "Save the file system of an instance as a tar archive",
	.options = { .tables = { options } },
	.options_size = sizeof(struct export_options),
	.operands_min = 1,
	.operands_max = 1,
	.words = WORDS_INSTANCE,
	.run = run,
};
