/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/api-internal.h"
#include "api/changes.h"
#include "base/alloc.h"
#include "base/json.h"
#include "instance/files.h"
#include "oci/image-settings.h"

/* ---- Diff ----------------------------------------------------------------------------------- */

static int add_change(const char *path, enum change_kind kind, void *arg)
{
	struct json_object *change = json_object_new_object();

	json_add_string(change, "Path", path);
	json_add_int(change, "Kind", kind);
	json_object_array_add(arg, change);
	return 0;
}

static int changes(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	auto_json *array = json_object_new_array();

	int r = manager_changes(api->options.manager, http_param(rq, "id"), add_change, array, err);
	return r < 0 ? r : http_reply_json(rq, 200, take_ptr(array));
}

/* ---- Commit --------------------------------------------------------------------------------- */

struct commit_request {
	const struct uri *uri;
	struct image_settings settings; /* of the body */
};

static void request_done(struct commit_request *c)
{
	image_settings_done(&c->settings);
}

static void take_text(char **to, char **from)
{
	if (!*from || !**from)
		return;
	free(*to);
	*to = take_ptr(*from);
}

static void take_list(struct strv *to, const struct strv *from)
{
	if (from->count)
		strv_copy(to, from);
}

/* What the body says counts more than what the instance was made with, the changes more than both. */
static int change(struct image_settings *s, void *arg, struct error *err)
{
	struct commit_request *c = arg;
	const char *line;
	const char *key;
	const char *value;
	size_t position = 0;

	take_text(&s->user, &c->settings.user);
	take_text(&s->working_dir, &c->settings.working_dir);
	take_text(&s->stop_signal, &c->settings.stop_signal);
	take_list(&s->cmd, &c->settings.cmd);
	take_list(&s->entrypoint, &c->settings.entrypoint);
	take_list(&s->volumes, &c->settings.volumes);
	take_list(&s->exposed_ports, &c->settings.exposed_ports);
	for (size_t i = 0; i < c->settings.env.count; i++)
		env_set(&s->env, c->settings.env.items[i]);
	while (c->settings.labels && (value = map_next(c->settings.labels, &position, &key)))
		image_settings_set_label(s, key, value);
	position = 0;
	while ((line = uri_query_next(c->uri, "changes", &position)))
		if (change_apply(s, line, err) < 0)
			return -EINVAL;
	return 0;
}

static int commit(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	const struct uri *u = http_uri(rq);
	auto_(request_done) struct commit_request c = { .uri = u };
	auto_json *body = NULL;
	const char *container = uri_query(u, "container");
	const char *name = uri_query(u, "repo");
	const char *tag = uri_query(u, "tag");
	struct digest id;

	if (!container || !*container)
		return error_say(err, EINVAL, "query parameter 'container' is missing");
	int r = http_body_json(rq, "commit request", &body, err);
	if (r == 0 && body)
		r = image_settings_parse(body, &c.settings, err);
	if (r < 0)
		return r;
	auto_free char *reference = NULL;
	if (name && *name)
		reference = tag && *tag ? xasprintf("%s:%s", name, tag) : xstrdup(name);
	const struct commit_options options = {
		.reference = reference,
		.author = uri_query(u, "author"),
		.comment = uri_query(u, "comment"),
		.pause = uri_query_bool(u, "pause", true),
		.change = change,
		.arg = &c,
	};
	r = manager_commit(api->options.manager, container, &options, &id, err);
	if (r < 0)
		return r;
	if (reference)
		tell_image(api, "tag", reference);
	struct json_object *reply = json_object_new_object();
	json_add_string(reply, "Id", id.text);
	return http_reply_json(rq, 201, reply);
}

static const struct http_route routes[] = {
	{ HTTP_GET, 0, "/containers/{id}/changes", changes },
	{ HTTP_POST, 0, "/commit", commit },
};

const struct route_table commit_routes = { routes, ARRAY_SIZE(routes) };
