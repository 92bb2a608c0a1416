/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/client/stream.h"
#include "cli/client/url.h"
#include "cli/create/env-file.h"
#include "cli/create/run.h"
#include "cli/document.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

struct exec_options {
	bool detach;
	bool interactive;
	bool privileged;
	bool tty;
	struct strv env;
	struct strv env_files;
	const char *detach_keys;
	const char *user;
	const char *workdir;
};

static const struct option options[] = {
	{ "detach", 'd', OPTION_FLAG, offsetof(struct exec_options, detach),
	  "Run it in the background" },
	{ "detach-keys", 0, OPTION_TEXT, offsetof(struct exec_options, detach_keys),
	  "Keys that leave a terminal without ending what runs in it" },
	{ "env", 'e', OPTION_LIST, offsetof(struct exec_options, env),
	  "Set an environment variable" },
	{ "env-file", 0, OPTION_LIST, offsetof(struct exec_options, env_files),
	  "Read environment variables from a file", .words = WORDS_FILE },
	{ "interactive", 'i', OPTION_FLAG, offsetof(struct exec_options, interactive),
	  "Keep standard input open even if not attached" },
	{ "privileged", 0, OPTION_FLAG, offsetof(struct exec_options, privileged),
	  "Lift the sandbox for this program" },
	{ "tty", 't', OPTION_FLAG, offsetof(struct exec_options, tty), "Give it a terminal" },
	{ "user", 'u', OPTION_TEXT, offsetof(struct exec_options, user),
	  "User, by name or number (USER[:GROUP])" },
	{ "workdir", 'w', OPTION_TEXT, offsetof(struct exec_options, workdir),
	  "Working folder inside" },
	{},
};

struct outcome {
	bool exited;
	int status;
	struct error failure;
};

static void add_size(struct json_object *body)
{
	uint16_t rows;
	uint16_t cols;

	if (!terminal_size(&rows, &cols))
		return;
	struct json_object *size = json_add(body, "ConsoleSize", json_object_new_array());
	(void)json_object_array_add(size, json_object_new_int(rows));
	(void)json_object_array_add(size, json_object_new_int(cols));
}

static int make_body(const struct call *call, struct json_object **ret, struct error *err)
{
	const struct exec_options *o = call->options;
	auto_json *body = json_object_new_object();
	auto_strv env = {};
	auto_strv command = {};
	int r = 0;

	for (size_t i = 0; i < o->env_files.count && r == 0; i++)
		r = env_read(o->env_files.items[i], true, &env, err);
	for (size_t i = 0; i < o->env.count && r == 0; i++)
		r = env_add(o->env.items[i], &env, err);
	if (r < 0)
		return r;
	for (size_t i = 1; i < call->operand_count; i++)
		strv_add(&command, call->operands[i]);
	document_add_text(body, "User", o->user);
	document_add_text(body, "WorkingDir", o->workdir);
	document_add_text(body, "DetachKeys", o->detach_keys);
	document_add_flag(body, "Privileged", o->privileged);
	document_add_flag(body, "Tty", o->tty);
	document_add_flag(body, "Detach", o->detach);
	document_add_flag(body, "AttachStdin", o->interactive && !o->detach);
	document_add_flag(body, "AttachStdout", !o->detach);
	document_add_flag(body, "AttachStderr", !o->detach);
	document_add_list(body, "Env", &env);
	json_add_strings(body, "Cmd", &command);
	if (o->tty)
		add_size(body);
	*ret = take_ptr(body);
	return 0;
}

static void take_message(struct stream *s, struct json_object *message)
{
	struct outcome *o = s->arg;
	const char *created = document_text(message, "created");
	const char *failure = document_text(message, "error");

	if (*created)
		(void)snprintf(s->target, sizeof(s->target), "/exec/%.128s", created);
	if (*failure)
		(void)!error_say(&o->failure, EIO, "%s", failure);
	if (document_at(message, "exit")) {
		o->exited = true;
		s->over = true;
		o->status = (int)document_int(message, "exit");
	}
}

/* The exit status of a session made by Docker's own requests. */
static int ask_status(const struct call *call, const char *id, int *ret, struct error *err)
{
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	auto_json *session = NULL;

	url_start(&url, "/exec", id, "json");
	int r = api_get(call->api, strbuf_text(&url), &session, err);
	if (r == 0)
		*ret = (int)document_int(session, "ExitCode");
	return r;
}

static int carry(const struct call *call, struct http *http, const char *id, struct outcome *o,
		 struct error *err)
{
	const struct exec_options *given = call->options;
	struct stream stream = {
		.api = call->api,
		.framed = !id || !given->tty,
		.tty = given->tty,
		.std_in = given->interactive,
		.detach_keys = given->detach_keys,
		.control = take_message,
		.arg = o,
	};

	if (id)
		(void)snprintf(stream.target, sizeof(stream.target), "/exec/%.128s", id);
	stream_take(&stream, http);
	int r = stream_run(&stream, err);
	if (r == STREAM_DETACHED)
		(void)fputs("read escape sequence\n", stderr);
	else if (r == STREAM_SIGNALED)
		o->status = 128 + stream.signal;
	else if (r == STREAM_CLOSED)
		o->status = 128 + 13;
	else if (r == STREAM_ENDED && id)
		return ask_status(call, id, &o->status, err);
	else if (r == STREAM_ENDED && !o->exited)
		return error_say(err, EPIPE, "the engine closed the connection");
	return r < 0 ? r : 0;
}

static int open_compound(const struct call *call, struct json_object *body, struct http **ret,
			 struct http_response *response, struct error *err)
{
	const struct exec_options *o = call->options;
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	auto_free char *text = json_text(body);
	uint16_t rows;
	uint16_t cols;

	url_start(&url, "/berth/instances", call->operands[0], "exec");
	url_query(&url, "detachKeys", o->detach_keys);
	if (o->tty && terminal_size(&rows, &cols)) {
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

static int create_session(const struct call *call, struct json_object *body, char **ret_id,
			  struct error *err)
{
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	auto_json *answer = NULL;

	url_start(&url, "/containers", call->operands[0], "exec");
	int r = api_json(call->api, "POST", strbuf_text(&url), body, API_TIMEOUT_MS, &answer, err);
	if (r == 0)
		*ret_id = xstrdup(document_text(answer, "Id"));
	return r;
}

static int start_session(const struct call *call, const char *id, struct http **ret,
			 struct error *err)
{
	const struct exec_options *o = call->options;
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	auto_json *body = json_object_new_object();
	struct http_response response;

	url_start(&url, "/exec", id, "start");
	json_add_bool(body, "Detach", o->detach);
	json_add_bool(body, "Tty", o->tty);
	if (o->detach)
		return api_post(call->api, strbuf_text(&url), body, 0, err);
	if (o->tty)
		add_size(body);
	auto_free char *text = json_text(body);
	const struct http_request request = {
		.method = "POST",
		.target = strbuf_text(&url),
		.body = text,
		.body_len = strlen(text),
		.upgrade = true,
	};
	return api_open(call->api, &request, ret, &response, err);
}

/* Create, start and inspect by Docker's own requests; also what runs in the background. */
static int run_by_steps(const struct call *call, struct json_object *body, struct outcome *o,
			struct error *err)
{
	const struct exec_options *given = call->options;
	auto_free char *id = NULL;
	struct http *http = NULL;

	int r = create_session(call, body, &id, err);
	if (r == 0)
		r = start_session(call, id, &http, err);
	if (r == 0 && !given->detach)
		r = carry(call, http, id, o, err);
	return r;
}

static int run(struct call *call)
{
	const struct exec_options *o = call->options;
	auto_json *body = NULL;
	struct outcome outcome = {};
	struct http_response response = {};
	struct http *http = NULL;
	struct error err = {};

	if (o->tty && o->interactive && !o->detach && !terminal_is_input())
		return call_say(call, "cannot attach stdin to a TTY-enabled instance because "
				      "stdin is not a terminal");
	int r = make_body(call, &body, &err);
	if (r < 0)
		return call_fail(call, NULL, &err);
	if (!o->detach)
		r = open_compound(call, body, &http, &response, &err);
	if (o->detach || (r == -ENOENT && !response.berth))
		r = run_by_steps(call, body, &outcome, &err);
	else if (r == 0)
		r = carry(call, http, NULL, &outcome, &err);
	if (r < 0) {
		(void)call_fail(call, call->operands[0], &err);
		int status = session_start_status(err.text);
		return status == RUN_FAILED ? 1 : status;
	}
	if (outcome.failure.code)
		(void)call_fail(call, call->operands[0], &outcome.failure);
	return outcome.status;
}

const struct verb verb_exec = {
	.names = (const char *const[]){ "exec", "container exec", NULL },
	.operands = "INSTANCE COMMAND [ARG...]",
	.help = "Run a command in a running instance",
	.options = { .tables = { options }, .stop_at_operand = true },
	.options_size = sizeof(struct exec_options),
	.operands_min = 2,
	.operands_max = -1,
	.words = WORDS_RUNNING,
	.common = true,
	.run = run,
};
