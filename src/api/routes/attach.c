/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/api-internal.h"
#include "api/relay.h"
#include "base/alloc.h"

struct target {
	struct manager *manager;
	char id[INSTANCE_ID_LEN + 1];
	struct attach_announcement *announcement;
};

static void target_free(void *target)
{
	struct target *t = target;

	manager_attach_arrived(t->announcement);
	free(t);
}

static int start_attach(void *arg, const struct attach *attach, struct error *err)
{
	struct target *t = arg;

	int r = manager_attach(t->manager, t->id, attach, err);
	manager_attach_arrived(take_ptr(t->announcement));
	return r;
}

static int attach(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	const struct uri *u = http_uri(rq);
	auto_instance_info info = { 0 };
	struct attach_announcement *announcement = NULL;

	int r = manager_get(api->options.manager, http_param(rq, "id"), &info, err);
	if (r == 0)
		r = manager_attach_announce(api->options.manager, info.id, &announcement, err);
	if (r < 0)
		return r;

	struct target *t = xnew(struct target);
	struct relay *relay = xnew(struct relay);
	*t = (struct target){ .manager = api->options.manager, .announcement = announcement };
	memcpy(t->id, info.id, sizeof(t->id));
	*relay = (struct relay){
		.tty = info.tty,
		.detach_keys = xstrdup_or_null(uri_query(u, "detachKeys")),
		.start = start_attach,
		.arg = t,
		.free_arg = target_free,
		.attach = {
			.std_in = uri_query_bool(u, "stdin", false),
			.std_out = uri_query_bool(u, "stdout", false),
			.std_err = uri_query_bool(u, "stderr", false),
			.logs = uri_query_bool(u, "logs", false),
			.stream = uri_query_bool(u, "stream", false),
		},
	};
	return relay_begin(rq, relay, err);
}

static const struct http_route routes[] = {
	{ HTTP_POST, HTTP_BODY_NONE | HTTP_REPLY_STREAM, "/containers/{id}/attach", attach },
};

const struct route_table attach_routes = { routes, ARRAY_SIZE(routes) };
