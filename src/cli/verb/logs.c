/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/client/frames.h"
#include "cli/client/url.h"
#include "cli/document.h"
#include "cli/instant.h"
#include "cli/verbs.h"

struct logs_options {
	bool details;
	bool follow;
	bool timestamps;
	const char *since;
	const char *until;
	const char *tail;
};

static const struct option options[] = {
	{ "details", 0, OPTION_FLAG, offsetof(struct logs_options, details),
	  "Show what the log driver adds to each line" },
	{ "follow", 'f', OPTION_FLAG, offsetof(struct logs_options, follow),
	  "Go on as new lines come" },
	{ "since", 0, OPTION_TEXT, offsetof(struct logs_options, since),
	  "Show lines from an instant on (2026-01-02T13:23:37Z), or so long back (42m)" },
	{ "tail", 'n', OPTION_TEXT, offsetof(struct logs_options, tail),
	  "Number of lines from the end", .preset = "all" },
	{ "timestamps", 't', OPTION_FLAG, offsetof(struct logs_options, timestamps),
	  "Show when each line was written" },
	{ "until", 0, OPTION_TEXT, offsetof(struct logs_options, until),
	  "Show lines before an instant, as --since" },
	{},
};

static int make_url(const struct call *call, struct strbuf *url, struct error *err)
{
	const struct logs_options *o = call->options;

	url_start(url, "/containers", call->operands[0], "logs");
	url_query_flag(url, "stdout", true);
	url_query_flag(url, "stderr", true);
	url_query_flag(url, "follow", o->follow);
	url_query_flag(url, "timestamps", o->timestamps);
	url_query_flag(url, "details", o->details);
	url_query(url, "tail", o->tail);
	int r = instant_query(url, "since", o->since, err);
	return r < 0 ? r : instant_query(url, "until", o->until, err);
}

/* Prints what the frames in @data say; a closed standard output ends it quietly. */
static int print_frames(struct frame_reader *frames, const char *data, size_t len)
{
	struct frame_piece piece;
	size_t used;
	int r = 0;

	while (r == 0 && frame_next(frames, data, len, &used, &piece)) {
		r = write_full(piece.stream == FRAME_ERRORS ? STDERR_FILENO : STDOUT_FILENO,
			       piece.data, piece.len);
		data += used;
		len -= used;
	}
	return r;
}

static int print_all(struct http *http, bool framed, struct error *err)
{
	struct frame_reader frames = {};

	for (;;) {
		char data[65536];
		ssize_t n = http_read(http, data, sizeof(data), err);
		if (n <= 0)
			return (int)n;
		int r = framed ? print_frames(&frames, data, (size_t)n)
			       : write_full(STDOUT_FILENO, data, (size_t)n);
		if (r == -EPIPE)
			return 0;
		if (r < 0)
			return error_set(err, r, "write the output");
	}
}

/* Whether the log of an instance comes in frames: an engine that does not say so is asked. */
static int find_framing(const struct call *call, const struct http_response *response,
			bool *ret_framed, struct error *err)
{
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	auto_json *instance = NULL;
	char type[96];

	if (http_header(response, "Content-Type", type, sizeof(type)) &&
	    strncmp(type, "application/vnd.docker.", 23) == 0) {
		*ret_framed = strstr(type, "multiplexed") != NULL;
		return 0;
	}
	url_start(&url, "/containers", call->operands[0], "json");
	int r = api_get(call->api, strbuf_text(&url), &instance, err);
	if (r == 0)
		*ret_framed = !document_bool(instance, "Config.Tty");
	return r;
}

static int run(struct call *call)
{
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	struct http_response response;
	struct http *http = NULL;
	struct error err = {};
	bool framed = true;

	int r = make_url(call, &url, &err);
	const struct http_request request = { .method = "GET", .target = strbuf_text(&url) };
	if (r == 0)
		r = api_open(call->api, &request, &http, &response, &err);
	if (r == 0)
		r = find_framing(call, &response, &framed, &err);
	if (r == 0)
		r = print_all(http, framed, &err);
	http_free(http);
	return r < 0 ? call_fail(call, call->operands[0], &err) : 0;
}

const struct verb verb_logs = {
	.names = (const char *const[]){ "logs", "container logs", NULL },
	.operands = "INSTANCE",
	.help = "Show the log of an instance",
	.options = { .tables = { options } },
	.options_size = sizeof(struct logs_options),
	.operands_min = 1,
	.operands_max = 1,
	.words = WORDS_INSTANCE,
	.run = run,
};
