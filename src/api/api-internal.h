/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/api.h"
#include "api/events.h"
#include "api/http/http.h"
#include "instance/manager.h"
#include "store/store.h"

/**
 * DOC: What the files of the routes share
 *
 * Each routes-*.c serves one family of resources and ends with its table. The context of each
 * handler is the struct api.
 */
struct api {
	struct api_options options;
	char *state_dir;
	struct http_server *server;
	struct event_hub *events;
	struct http_route *routes; /* all tables, one after another */
	size_t route_count;
};

struct route_table {
	const struct http_route *routes;
	size_t count;
};

extern const struct route_table absent_routes;
extern const struct route_table attach_routes;
extern const struct route_table berth_routes;
extern const struct route_table commit_routes;
extern const struct route_table container_routes;
extern const struct route_table event_routes;
extern const struct route_table exec_routes;
extern const struct route_table file_routes;
extern const struct route_table image_archive_routes;
extern const struct route_table image_routes;
extern const struct route_table list_routes;
extern const struct route_table log_routes;
extern const struct route_table registry_routes;
extern const struct route_table system_routes;
extern const struct route_table usage_routes;

/* Name of the storage driver, as info and inspect show it. */
const char *api_storage_driver(const struct api *api);

/* Publishes what the manager tells; @arg is the struct api. */
void api_on_instance_event(const struct instance_event *event, void *arg);

/* Publishes that something happened to the image that @name names. */
void tell_image(struct api *api, const char *action, const char *name);

/* As http_body_json(), but an empty body is refused. */
must_check int body_required(struct http_request *rq, const char *what, struct json_object **ret,
			     struct error *err);

/* Parses a document that the manager keeps; NULL is an error too. */
must_check int record_parse(const char *text, const char *what, struct json_object **ret,
			    struct error *err);

/* Refuses (-ENOENT) where the query parameter "platform" is not what the request's image is for. */
must_check int check_platform(struct http_request *rq, struct api *api, struct json_object *request,
			      struct error *err);

/* Adds to an instance's description what it takes on the disk: "SizeRw" and "SizeRootFs". */
void add_sizes(struct api *api, const struct instance_info *info, struct json_object *o);

/* A terminal's size of the query parameters "h" and "w", 0 where they are missing. */
must_check int query_size(struct http_request *rq, uint16_t *ret_rows, uint16_t *ret_cols,
			  struct error *err);

/* A signal of the query parameter "signal"; 0 where it is missing. */
must_check int query_signal(struct http_request *rq, int *ret, struct error *err);
