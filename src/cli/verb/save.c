/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client/url.h"
#include "cli/files/download.h"
#include "cli/verbs.h"

struct save_options {
	const char *output;
	const char *platform;
};

static const struct option options[] = {
	{ "output", 'o', OPTION_TEXT, offsetof(struct save_options, output),
	  "Write to a file instead of standard output", .words = WORDS_FILE },
	{ "platform", 0, OPTION_TEXT, offsetof(struct save_options, platform),
	  "Save only this platform" },
	{},
};

static int run(struct call *call)
{
	const struct save_options *o = call->options;
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	struct error err = {};

	strbuf_adds(&url, "/images/get");
	for (size_t i = 0; i < call->operand_count; i++)
		url_query(&url, "names", call->operands[i]);
	url_query(&url, "platform", o->platform);
	int r = download(call, strbuf_text(&url), o->output, &err);
	return r < 0 ? call_fail(call, NULL, &err) : 0;
}

const struct verb verb_save = {
	.names = (const char *const[]){ "save", "image save", NULL },
	.operands = "IMAGE [IMAGE...]",
	.help = "Save images to a tar archive",
	.options = { .tables = { options } },
	.options_size = sizeof(struct save_options),
	.operands_min = 1,
	.operands_max = -1,
	.words = WORDS_IMAGE,
	.run = run,
};
