/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"

#include <errno.h>
#include <string.h>

#include "api/api-internal.h"
#include "base/alloc.h"
#include "base/json.h"
#include "base/signals.h"

static const struct route_table *const tables[] = {
	&system_routes, &event_routes, &list_routes,   &container_routes, &log_routes,
	&attach_routes, &exec_routes,  &image_routes,  &registry_routes,  &image_archive_routes,
	&berth_routes,  &file_routes,  &commit_routes, &usage_routes,     &absent_routes,
};

const char *api_storage_driver(const struct api *api)
{
	return store_mode_name(store_mode(api->options.store));
}

int body_required(struct http_request *rq, const char *what, struct json_object **ret,
		  struct error *err)
{
	struct json_object *o;

	int r = http_body_json(rq, what, &o, err);
	if (r < 0)
		return r;
	if (!o)
		return error_say(err, EINVAL, "parse %s: the body is empty", what);
	*ret = o;
	return 0;
}

int record_parse(const char *text, const char *what, struct json_object **ret, struct error *err)
{
	if (!text)
		return error_say(err, EIO, "read %s: there is none", what);
	return json_parse(text, strlen(text), SIZE_MAX, what, ret, err);
}

int query_size(struct http_request *rq, uint16_t *ret_rows, uint16_t *ret_cols, struct error *err)
{
	int64_t rows = 0;
	int64_t cols = 0;

	if (uri_query_int(http_uri(rq), "h", &rows, err) < 0 ||
	    uri_query_int(http_uri(rq), "w", &cols, err) < 0)
		return -EINVAL;
	if (rows < 0 || rows > UINT16_MAX || cols < 0 || cols > UINT16_MAX)
		return error_say(err, EINVAL, "a terminal's size is from 0 to %d", UINT16_MAX);
	*ret_rows = (uint16_t)rows;
	*ret_cols = (uint16_t)cols;
	return 0;
}

int query_signal(struct http_request *rq, int *ret, struct error *err)
{
	const char *text = uri_query(http_uri(rq), "signal");

	if (!text || !*text) {
		*ret = 0;
		return 0;
	}
	int number = signal_parse(text);
	if (number == 0)
		return error_say(err, EINVAL, "Invalid signal: %s", text);
	*ret = number;
	return 0;
}

static void join_tables(struct api *api)
{
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		api->route_count += tables[i]->count;
	api->routes = xcalloc(api->route_count, sizeof(*api->routes));

	struct http_route *to = api->routes;
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		memcpy(to, tables[i]->routes, tables[i]->count * sizeof(*to));
		to += tables[i]->count;
	}
}

static void api_free(struct api *api)
{
	event_hub_free(api->events);
	free(api->routes);
	free(api->state_dir);
	free(api);
}

int api_start(const struct api_options *options, struct api **ret, struct error *err)
{
	struct api *api = xnew(struct api);

	api->options = *options;
	api->state_dir = xstrdup(options->state_dir);
	api->events = event_hub_new();
	join_tables(api);
	struct http_options http = {
		.listen_fd = options->listen_fd,
		.routes = api->routes,
		.route_count = api->route_count,
		.context = api,
		.api_minor = API_MINOR,
		.api_minor_min = API_MINOR_MIN,
	};
	int r = http_server_start(&http, &api->server, err);
	if (r < 0) {
		api_free(api);
		return r;
	}
	manager_set_listener(options->manager, api_on_instance_event, api);
	*ret = api;
	return 0;
}

bool api_stop(struct api *api, int timeout_ms)
{
	if (!http_server_stop(api->server, timeout_ms))
		return false;
	manager_set_listener(api->options.manager, NULL, NULL);
	api_free(api);
	return true;
}
