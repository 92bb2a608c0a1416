/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/client/stream.h"
#include "cli/client/url.h"
#include "cli/create/run.h"
#include "cli/document.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "cli/timing.h"
#include "cli/verbs.h"

struct run_options {
	struct create_options create;
	bool detach;
	bool sig_proxy;
	bool timing;
	const char *detach_keys;
};

static const struct option options[] = {
	{ "detach", 'd', OPTION_FLAG, offsetof(struct run_options, detach),
	  "Run in the background and print the id" },
	{ "detach-keys", 0, OPTION_TEXT, offsetof(struct run_options, detach_keys),
	  "Keys that leave a terminal without ending what runs in it" },
	{ "sig-proxy", 0, OPTION_FLAG, offsetof(struct run_options, sig_proxy),
	  "Pass signals on to the program", .preset = "true" },
	{ "timing", 0, OPTION_FLAG, offsetof(struct run_options, timing),
	  "Print at the end where the time of the start went" },
	{},
};

/* What the engine told about an attached run. */
struct outcome {
	const struct call *call;
	char *id;
	bool exited;
	bool lacks_image;
	int status;
	struct json_object *timing;
	struct error failure; /* set where the engine told one */
	struct error local;   /* a failure of our own on the way */
};

static void outcome_done(struct outcome *o)
{
	free_p(&o->id);
	json_put_p(&o->timing);
}

static void take_created(struct stream *s, struct outcome *o, const char *id)
{
	const struct run_options *options_given = o->call->options;

	free_p(&o->id);
	o->id = xstrdup(id);
	(void)snprintf(s->target, sizeof(s->target), "/containers/%.128s", id);
	(void)!cidfile_write(options_given->create.cidfile, id, &o->local);
}

static void take_message(struct stream *s, struct json_object *message)
{
	struct outcome *o = s->arg;
	const char *created = document_text(message, "created");
	const char *failure = document_text(message, "error");
	struct json_object *timing = document_at(message, "timing");
	struct json_object *warnings = document_at(message, "warnings");

	if (*created)
		take_created(s, o, created);
	for (size_t i = 0; i < document_count(warnings, NULL); i++)
		(void)fprintf(stderr, "WARNING: %s\n",
			      document_text(document_item(warnings, i), NULL));
	if (timing && !o->timing)
		o->timing = json_object_get(timing);
	if (*failure) {
		(void)!error_say(&o->failure, EIO, "%s", failure);
		o->lacks_image = create_lacks_image(failure);
	}
	if (document_at(message, "exit")) {
		o->exited = true;
		s->over = true;
		o->status = (int)document_int(message, "exit");
	}
}

static int open_run(const struct call *call, struct json_object *body, struct http **ret,
		    struct http_response *response, struct error *err)
{
	const struct run_options *o = call->options;
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	auto_free char *text = json_text(body);
	uint16_t rows;
	uint16_t cols;

	strbuf_adds(&url, "/berth/run");
	url_query(&url, "name", o->create.name);
	url_query(&url, "platform", o->create.platform);
	url_query(&url, "detachKeys", o->detach_keys);
	if (o->create.tty && terminal_size(&rows, &cols)) {
		url_query_int(&url, "h", rows);
		url_query_int(&url, "w", cols);
	}
	const struct http_request request = {
		.method = "POST",
		.target = strbuf_text(&url),
		.body = text,
		.body_len = strlen(text),
		.upgrade = true,
	};
	return api_open(call->api, &request, ret, response, err);
}

/* The stream ended without a word about the program's end: the engine went away meanwhile. */
static int ask_status(const struct call *call, struct outcome *o, struct error *err)
{
	if (!o->id)
		return error_say(err, EPIPE, "the engine closed the connection");
	return session_wait(call, o->id, &o->status, err);
}

static int carry(const struct call *call, struct http *http, struct outcome *o, struct error *err)
{
	const struct run_options *options_given = call->options;
	const struct create_options *c = &options_given->create;
	struct stream stream = {
		.api = call->api,
		.framed = true,
		.tty = c->tty,
		.std_in = c->interactive,
		.proxy_signals = options_given->sig_proxy,
		.detach_keys = options_given->detach_keys,
		.control = take_message,
		.arg = o,
	};

	stream_take(&stream, http);
	int r = stream_run(&stream, err);
	if (r == STREAM_ENDED && !o->exited)
		return ask_status(call, o, err);
	if (r == STREAM_DETACHED)
		(void)fputs("read escape sequence\n", stderr);
	else if (r == STREAM_SIGNALED)
		o->status = 128 + stream.signal;
	else if (r == STREAM_CLOSED)
		o->status = 128 + 13;
	return r < 0 ? r : 0;
}

/* Create, attach, wait and start by Docker's own requests. */
static int run_by_steps(const struct call *call, struct json_object *body, int *ret_status,
			struct error *err)
{
	const struct run_options *o = call->options;
	auto_free char *id = NULL;

	int r = create_instance(call, body, &id, err);
	if (r < 0)
		return r;
	const struct session session = {
		.id = id,
		.tty = o->create.tty,
		.std_in = document_bool(body, "AttachStdin"),
		.std_out = document_bool(body, "AttachStdout"),
		.std_err = document_bool(body, "AttachStderr"),
		.start = true,
		.auto_remove = o->create.rm,
		.proxy_signals = o->sig_proxy,
		.detach_keys = o->detach_keys,
	};
	r = session_run(call, &session, ret_status, err);
	if (r < 0)
		*ret_status = session_start_status(err->text);
	return r;
}

static int run_attached(struct call *call, struct json_object *body)
{
	const struct run_options *o = call->options;
	struct error err = {};

	int r = 0;
	for (bool again = false; r == 0; again = true) {
		auto_(outcome_done) struct outcome outcome = { .call = call };
		struct http_response response = {};
		struct http *http = NULL;
		int status = RUN_FAILED;

		r = open_run(call, body, &http, &response, &err);
		if (r == -ENOENT && !response.berth) {
			r = run_by_steps(call, body, &status, &err);
			return r < 0 ? create_fail(call, &err, status) : status;
		}
		if (r == 0)
			r = carry(call, http, &outcome, &err);
		bool missing = outcome.lacks_image || (r < 0 && create_lacks_image(err.text));
		if (missing && !again) {
			int pulled = create_pull(call, true, &err);
			if (pulled < 0)
				return create_fail(call, &err, RUN_FAILED);
			r = pulled > 0 ? 0 : r;
			if (pulled > 0)
				continue;
		}
		if (r < 0)
			break;
		if (outcome.timing && o->timing)
			timing_print(outcome.timing);
		if (outcome.failure.code)
			return create_fail(call, &outcome.failure, outcome.status);
		if (outcome.local.code)
			(void)call_fail(call, NULL, &outcome.local);
		return outcome.status;
	}
	return create_fail(call, &err, RUN_FAILED);
}

static int run_detached(struct call *call, struct json_object *body)
{
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	auto_free char *id = NULL;
	struct error err = {};

	int r = create_instance(call, body, &id, &err);
	if (r < 0)
		return create_fail(call, &err, RUN_FAILED);
	url_start(&url, "/containers", id, "start");
	r = api_post(call->api, strbuf_text(&url), NULL, 0, &err);
	if (r < 0)
		return create_fail(call, &err, session_start_status(err.text));
	(void)puts(id);
	return 0;
}

static int run(struct call *call)
{
	const struct run_options *o = call->options;
	auto_json *body = NULL;
	struct error err = {};

	if (o->create.tty && o->create.interactive && !o->detach && !terminal_is_input()) {
		(void)!error_say(&err, ENOTTY,
				 "cannot attach stdin to a TTY-enabled container "
				 "because stdin is not a terminal");
		return create_fail(call, &err, 1);
	}
	int r = create_body(call, o->detach, &body, &err);
	if (r == 0)
		r = create_prepare(call, &err);
	if (r < 0)
		return create_fail(call, &err, RUN_FAILED);
	return o->detach ? run_detached(call, body) : run_attached(call, body);
}

const struct verb verb_run = {
	.names = (const char *const[]){ "run", "container run", NULL },
	.operands = "IMAGE [COMMAND] [ARG...]",
	.help = "Create and run a new instance from an image",
	.options = { .tables = { create_table, create_place_table, limit_table, options },
		     .stop_at_operand = true },
	.options_size = sizeof(struct run_options),
	.operands_min = 1,
	.operands_max = -1,
	.words = WORDS_IMAGE,
	.common = true,
	.run = run,
	.failure = RUN_FAILED,
};
