/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/client/url.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "cli/verbs.h"

struct load_options {
	const char *input;
	const char *platform;
	bool quiet;
};

static const struct option options[] = {
	{ "input", 'i', OPTION_TEXT, offsetof(struct load_options, input),
	  "Read from a file instead of standard input", .words = WORDS_FILE },
	{ "platform", 0, OPTION_TEXT, offsetof(struct load_options, platform),
	  "Load only this platform" },
	{ "quiet", 'q', OPTION_FLAG, offsetof(struct load_options, quiet),
	  "Print only the names of what was loaded" },
	{},
};

static int load(const struct call *call, int fd, struct error *err)
{
	const struct load_options *o = call->options;
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	struct http_response response;
	struct http *http = NULL;

	strbuf_adds(&url, "/images/load");
	url_query_int(&url, "quiet", o->quiet || !text_is_terminal(STDOUT_FILENO));
	url_query(&url, "platform", o->platform);
	const struct http_request request = {
		.method = "POST",
		.target = strbuf_text(&url),
		.content_type = "application/x-tar",
		.body_fd = fd,
	};
	int r = api_open(call->api, &request, &http, &response, err);
	if (r < 0)
		return r;
	const struct progress progress = { .fd = STDOUT_FILENO };
	r = progress_show(&progress, http, err);
	api_close(call->api, http);
	return r;
}

static int run(struct call *call)
{
	const struct load_options *o = call->options;
	struct error err = {};

	if (!o->input && text_is_terminal(STDIN_FILENO))
		return call_say(call, "requested load from stdin, but stdin is empty");
	auto_close int fd = o->input ? open(o->input, O_RDONLY | O_CLOEXEC)
				     : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return call_say(call, "open %s: %m", o->input ? o->input : "standard input");
	int r = load(call, fd, &err);
	return r < 0 ? call_fail(call, o->input, &err) : 0;
}

const struct verb verb_load = {
	.names = (const char *const[]){ "load", "image load", NULL },
	.help = "Load images from a tar archive",
	.options = { .tables = { options } },
	.options_size = sizeof(struct load_options),
	.run = run,
};
