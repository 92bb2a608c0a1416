/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "api/api-internal.h"
#include "api/shape/shape.h"
#include "api/text.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "container/request/json.h"
#include "instance/files.h"
#include "instance/usage.h"

#define INTERVAL_MS 1000

/* ---- Top ------------------------------------------------------------------------------------ */

static int top(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	auto_process_table table = { 0 };

	int r = manager_top(api->options.manager, http_param(rq, "id"),
			    uri_query(http_uri(rq), "ps_args"), &table, err);
	if (r < 0)
		return r;
	struct json_object *reply = json_object_new_object();
	struct json_object *rows = json_object_new_array();
	json_add(reply, "Titles", json_string_array(&table.titles));
	for (size_t i = 0; i < table.row_count; i++)
		json_object_array_add(rows, json_string_array(&table.rows[i]));
	json_add(reply, "Processes", rows);
	return http_reply_json(rq, 200, reply);
}

/* ---- Stats ---------------------------------------------------------------------------------- */

static struct json_object *cpu_shape(const struct instance_stats *s)
{
	const struct cgroup_usage *u = &s->usage;
	struct json_object *o = json_object_new_object();
	struct json_object *usage = json_add(o, "cpu_usage", json_object_new_object());

	json_add_uint(usage, "total_usage", u->cpu_ns);
	json_add_uint(usage, "usage_in_kernelmode", u->cpu_kernel_ns);
	json_add_uint(usage, "usage_in_usermode", u->cpu_user_ns);
	if (s->running) {
		json_add_uint(o, "system_cpu_usage", s->system_cpu_ns);
		json_add_uint(o, "online_cpus", s->online_cpus);
	}
	struct json_object *throttling = json_add(o, "throttling_data", json_object_new_object());
	json_add_uint(throttling, "periods", u->periods);
	json_add_uint(throttling, "throttled_periods", u->throttled_periods);
	json_add_uint(throttling, "throttled_time", u->throttled_ns);
	return o;
}

static struct json_object *memory_shape(const struct instance_stats *s)
{
	const struct cgroup_usage *u = &s->usage;
	struct json_object *o = json_object_new_object();

	if (!s->running)
		return o;
	json_add_uint(o, "usage", u->memory_bytes);
	json_add_uint(o, "max_usage", u->memory_max_bytes);
	struct json_object *detail = json_add(o, "stats", json_object_new_object());
	json_add_uint(detail, "active_file", u->active_file_bytes);
	json_add_uint(detail, "anon", u->anon_bytes);
	json_add_uint(detail, "inactive_file", u->inactive_file_bytes);
	json_add_uint(detail, "pgfault", u->page_faults);
	/* the word of version 1, which clients look for first */
	json_add_uint(detail, "total_inactive_file", u->inactive_file_bytes);
	json_add_uint(o, "limit",
		      u->memory_limit_bytes < s->host_memory_bytes ? u->memory_limit_bytes
								   : s->host_memory_bytes);
	return o;
}

static void add_disk(struct json_object *array, const struct cgroup_disk *d, const char *op,
		     uint64_t value)
{
	struct json_object *o = json_object_new_object();

	json_add_uint(o, "major", d->major);
	json_add_uint(o, "minor", d->minor);
	json_add_string(o, "op", op);
	json_add_uint(o, "value", value);
	json_object_array_add(array, o);
}

static struct json_object *disk_shape(const struct cgroup_usage *u)
{
	static const char *const unused[] = {
		"io_serviced_recursive",  "io_queue_recursive",  "io_service_time_recursive",
		"io_wait_time_recursive", "io_merged_recursive", "io_time_recursive",
		"sectors_recursive",
	};
	struct json_object *o = json_object_new_object();
	struct json_object *bytes = NULL;

	if (u->disk_count > 0)
		bytes = json_object_new_array();
	for (size_t i = 0; i < u->disk_count; i++) {
		add_disk(bytes, &u->disks[i], "read", u->disks[i].read_bytes);
		add_disk(bytes, &u->disks[i], "write", u->disks[i].written_bytes);
	}
	json_add(o, "io_service_bytes_recursive", bytes);
	for (size_t i = 0; i < ARRAY_SIZE(unused); i++)
		json_add(o, unused[i], NULL);
	return o;
}

static struct json_object *network_shape(const struct instance_stats *s)
{
	struct json_object *all = json_object_new_object();

	for (size_t i = 0; i < s->network_count; i++) {
		const struct instance_network *n = &s->networks[i];
		struct json_object *o = json_add(all, n->name, json_object_new_object());
		json_add_uint(o, "rx_bytes", n->rx_bytes);
		json_add_uint(o, "rx_packets", n->rx_packets);
		json_add_uint(o, "rx_errors", n->rx_errors);
		json_add_uint(o, "rx_dropped", n->rx_dropped);
		json_add_uint(o, "tx_bytes", n->tx_bytes);
		json_add_uint(o, "tx_packets", n->tx_packets);
		json_add_uint(o, "tx_errors", n->tx_errors);
		json_add_uint(o, "tx_dropped", n->tx_dropped);
	}
	return all;
}

static struct json_object *stats_shape(const struct instance_stats *s,
				       const struct instance_stats *before)
{
	struct json_object *o = json_object_new_object();
	auto_free char *name = xasprintf("/%s", s->name);
	char text[TIME_TEXT];

	json_add_string(o, "name", name);
	json_add_string(o, "id", s->id);
	json_add_string(o, "read", time_text(s->read_ns, text));
	json_add_string(o, "preread", time_text(before->read_ns, text));
	struct json_object *pids = json_add(o, "pids_stats", json_object_new_object());
	if (s->running) {
		json_add_uint(pids, "current", s->usage.processes);
		if (s->usage.process_limit)
			json_add_uint(pids, "limit", s->usage.process_limit);
	}
	json_add(o, "blkio_stats", disk_shape(&s->usage));
	json_add_int(o, "num_procs", 0);
	json_add(o, "storage_stats", json_object_new_object());
	json_add(o, "cpu_stats", cpu_shape(s));
	json_add(o, "precpu_stats", cpu_shape(before));
	json_add(o, "memory_stats", memory_shape(s));
	if (s->network_count > 0)
		json_add(o, "networks", network_shape(s));
	return o;
}

/* Waits for the next sample; false once the client has gone. */
static bool next_sample(struct http_request *rq)
{
	struct pollfd p = { .fd = http_client_fd(rq), .events = POLLRDHUP };

	return poll(&p, 1, INTERVAL_MS) == 0 && !http_client_gone(rq);
}

static int stats(struct http_request *rq, void *context, struct error *err)
{
	struct manager *manager = ((struct api *)context)->options.manager;
	const char *id = http_param(rq, "id");
	bool stream = uri_query_bool(http_uri(rq), "stream", true);
	bool once = uri_query_bool(http_uri(rq), "one-shot", false);
	struct instance_stats before = { 0 };
	struct instance_stats now;

	int r = manager_stats(manager, id, &now, err);
	if (r < 0)
		return r;
	if (!stream && !once && now.running) {
		before = now;
		if (next_sample(rq) && manager_stats(manager, id, &now, err) < 0)
			return -ENOENT;
	}
	if (!stream)
		return http_reply_json(rq, 200, stats_shape(&now, &before));
	http_stream_begin(rq, 200, "application/json");
	while (http_stream_json(rq, stats_shape(&now, &before)) == 0 && next_sample(rq)) {
		before = now;
		if (manager_stats(manager, id, &now, NULL) < 0)
			break; /* it was removed */
	}
	return 0;
}

/* ---- Update --------------------------------------------------------------------------------- */

static int update(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	auto_json *changes = NULL;

	int r = body_required(rq, "update request", &changes, err);
	if (r == 0)
		r = manager_update(api->options.manager, http_param(rq, "id"), changes, err);
	if (r < 0)
		return r;
	struct json_object *reply = json_object_new_object();
	json_add(reply, "Warnings", json_object_new_array());
	return http_reply_json(rq, 200, reply);
}

/* ---- What takes space ----------------------------------------------------------------------- */

struct space {
	struct api *api;
	struct json_object *instances;
	int64_t now_ns;
};

static int add_instance(const struct instance_info *info, void *arg)
{
	struct space *space = arg;
	int64_t size = 0;

	(void)!manager_disk_usage(space->api->options.manager, info->id, &size, NULL);
	struct json_object *o = shape_container_summary(info, NULL, space->now_ns);
	json_add_int(o, "SizeRw", size);
	json_object_array_add(space->instances, o);
	return 0;
}

static int count_user(const struct instance_info *info, void *arg)
{
	struct json_object *counts = arg;
	struct json_object *count = NULL;

	if (json_object_object_get_ex(counts, info->image_id, &count))
		(void)json_object_int_inc(count, 1);
	else
		json_add_int(counts, info->image_id, 1);
	return 0;
}

static int add_images(struct api *api, struct json_object *reply, int api_minor, struct error *err)
{
	struct json_object *array = json_object_new_array();
	auto_json *counts = json_object_new_object();
	auto_images images = { 0 };

	json_add(reply, "Images", array);
	int r = image_list(api->options.store, &images, err);
	if (r < 0)
		return r;
	(void)manager_list(api->options.manager, true, count_user, counts);
	for (size_t i = 0; i < images.count; i++) {
		auto_image_config *config = NULL;
		struct json_object *count = NULL;
		int result =
			image_load_config(api->options.store, &images.items[i]->id, &config, NULL);
		struct json_object *o = shape_image_summary(
			images.items[i], result == 0 ? &config->settings : NULL, api_minor);
		(void)json_object_object_get_ex(counts, images.items[i]->id.text, &count);
		json_add_int(o, "Containers", count ? json_object_get_int64(count) : 0);
		json_add_int(o, "SharedSize", 0);
		json_object_array_add(array, o);
	}
	return 0;
}

static int disk_usage(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	auto_json *reply = json_object_new_object();
	struct space space = { .api = api, .now_ns = clock_now() };
	struct store_usage usage = { 0 };

	int r = store_usage(api->options.store, &usage, err);
	if (r < 0)
		return r;
	json_add_int(reply, "LayersSize", usage.size);
	r = add_images(api, reply, http_api_minor(rq), err);
	if (r < 0)
		return r;
	space.instances = json_add(reply, "Containers", json_object_new_array());
	(void)manager_list(api->options.manager, true, add_instance, &space);
	json_add(reply, "Volumes", json_object_new_array());
	json_add(reply, "BuildCache", json_object_new_array());
	json_add_int(reply, "BuilderSize", 0);
	return http_reply_json(rq, 200, take_ptr(reply));
}

static const struct http_route routes[] = {
	{ HTTP_GET, 0, "/containers/{id}/top", top },
	{ HTTP_GET, HTTP_REPLY_STREAM, "/containers/{id}/stats", stats },
	{ HTTP_POST, 0, "/containers/{id}/update", update },
	{ HTTP_GET, 0, "/system/df", disk_usage },
};

const struct route_table usage_routes = { routes, ARRAY_SIZE(routes) };
