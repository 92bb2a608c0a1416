/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/client/stream.h"
#include "cli/client/url.h"
#include "cli/document.h"

#define ANSWER_MAX 65536

int session_start_status(const char *text)
{
	static const char *const not_found[] = { "executable file not found",
						 "no such file or directory",
						 "No such file or directory", "not found in" };
	static const char *const not_runnable[] = { "permission denied", "Permission denied",
						    "exec format error", "Exec format error",
						    "is a directory",    "Is a directory" };

	for (size_t i = 0; i < ARRAY_SIZE(not_found); i++)
		if (strstr(text, not_found[i]))
			return 127;
	for (size_t i = 0; i < ARRAY_SIZE(not_runnable); i++)
		if (strstr(text, not_runnable[i]))
			return 126;
	return 125;
}

static int open_attach(const struct call *call, const struct session *s, struct http **ret,
		       struct error *err)
{
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	struct http_response response;

	url_start(&url, "/containers", s->id, "attach");
	url_query_flag(&url, "stream", true);
	url_query_flag(&url, "stdin", s->std_in);
	url_query_flag(&url, "stdout", s->std_out);
	url_query_flag(&url, "stderr", s->std_err);
	url_query(&url, "detachKeys", s->detach_keys);
	const struct http_request request = {
		.method = "POST",
		.target = strbuf_text(&url),
		.upgrade = true,
		.timeout_ms = API_TIMEOUT_MS,
	};
	return api_open(call->api, &request, ret, &response, err);
}

/* The head of the answer comes at once, the body when the condition holds. */
static int open_wait(const struct call *call, const struct session *s, struct http **ret,
		     struct error *err)
{
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	struct http_response response;

	url_start(&url, "/containers", s->id, "wait");
	if (s->auto_remove)
		url_query(&url, "condition", "removed");
	else if (s->start)
		url_query(&url, "condition", "next-exit");
	const struct http_request request = { .method = "POST", .target = strbuf_text(&url) };
	return api_open(call->api, &request, ret, &response, err);
}

static int read_status(struct http *http, int *ret, struct error *err)
{
	auto_strbuf body = STRBUF_INIT(ANSWER_MAX);
	auto_json *answer = NULL;

	int r = http_read_all(http, &body, err);
	if (r == 0)
		r = json_parse(strbuf_text(&body), body.len, ANSWER_MAX, "the exit status", &answer,
			       err);
	if (r < 0)
		return r;
	if (*document_text(answer, "Error.Message"))
		return error_say(err, EIO, "%s", document_text(answer, "Error.Message"));
	*ret = (int)document_int(answer, "StatusCode");
	return 0;
}

int session_wait(const struct call *call, const char *id, int *ret_status, struct error *err)
{
	const struct session s = { .id = id };
	struct http *http = NULL;

	int r = open_wait(call, &s, &http, err);
	if (r < 0)
		return r;
	r = read_status(http, ret_status, err);
	api_close(call->api, http);
	return r;
}

static int start(const struct call *call, const struct session *s, struct error *err)
{
	auto_strbuf url = STRBUF_INIT(URL_MAX);

	url_start(&url, "/containers", s->id, "start");
	int r = api_post(call->api, strbuf_text(&url), NULL, 0, err);
	return r < 0 ? r : 0;
}

static int carry(const struct call *call, const struct session *s, struct http *attach,
		 struct http *wait, int *ret_status, struct error *err)
{
	struct stream stream = {
		.api = call->api,
		.framed = !s->tty,
		.tty = s->tty,
		.std_in = s->std_in,
		.proxy_signals = s->proxy_signals,
		.detach_keys = s->detach_keys,
	};

	(void)snprintf(stream.target, sizeof(stream.target), "/containers/%.128s", s->id);
	stream_take(&stream, attach);
	int r = stream_run(&stream, err);
	if (r < 0)
		return r;
	*ret_status = 0;
	if (r == STREAM_DETACHED)
		(void)fputs("read escape sequence\n", stderr);
	else if (r == STREAM_SIGNALED)
		*ret_status = 128 + stream.signal;
	else if (r == STREAM_CLOSED)
		*ret_status = 128 + 13;
	else
		return read_status(wait, ret_status, err);
	return 0;
}

int session_run(const struct call *call, const struct session *s, int *ret_status,
		struct error *err)
{
	struct http *attach = NULL;
	auto_http *wait = NULL;

	int r = open_attach(call, s, &attach, err);
	if (r == 0)
		r = open_wait(call, s, &wait, err);
	if (r == 0 && s->start)
		r = start(call, s, err);
	if (r < 0) {
		http_free(attach);
		return r;
	}
	return carry(call, s, attach, wait, ret_status, err);
}
