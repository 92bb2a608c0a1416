/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "api/api-internal.h"
#include "base/macros.h"

/*
 * Networks of its own, volumes and builds are not this engine's. Clients ask for their lists all the
 * same, and "system prune" removes what there is of each: they get what there is, and to make one is
 * refused by name.
 */

static struct json_object *empty_list(const char *key)
{
	struct json_object *o = json_object_new_object();

	json_add(o, key, NULL);
	return o;
}

static int list_volumes(struct http_request *rq, void *context, struct error *err)
{
	(void)context;
	(void)err;
	struct json_object *o = json_object_new_object();

	json_add(o, "Volumes", json_object_new_array());
	json_add(o, "Warnings", NULL);
	return http_reply_json(rq, 200, o);
}

static int find_volume(struct http_request *rq, void *context, struct error *err)
{
	(void)context;
	return error_say(err, ENOENT, "get %.200s: no such volume", http_param(rq, "name"));
}

/* The two modes that need no network of their own, under the names that Docker lists them by. */
static int list_networks(struct http_request *rq, void *context, struct error *err)
{
	static const char *const networks[][2] = { { "host", "host" }, { "none", "null" } };
	struct json_object *array = json_object_new_array();

	(void)context;
	(void)err;
	for (size_t i = 0; i < ARRAY_SIZE(networks); i++) {
		struct json_object *o = json_object_new_object();
		json_add_string(o, "Name", networks[i][0]);
		json_add_string(o, "Id", networks[i][0]);
		json_add_string(o, "Scope", "local");
		json_add_string(o, "Driver", networks[i][1]);
		json_add(o, "Containers", json_object_new_object());
		json_add(o, "Options", json_object_new_object());
		json_add(o, "Labels", json_object_new_object());
		json_object_array_add(array, o);
	}
	return http_reply_json(rq, 200, array);
}

static int find_network(struct http_request *rq, void *context, struct error *err)
{
	(void)context;
	return error_say(err, ENOENT, "network %.200s not found", http_param(rq, "name"));
}

static int refuse(struct http_request *rq, void *context, struct error *err)
{
	(void)rq;
	(void)context;
	return error_say(err, ENOTSUP,
			 "this engine has no networks of its own, no volumes and no builds");
}

static int prune_networks(struct http_request *rq, void *context, struct error *err)
{
	(void)context;
	(void)err;
	return http_reply_json(rq, 200, empty_list("NetworksDeleted"));
}

static int prune_sized(struct http_request *rq, const char *key)
{
	struct json_object *o = empty_list(key);

	json_add_int(o, "SpaceReclaimed", 0);
	return http_reply_json(rq, 200, o);
}

static int prune_volumes(struct http_request *rq, void *context, struct error *err)
{
	(void)context;
	(void)err;
	return prune_sized(rq, "VolumesDeleted");
}

static int prune_builds(struct http_request *rq, void *context, struct error *err)
{
	(void)context;
	(void)err;
	return prune_sized(rq, "CachesDeleted");
}

static const struct http_route routes[] = {
	{ HTTP_GET, 0, "/volumes", list_volumes },
	{ HTTP_POST, 0, "/volumes/create", refuse },
	{ HTTP_POST, HTTP_BODY_NONE, "/volumes/prune", prune_volumes },
	{ HTTP_GET, 0, "/volumes/{name}", find_volume },
	{ HTTP_DELETE, HTTP_BODY_NONE, "/volumes/{name}", find_volume },
	{ HTTP_GET, 0, "/networks", list_networks },
	{ HTTP_POST, 0, "/networks/create", refuse },
	{ HTTP_POST, HTTP_BODY_NONE, "/networks/prune", prune_networks },
	{ HTTP_GET, 0, "/networks/{name}", find_network },
	{ HTTP_DELETE, HTTP_BODY_NONE, "/networks/{name}", find_network },
	{ HTTP_POST, HTTP_BODY_NONE, "/build/prune", prune_builds },
	{ HTTP_POST, HTTP_BODY_NONE, "/build", refuse },
};

const struct route_table absent_routes = { routes, ARRAY_SIZE(routes) };
