/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/api-internal.h"
#include "api/frames.h"
#include "base/alloc.h"
#include "base/fd.h"

/* ---- Compound requests ---------------------------------------------------------------------- */

/* What a compound request needs after its 101. */
struct compound {
	struct manager *manager;
	struct json_object *request;
	char *instance; /* NULL: make one, else run beside this one's program */
	char *name;
	char *detach_keys;
	int socket;
	struct run_options options;
};

static void compound_free(void *compound)
{
	struct compound *c = compound;

	json_put_p(&c->request);
	free(c->instance);
	free(c->name);
	free(c->detach_keys);
	free(c);
}

static void add_timing(struct json_object *o, const struct start_timing *timing,
		       int64_t received_ns)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < timing->count; i++) {
		struct json_object *phase = json_object_new_object();

		json_add_string(phase, "phase", timing->phases[i].name);
		json_add_int(phase, "ns", timing->phases[i].at_ns - received_ns);
		json_object_array_add(array, phase);
	}
	json_add(o, "timing", array);
}

/* A client that is gone is noticed by the keeper; nothing is to be done about it here. */
static void tell(const struct run_event *event, void *arg)
{
	struct compound *c = arg;
	struct json_object *o = json_object_new_object();

	switch (event->kind) {
	case RUN_CREATED:
		json_add_string(o, "created", event->id);
		break;
	case RUN_STARTED:
		json_add_string(o, "started", event->id);
		if (event->timing)
			add_timing(o, event->timing, c->options.received_ns);
		break;
	case RUN_FAILED:
		json_add_int(o, "exit", event->exit_code);
		json_add_string(o, "error", event->error->text);
		break;
	case RUN_EXITED:
		json_add_int(o, "exit", event->exit_code);
		break;
	}
	(void)!frame_send_control(c->socket, o);
}

static void go_on(int sock, const void *pending, size_t pending_len, void *compound)
{
	struct compound *c = compound;
	struct error err;

	c->socket = sock;
	c->options.attach.socket = sock;
	c->options.attach.pending = pending;
	c->options.attach.pending_len = pending_len;
	/* a failure was told by an event */
	if (c->instance)
		(void)!manager_exec_run(c->manager, c->instance, c->request, &c->options, &err);
	else
		(void)!manager_run(c->manager, c->request, &c->options, &err);
	close_p(&sock);
}

static int fill(struct http_request *rq, struct compound *c, struct error *err)
{
	const struct uri *u = http_uri(rq);
	struct attach *a = &c->options.attach;

	int r = body_required(rq, "create request", &c->request, err);
	if (r == 0)
		r = query_size(rq, &a->rows, &a->cols, err);
	if (r < 0)
		return r;
	if (json_get_bool(c->request, "AttachStdin", &a->std_in, err) < 0 ||
	    json_get_bool(c->request, "AttachStdout", &a->std_out, err) < 0 ||
	    json_get_bool(c->request, "AttachStderr", &a->std_err, err) < 0)
		return -EINVAL;
	c->name = xstrdup_or_null(uri_query(u, "name"));
	c->detach_keys = xstrdup_or_null(uri_query(u, "detachKeys"));
	a->stream = true;
	a->multiplex = true;
	a->detach_keys = c->detach_keys;
	c->options.name = c->name;
	c->options.detach = uri_query_bool(u, "detach", false);
	c->options.received_ns = http_received_ns(rq);
	c->options.event = tell;
	c->options.arg = c;
	return 0;
}

static int begin_compound(struct http_request *rq, struct api *api, const char *instance,
			  struct error *err)
{
	struct compound *c;

	if (!http_wants_upgrade(rq))
		return error_say(err, EINVAL,
				 "this request needs the headers 'Connection: Upgrade' and "
				 "'Upgrade: tcp'");
	c = xnew(struct compound);
	c->manager = api->options.manager;
	c->instance = xstrdup_or_null(instance);
	int r = fill(rq, c, err);
	if (r == 0)
		r = check_platform(rq, api, c->request, err);
	if (r < 0) {
		compound_free(c);
		return r;
	}
	return http_upgrade(rq, "application/vnd.docker.multiplexed-stream", go_on, c,
			    compound_free);
}

static int run(struct http_request *rq, void *context, struct error *err)
{
	return begin_compound(rq, context, NULL, err);
}

static int run_beside(struct http_request *rq, void *context, struct error *err)
{
	return begin_compound(rq, context, http_param(rq, "id"), err);
}

/* ---- Info ----------------------------------------------------------------------------------- */

static int info(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	struct json_object *o = json_object_new_object();
	struct json_object *store = json_object_new_object();

	(void)err;
	json_add_string(store, "mode", api_storage_driver(api));
	json_add_string(store, "reason", store_mode_reason(api->options.store));
	json_add_string(o, "version", BERTH_VERSION);
	json_add_string(o, "state", api->state_dir);
	json_add(o, "store", store);
	if (api->options.describe_vm)
		api->options.describe_vm(json_add(o, "vm", json_object_new_object()),
					 api->options.describe_vm_arg);
	return http_reply_json(rq, 200, o);
}

static int oci_config(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	struct json_object *config = NULL;
	int r = manager_oci_config(api->options.manager, http_param(rq, "id"), &config, err);

	return r < 0 ? r : http_reply_json(rq, 200, config);
}

/* ---- Templates of virtual machines ---------------------------------------------------------- */

static int list_templates(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	struct json_object *list = NULL;
	int r = manager_templates_list(api->options.manager, &list, err);

	return r < 0 ? r : http_reply_json(rq, 200, list);
}

static int make_template(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	struct json_object *made = NULL;
	auto_json *body = NULL;
	int64_t memory = 0, cpus = 0;

	int r = http_body_json(rq, "template", &body, err);
	if (r == 0 && body)
		r = json_get_int(body, "Memory", &memory, err);
	if (r == 0 && body)
		r = json_get_int(body, "NanoCpus", &cpus, err);
	if (r == 0)
		r = manager_templates_make(api->options.manager, memory, cpus, &made, err);
	return r < 0 ? r : http_reply_json(rq, 201, made);
}

static int remove_template(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	struct json_object *removed = NULL;
	int r = manager_templates_remove(api->options.manager, http_param(rq, "key"), &removed,
					 err);

	return r < 0 ? r : http_reply_json(rq, 200, removed);
}

static const struct http_route routes[] = {
	{ HTTP_POST, 0, "/berth/run", run },
	{ HTTP_POST, 0, "/berth/instances/{id}/exec", run_beside },
	{ HTTP_GET, 0, "/berth/instances/{id}/oci-config", oci_config },
	{ HTTP_GET, 0, "/berth/info", info },
	{ HTTP_GET, 0, "/berth/vm/templates", list_templates },
	{ HTTP_POST, 0, "/berth/vm/templates", make_template },
	{ HTTP_DELETE, 0, "/berth/vm/templates", remove_template },
	{ HTTP_DELETE, 0, "/berth/vm/templates/{key}", remove_template },
};

const struct route_table berth_routes = { routes, ARRAY_SIZE(routes) };
