/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/create/env-file.h"
#include "cli/create/options.h"
#include "cli/document.h"

static int add_env(const struct create_options *o, struct json_object *body, struct error *err)
{
	auto_strv env = {};
	int r = 0;

	for (size_t i = 0; i < o->env_files.count && r == 0; i++)
		r = env_read(o->env_files.items[i], true, &env, err);
	for (size_t i = 0; i < o->env.count && r == 0; i++)
		r = env_add(o->env.items[i], &env, err);
	document_add_list(body, "Env", &env);
	return r;
}

static int add_labels(const struct create_options *o, struct json_object *body, struct error *err)
{
	auto_strv labels = {};
	int r = 0;

	for (size_t i = 0; i < o->label_files.count && r == 0; i++)
		r = env_read(o->label_files.items[i], false, &labels, err);
	for (size_t i = 0; i < o->labels.count && r == 0; i++) {
		if (strchr("=", o->labels.items[i][0]))
			r = error_say(err, EINVAL, "invalid label '%s': empty name",
				      o->labels.items[i]);
		strv_add(&labels, o->labels.items[i]);
	}
	document_add_map(body, "Labels", &labels);
	return r;
}

/* Which streams the client wants, and whether the program gets an input at all. */
static int add_streams(const struct create_options *o, bool detach, struct json_object *body,
		       struct error *err)
{
	bool in = false;
	bool out = false;
	bool errors = false;

	if (detach && o->attach.count > 0)
		return error_say(err, EINVAL,
				 "conflicting options: cannot specify both --attach and --detach");
	for (size_t i = 0; i < o->attach.count; i++) {
		const char *name = o->attach.items[i];
		in = in || strcasecmp(name, "stdin") == 0;
		out = out || strcasecmp(name, "stdout") == 0;
		errors = errors || strcasecmp(name, "stderr") == 0;
		if (strcasecmp(name, "stdin") != 0 && strcasecmp(name, "stdout") != 0 &&
		    strcasecmp(name, "stderr") != 0)
			return error_say(err, EINVAL, "valid streams are STDIN, STDOUT and STDERR");
	}
	if (!detach && o->attach.count == 0) {
		out = true;
		errors = true;
		in = o->interactive;
	}
	document_add_flag(body, "AttachStdin", in);
	document_add_flag(body, "AttachStdout", out);
	document_add_flag(body, "AttachStderr", errors);
	document_add_flag(body, "Tty", o->tty);
	document_add_flag(body, "OpenStdin", o->interactive);
	document_add_flag(body, "StdinOnce", o->interactive && in);
	return 0;
}

static int add_health(const struct create_options *o, struct json_object *body, struct error *err)
{
	auto_json *health = json_object_new_object();
	auto_strv test = {};
	bool timed = o->health_interval || o->health_timeout || o->health_start_period ||
		     o->health_start_interval || o->health_retries;

	if (o->no_healthcheck && (o->health_cmd || timed))
		return error_say(err, EINVAL, "--no-healthcheck conflicts with --health-* options");
	if (o->health_interval < 0 || o->health_timeout < 0 || o->health_start_period < 0 ||
	    o->health_start_interval < 0 || o->health_retries < 0)
		return error_say(err, EINVAL, "--health-* options cannot be negative");
	if (o->no_healthcheck) {
		strv_add(&test, "NONE");
	} else if (o->health_cmd && *o->health_cmd) {
		strv_add(&test, "CMD-SHELL");
		strv_add(&test, o->health_cmd);
	}
	document_add_list(health, "Test", &test);
	document_add_int(health, "Interval", o->health_interval);
	document_add_int(health, "Timeout", o->health_timeout);
	document_add_int(health, "StartPeriod", o->health_start_period);
	document_add_int(health, "StartInterval", o->health_start_interval);
	document_add_int(health, "Retries", o->health_retries);
	document_add_part(body, "Healthcheck", take_ptr(health));
	return 0;
}

static void add_command(const struct call *call, const struct create_options *o,
			struct json_object *body)
{
	auto_strv words = {};

	for (size_t i = 1; i < call->operand_count; i++)
		strv_add(&words, call->operands[i]);
	document_add_list(body, "Cmd", &words);
	if (o->entrypoint) {
		auto_strv entry = {};
		/* an empty one takes the image's away */
		strv_add(&entry, o->entrypoint);
		json_add_strings(body, "Entrypoint", &entry);
	}
}

/* The first size of the terminal, so that a program never sees it as 0 by 0. */
static void add_console_size(const struct create_options *o, struct json_object *host)
{
	struct winsize size;

	if (!o->tty || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return;
	struct json_object *list = json_add(host, "ConsoleSize", json_object_new_array());
	(void)json_object_array_add(list, json_object_new_int(size.ws_row));
	(void)json_object_array_add(list, json_object_new_int(size.ws_col));
}

int create_body(const struct call *call, bool detach, struct json_object **ret, struct error *err)
{
	const struct create_options *o = call->options;
	auto_json *body = json_object_new_object();

	json_add_string(body, "Image", call->operands[0]);
	document_add_text(body, "Hostname", o->hostname);
	document_add_text(body, "Domainname", o->domainname);
	document_add_text(body, "User", o->user);
	document_add_text(body, "WorkingDir", o->workdir);
	document_add_text(body, "StopSignal", o->stop_signal);
	if (call_given(call, "stop-timeout"))
		json_add_int(body, "StopTimeout", o->stop_timeout);
	add_command(call, o, body);
	int r = add_streams(o, detach, body, err);
	if (r == 0)
		r = add_env(o, body, err);
	if (r == 0)
		r = add_labels(o, body, err);
	if (r == 0)
		r = add_health(o, body, err);
	if (r < 0)
		return r;

	struct json_object *host = json_add(body, "HostConfig", json_object_new_object());
	add_console_size(o, host);
	r = create_add_limits(call, &o->limits, host, err);
	if (r == 0)
		r = create_add_host(call, o, body, host, err);
	if (r == 0)
		r = create_add_network(o, body, host, err);
	if (r == 0)
		*ret = take_ptr(body);
	return r;
}
