/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/image-settings.h"

#include <errno.h>
#include <json-c/linkhash.h>
#include <stdlib.h>

#include "base/alloc.h"

static void healthcheck_free(struct image_healthcheck *h)
{
	if (!h)
		return;
	strv_done(&h->test);
	free(h);
}

DEFINE_AUTO(struct image_healthcheck, healthcheck_free);

void image_settings_done(struct image_settings *s)
{
	free(s->user);
	strv_done(&s->exposed_ports);
	strv_done(&s->env);
	strv_done(&s->entrypoint);
	strv_done(&s->cmd);
	strv_done(&s->volumes);
	free(s->working_dir);
	map_free(s->labels);
	free(s->stop_signal);
	healthcheck_free(s->healthcheck);
	strv_done(&s->on_build);
	strv_done(&s->shell);
	*s = (struct image_settings){};
}

void image_settings_set_label(struct image_settings *s, const char *key, const char *value)
{
	if (!s->labels)
		s->labels = map_new(free);
	map_set(s->labels, key, xstrdup(value));
}

static void copy_labels(struct image_settings *to, const struct image_settings *from)
{
	const char *key = NULL;
	const char *value;
	size_t position = 0;

	while (from->labels && (value = map_next(from->labels, &position, &key)))
		image_settings_set_label(to, key, value);
}

void image_settings_copy(struct image_settings *to, const struct image_settings *from)
{
	struct image_settings s = {
		.user = xstrdup_or_null(from->user),
		.working_dir = xstrdup_or_null(from->working_dir),
		.stop_signal = xstrdup_or_null(from->stop_signal),
		.args_escaped = from->args_escaped,
	};

	strv_copy(&s.exposed_ports, &from->exposed_ports);
	strv_copy(&s.env, &from->env);
	strv_copy(&s.entrypoint, &from->entrypoint);
	strv_copy(&s.cmd, &from->cmd);
	strv_copy(&s.volumes, &from->volumes);
	strv_copy(&s.on_build, &from->on_build);
	strv_copy(&s.shell, &from->shell);
	copy_labels(&s, from);
	if (from->healthcheck) {
		s.healthcheck = xmemdup(from->healthcheck, sizeof(*from->healthcheck));
		s.healthcheck->test = (struct strv){};
		strv_copy(&s.healthcheck->test, &from->healthcheck->test);
	}
	image_settings_done(to);
	*to = s;
}

static int read_string(struct json_object *o, const char *key, char **ret, struct error *err)
{
	const char *text = NULL;
	int r = json_get_string(o, key, &text, err);

	if (r == 0)
		*ret = xstrdup_or_null(text);
	return r;
}

/* Sets are written as objects whose values say nothing: {"80/tcp": {}}. */
static int read_set(struct json_object *o, const char *key, struct strv *ret, struct error *err)
{
	struct json_object *set = NULL;
	int r = json_get_object(o, key, &set, err);
	if (r < 0 || !set)
		return r;

	json_object_object_foreach(set, name, value)
	{
		(void)value;
		strv_add(ret, name);
	}
	return 0;
}

/* A command line may be one string, as in the oldest images. */
static int read_command(struct json_object *o, const char *key, struct strv *ret, struct error *err)
{
	struct json_object *value = NULL;

	if (json_object_object_get_ex(o, key, &value) &&
	    json_object_is_type(value, json_type_string)) {
		strv_add(ret, json_object_get_string(value));
		return 0;
	}
	return json_get_strings(o, key, ret, err);
}

static int read_labels(struct json_object *o, struct image_settings *s, struct error *err)
{
	struct json_object *labels = NULL;
	int r = json_get_object(o, "Labels", &labels, err);
	if (r < 0 || !labels)
		return r;

	json_object_object_foreach(labels, key, value)
	{
		if (!json_object_is_type(value, json_type_string))
			return error_say(err, EBADMSG, "label '%.64s' is no string", key);
		image_settings_set_label(s, key, json_object_get_string(value));
	}
	return 0;
}

static int read_healthcheck(struct json_object *o, struct image_settings *s, struct error *err)
{
	struct json_object *object = NULL;
	int r = json_get_object(o, "Healthcheck", &object, err);
	if (r < 0 || !object)
		return r;

	auto_(healthcheck_freep) struct image_healthcheck *h = xnew(struct image_healthcheck);
	if (read_command(object, "Test", &h->test, err) < 0 ||
	    json_get_int(object, "Interval", &h->interval_ns, err) < 0 ||
	    json_get_int(object, "Timeout", &h->timeout_ns, err) < 0 ||
	    json_get_int(object, "StartPeriod", &h->start_period_ns, err) < 0 ||
	    json_get_int(object, "StartInterval", &h->start_interval_ns, err) < 0 ||
	    json_get_int(object, "Retries", &h->retries, err) < 0)
		return error_prefix(err, "Healthcheck");
	s->healthcheck = take_ptr(h);
	return 0;
}

int image_settings_parse(struct json_object *o, struct image_settings *ret, struct error *err)
{
	auto_image_settings s = {};

	if (read_string(o, "User", &s.user, err) < 0 ||
	    read_set(o, "ExposedPorts", &s.exposed_ports, err) < 0 ||
	    json_get_strings(o, "Env", &s.env, err) < 0 ||
	    read_command(o, "Entrypoint", &s.entrypoint, err) < 0 ||
	    read_command(o, "Cmd", &s.cmd, err) < 0 ||
	    read_set(o, "Volumes", &s.volumes, err) < 0 ||
	    read_string(o, "WorkingDir", &s.working_dir, err) < 0 || read_labels(o, &s, err) < 0 ||
	    read_string(o, "StopSignal", &s.stop_signal, err) < 0 ||
	    read_healthcheck(o, &s, err) < 0 ||
	    json_get_strings(o, "OnBuild", &s.on_build, err) < 0 ||
	    json_get_strings(o, "Shell", &s.shell, err) < 0 ||
	    json_get_bool(o, "ArgsEscaped", &s.args_escaped, err) < 0)
		return -EBADMSG;
	*ret = take_struct(s);
	return 0;
}

static void add_given(struct json_object *o, const char *key, const char *value)
{
	if (value)
		json_add_string(o, key, value);
}

static void add_list(struct json_object *o, const char *key, const struct strv *list)
{
	if (list->count > 0)
		json_add_strings(o, key, list);
}

static void add_set(struct json_object *o, const char *key, const struct strv *set)
{
	if (set->count == 0)
		return;
	struct json_object *object = json_add(o, key, json_object_new_object());
	for (size_t i = 0; i < set->count; i++)
		(void)json_add(object, set->items[i], json_object_new_object());
}

static void add_labels(struct json_object *o, const struct map *labels)
{
	if (!labels || map_count(labels) == 0)
		return;

	struct json_object *object = json_add(o, "Labels", json_object_new_object());
	const char *key = NULL;
	const char *value;
	size_t position = 0;
	while ((value = map_next(labels, &position, &key)))
		json_add_string(object, key, value);
}

static void add_number(struct json_object *o, const char *key, int64_t value)
{
	if (value != 0)
		json_add_int(o, key, value);
}

static void add_healthcheck(struct json_object *o, const struct image_healthcheck *h)
{
	if (!h)
		return;

	struct json_object *object = json_add(o, "Healthcheck", json_object_new_object());
	add_list(object, "Test", &h->test);
	add_number(object, "Interval", h->interval_ns);
	add_number(object, "Timeout", h->timeout_ns);
	add_number(object, "StartPeriod", h->start_period_ns);
	add_number(object, "StartInterval", h->start_interval_ns);
	add_number(object, "Retries", h->retries);
}

struct json_object *image_settings_json(const struct image_settings *s)
{
	struct json_object *o = json_object_new_object();

	add_given(o, "User", s->user);
	add_set(o, "ExposedPorts", &s->exposed_ports);
	add_list(o, "Env", &s->env);
	add_list(o, "Entrypoint", &s->entrypoint);
	add_list(o, "Cmd", &s->cmd);
	add_set(o, "Volumes", &s->volumes);
	add_given(o, "WorkingDir", s->working_dir);
	add_labels(o, s->labels);
	add_given(o, "StopSignal", s->stop_signal);
	add_healthcheck(o, s->healthcheck);
	add_list(o, "OnBuild", &s->on_build);
	add_list(o, "Shell", &s->shell);
	if (s->args_escaped)
		json_add_bool(o, "ArgsEscaped", true);
	return o;
}
