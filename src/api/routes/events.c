/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "api/api-internal.h"
#include "api/filters.h"
#include "api/text.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/signals.h"

/* ---- What the manager tells ----------------------------------------------------------------- */

void api_on_instance_event(const struct instance_event *event, void *arg)
{
	struct api *api = arg;
	const struct instance_info *info = event->info;
	struct event e = {
		.type = "container",
		.action = xstrdup(event->action),
		.id = xstrdup(info->id),
		.time_ns = event->time_ns,
	};
	const char *action = event->action;

	strv_addf(&e.attributes, "image=%s", info->image);
	strv_addf(&e.attributes, "name=%s", info->name);
	if (strcmp(action, "die") == 0 || strcmp(action, "exec_die") == 0)
		strv_addf(&e.attributes, "exitCode=%d", event->exit_code);
	if (strcmp(action, "kill") == 0)
		strv_addf(&e.attributes, "signal=%d", event->signal);
	if (event->detail)
		strv_addf(&e.attributes, "%s=%s",
			  strcmp(action, "rename") == 0 ? "oldName" : "execID", event->detail);
	strv_add_all(&e.attributes, &info->labels);
	event_publish(api->events, &e);
}

/* ---- GET /events ---------------------------------------------------------------------------- */

static const char *const event_filters[] = {
	"config", "container", "daemon", "event",   "image", "label",  "network", "node",
	"plugin", "scope",     "secret", "service", "type",  "volume", NULL,
};

static bool names_id(const struct strv *names, const char *id, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (strncmp(id, names->items[i], strlen(names->items[i])) == 0 ||
		    (name && strcmp(name, names->items[i]) == 0))
			return true;
	return false;
}

/* An image is named with or without its tag. */
static bool names_image(const struct strv *names, const char *image)
{
	const char *colon = image ? strrchr(image, ':') : NULL;

	if (!image)
		return false;
	auto_free char *bare = xstrndup(
		image, colon && !strchr(colon, '/') ? (size_t)(colon - image) : strlen(image));
	return strv_contains(names, image) || strv_contains(names, bare);
}

/* "exec_start: sh -c true" is of the kind "exec_start". */
static bool action_matches(const struct filters *f, const char *action)
{
	auto_free char *kind = xstrndup(action, strcspn(action, ":"));

	return filters_match(f, "event", action) || filters_match(f, "event", kind);
}

static bool is_wanted(const struct filters *f, const struct event *e)
{
	const struct strv *containers = filters_get(f, "container");
	const struct strv *images = filters_get(f, "image");
	const char *name = env_get(&e->attributes, "name");
	bool is_container = strcmp(e->type, "container") == 0;
	bool is_image = strcmp(e->type, "image") == 0;

	if (containers && !(is_container && names_id(containers, e->id, name)))
		return false;
	if (images && !names_image(images, is_image ? name : env_get(&e->attributes, "image")) &&
	    !(is_image && names_id(images, e->id, NULL)))
		return false;
	return action_matches(f, e->action) && filters_match(f, "type", e->type) &&
	       filters_match(f, "scope", "local") &&
	       filters_match_labels(f, "label", &e->attributes);
}

struct watch {
	struct http_request *rq;
	struct filters filters;
	struct event_listener *listener;
	int64_t since_ns, until_ns; /* 0: from now on, for ever */
};

static void watch_done(struct watch *w)
{
	event_listener_free(w->listener);
	filters_done(&w->filters);
}

/* Sends what is there; false at the end of the watch. */
static bool send_events(struct watch *w)
{
	auto_event e = { 0 };

	while (event_next(w->listener, &e)) {
		if (w->until_ns && e.time_ns > w->until_ns)
			return false;
		if (e.time_ns >= w->since_ns && is_wanted(&w->filters, &e) &&
		    http_stream_json(w->rq, event_json(&e)) < 0)
			return false;
		event_done(&e);
	}
	return true;
}

/* Milliseconds until the watch ends; -1: never. */
static int time_left(const struct watch *w)
{
	if (!w->until_ns)
		return -1;
	int64_t left = (w->until_ns - clock_now()) / NSEC_PER_MSEC + 1;
	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

static void run_watch(struct watch *w)
{
	struct pollfd p[] = {
		{ .fd = event_listener_fd(w->listener), .events = POLLIN },
		{ .fd = http_client_fd(w->rq), .events = POLLRDHUP },
	};

	while (send_events(w)) {
		int timeout_ms = time_left(w);
		int ready = poll(p, ARRAY_SIZE(p), timeout_ms);

		if ((ready < 0 && errno != EINTR) || p[1].revents)
			return;
		if (ready == 0 && (!w->until_ns || clock_now() >= w->until_ns))
			return;
	}
}

static int events(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	const struct uri *u = http_uri(rq);
	auto_(watch_done) struct watch w = { .rq = rq };

	int r = filters_parse(uri_query(u, "filters"), event_filters, &w.filters, err);
	if (r == 0)
		r = time_parse("since", uri_query(u, "since"), &w.since_ns, err);
	if (r == 0)
		r = time_parse("until", uri_query(u, "until"), &w.until_ns, err);
	if (r == 0)
		r = event_listen(api->events, w.since_ns > 0, &w.listener, err);
	if (r < 0)
		return r;
	http_stream_begin(rq, 200, "application/json");
	run_watch(&w);
	return 0;
}

static const struct http_route routes[] = {
	{ HTTP_GET, HTTP_REPLY_STREAM, "/events", events },
};

const struct route_table event_routes = { routes, ARRAY_SIZE(routes) };
