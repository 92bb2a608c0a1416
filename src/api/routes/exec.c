/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/api-internal.h"
#include "api/relay.h"
#include "api/shape/shape.h"
#include "base/alloc.h"
#include "base/json-fields.h"

struct target {
	struct manager *manager;
	char id[INSTANCE_ID_LEN + 1];
};

static int create(struct http_request *rq, void *context, struct error *err)
{
	static const char *const keys[] = { "AttachStdin", "AttachStdout", "AttachStderr",
					    "DetachKeys",  "Tty",          "Cmd",
					    "Env",         "User",         "WorkingDir",
					    "Privileged",  "ConsoleSize" };
	struct api *api = context;
	char id[INSTANCE_ID_LEN + 1];
	auto_json *request = NULL;

	int r = body_required(rq, "exec request", &request, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		json_fold_key(request, keys[i]);
	r = manager_exec_create(api->options.manager, http_param(rq, "id"), request, id, err);
	if (r < 0)
		return r;
	struct json_object *reply = json_object_new_object();
	json_add_string(reply, "Id", id);
	return http_reply_json(rq, 201, reply);
}

static int start_exec(void *arg, const struct attach *attach, struct error *err)
{
	struct target *t = arg;

	return manager_exec_start(t->manager, t->id, attach, err);
}

/* Which streams are attached was said when the session was created. */
static int read_created(const struct exec_info *info, struct relay *relay, struct error *err)
{
	auto_json *o = NULL;
	const char *keys = NULL;

	if (record_parse(info->request, "exec record", &o, err) < 0 ||
	    json_get_bool(o, "AttachStdin", &relay->attach.std_in, err) < 0 ||
	    json_get_bool(o, "AttachStdout", &relay->attach.std_out, err) < 0 ||
	    json_get_bool(o, "AttachStderr", &relay->attach.std_err, err) < 0 ||
	    json_get_string(o, "DetachKeys", &keys, err) < 0)
		return err->code;
	relay->detach_keys = keys && *keys ? xstrdup(keys) : NULL;
	return 0;
}

/* {"ConsoleSize":[rows,columns]} of the start request. */
static void read_size(struct json_object *body, struct attach *attach)
{
	struct json_object *size = NULL;

	if (!body || json_get_array(body, "ConsoleSize", &size, NULL) < 0 || !size ||
	    json_object_array_length(size) != 2)
		return;
	attach->rows = (uint16_t)json_object_get_int(json_object_array_get_idx(size, 0));
	attach->cols = (uint16_t)json_object_get_int(json_object_array_get_idx(size, 1));
}

static int start_attached(struct http_request *rq, struct manager *manager,
			  const struct exec_info *info, struct json_object *body, struct error *err)
{
	bool tty = false;

	if (body && json_get_bool(body, "Tty", &tty, err) < 0)
		return -EINVAL;
	struct target *t = xnew(struct target);
	struct relay *relay = xnew(struct relay);

	*t = (struct target){ .manager = manager };
	memcpy(t->id, info->id, sizeof(t->id));
	/* Docker frames the stream by what the start says, whatever the session was created with. */
	*relay = (struct relay){
		.tty = tty,
		.start = start_exec,
		.arg = t,
		.free_arg = free,
		.attach = { .stream = true, .multiplex = !tty, .raw = tty },
	};
	read_size(body, &relay->attach);
	if (read_created(info, relay, err) < 0) {
		free(t);
		free(relay);
		return err->code;
	}
	return relay_begin(rq, relay, err);
}

static int start(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	struct manager *manager = api->options.manager;
	auto_exec_info info = { 0 };
	auto_json *body = NULL;
	bool detach = false;

	int r = http_body_json(rq, "exec start request", &body, err);
	if (r == 0 && body && json_get_bool(body, "Detach", &detach, err) < 0)
		r = -EINVAL;
	if (r == 0)
		r = manager_exec_get(manager, http_param(rq, "id"), &info, err);
	if (r < 0)
		return r;
	if (info.started)
		return error_say(err, EBUSY, "exec session %s was started already", info.id);
	if (!detach)
		return start_attached(rq, manager, &info, body, err);
	r = manager_exec_start(manager, info.id, NULL, err);
	return r < 0 ? r : http_reply_empty(rq, 200);
}

static int resize(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	uint16_t rows;
	uint16_t cols;

	if (query_size(rq, &rows, &cols, err) < 0)
		return -EINVAL;
	int r = manager_exec_resize(api->options.manager, http_param(rq, "id"), rows, cols, err);
	return r < 0 ? r : http_reply_empty(rq, 200);
}

static int inspect(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	auto_exec_info info = { 0 };
	auto_json *request = NULL;

	int r = manager_exec_get(api->options.manager, http_param(rq, "id"), &info, err);
	if (r < 0)
		return r;
	r = record_parse(info.request, "exec record", &request, err);
	return r < 0 ? r : http_reply_json(rq, 200, shape_exec(&info, request));
}

static const struct http_route routes[] = {
	{ HTTP_POST, 0, "/containers/{id}/exec", create },
	{ HTTP_POST, HTTP_REPLY_STREAM, "/exec/{id}/start", start },
	{ HTTP_POST, HTTP_BODY_NONE, "/exec/{id}/resize", resize },
	{ HTTP_GET, 0, "/exec/{id}/json", inspect },
};

const struct route_table exec_routes = { routes, ARRAY_SIZE(routes) };
