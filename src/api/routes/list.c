/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/api-internal.h"
#include "api/filters.h"
#include "api/shape/shape.h"
#include "api/text.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "container/request/json.h"
#include "container/request/mounts.h"
#include "instance/files.h"

/* ---- Which instances are listed ------------------------------------------------------------- */

static const char *const list_filters[] = {
	"ancestor", "before", "exited",  "health", "id",     "is-task", "isolation",
	"label",    "name",   "network", "since",  "status", "volume",  NULL,
};

struct listing {
	struct api *api;
	struct filters filters;
	struct strv ancestors; /* image ids of the filter "ancestor" */
	int64_t before_ns;     /* creation, both exclusive; 0: no limit */
	int64_t since_ns;
	int64_t limit; /* 0: no limit */
	bool sizes;
	bool tasks; /* of a swarm: there are none */
	size_t listed;
	int64_t now_ns;
	const struct strv *fields; /* NULL: all */
	struct json_object *array;
};

static void listing_done(struct listing *l)
{
	filters_done(&l->filters);
	strv_done(&l->ancestors);
	json_put_p(&l->array);
}

static bool any_matches(const struct strv *patterns, const char *text)
{
	if (!patterns)
		return true;
	for (size_t i = 0; i < patterns->count; i++)
		if (pattern_matches(patterns->items[i], text))
			return true;
	return false;
}

/* Patterns are tried with and without the slash that Docker puts before names. */
static bool name_matches(const struct listing *l, const struct instance_info *info)
{
	const struct strv *patterns = filters_get(&l->filters, "name");
	auto_free char *slashed = xasprintf("/%s", info->name);

	return any_matches(patterns, info->name) || any_matches(patterns, slashed);
}

static bool id_matches(const struct listing *l, const struct instance_info *info)
{
	const struct strv *ids = filters_get(&l->filters, "id");

	if (!ids)
		return true;
	for (size_t i = 0; i < ids->count; i++)
		if (strncmp(info->id, ids->items[i], strlen(ids->items[i])) == 0)
			return true;
	return false;
}

static bool exit_matches(const struct listing *l, const struct instance_info *info)
{
	const struct strv *codes = filters_get(&l->filters, "exited");

	if (!codes)
		return true;
	if (info->state != STATE_EXITED)
		return false;
	for (size_t i = 0; i < codes->count; i++) {
		char *end;
		long code = strtol(codes->items[i], &end, 10);

		if (!*end && end != codes->items[i] && code == info->exit_code)
			return true;
	}
	return false;
}

static bool ancestor_matches(const struct listing *l, const struct instance_info *info)
{
	const struct strv *names = filters_get(&l->filters, "ancestor");

	return !names || strv_contains(names, info->image) ||
	       strv_contains(&l->ancestors, info->image_id);
}

static bool listed(const struct listing *l, const struct instance_info *info)
{
	return name_matches(l, info) && id_matches(l, info) && exit_matches(l, info) &&
	       ancestor_matches(l, info) &&
	       filters_match(&l->filters, "status", state_docker_name(info->state)) &&
	       filters_match(&l->filters, "network", info->network_mode) &&
	       filters_match(&l->filters, "health", "none") && !l->tasks &&
	       filters_match(&l->filters, "isolation", info->vm ? "vm" : "container") &&
	       filters_match_labels(&l->filters, "label", &info->labels) &&
	       (!l->before_ns || info->created_ns < l->before_ns) &&
	       (!l->since_ns || info->created_ns > l->since_ns);
}

/* Sets the creation instant of the instance that a filter names. */
static int find_instant(struct listing *l, const char *filter, int64_t *ret, struct error *err)
{
	const struct strv *names = filters_get(&l->filters, filter);
	struct instance_info info;

	if (!names)
		return 0;
	int r = manager_get(l->api->options.manager, names->items[0], &info, err);
	if (r < 0)
		return r;
	*ret = info.created_ns;
	instance_info_done(&info);
	return 0;
}

static int check_states(const struct listing *l, struct error *err)
{
	const struct strv *names = filters_get(&l->filters, "status");

	for (size_t i = 0; names && i < names->count; i++) {
		bool known = false;
		for (int state = 0; state < STATE_COUNT; state++)
			known |= strcmp(names->items[i], state_docker_name(state)) == 0;
		if (!known)
			return error_say(err, EINVAL, "invalid filter 'status=%.50s'",
					 names->items[i]);
	}
	return 0;
}

static void find_ancestors(struct listing *l)
{
	const struct strv *names = filters_get(&l->filters, "ancestor");

	for (size_t i = 0; names && i < names->count; i++) {
		auto_image *image = NULL;

		if (image_find(l->api->options.store, names->items[i], &image, NULL) == 0)
			strv_add(&l->ancestors, image->id.text);
	}
}

/* ---- The list ------------------------------------------------------------------------------- */

#define LIST_FULL 1

/* A volume is named by its name or source, or by its place inside. */
static bool volume_matches(const struct listing *l, const struct instance_info *info)
{
	const struct strv *wanted = filters_get(&l->filters, "volume");

	for (size_t i = 0; wanted && i < info->mounts.count; i++) {
		const struct container_mount *m = &info->mounts.items[i];
		if (strv_contains(wanted, m->target) ||
		    (m->source && strv_contains(wanted, m->source)))
			return true;
	}
	return !wanted;
}

static int add_summary(const struct instance_info *info, void *arg)
{
	struct listing *l = arg;

	if (!listed(l, info))
		return 0;
	if (!volume_matches(l, info))
		return 0;
	struct json_object *summary = shape_container_summary(info, l->fields, l->now_ns);
	if (l->sizes)
		add_sizes(l->api, info, summary);
	json_object_array_add(l->array, summary);
	return l->limit > 0 && ++l->listed >= (size_t)l->limit ? LIST_FULL : 0;
}

static int list(struct http_request *rq, void *context, struct error *err)
{
	const struct uri *u = http_uri(rq);
	auto_(listing_done) struct listing l = { .api = context, .now_ns = clock_now() };
	bool all = uri_query_bool(u, "all", false);
	auto_strv fields = { 0 };
	l.sizes = uri_query_bool(u, "size", false);

	int r = filters_parse(uri_query(u, "filters"), list_filters, &l.filters, err);
	if (r == 0)
		r = uri_query_int(u, "limit", &l.limit, err);
	if (r == 0)
		r = check_states(&l, err);
	if (r == 0)
		r = filters_bool(&l.filters, "is-task", &l.tasks, err);
	if (r == 0)
		r = find_instant(&l, "before", &l.before_ns, err);
	if (r == 0)
		r = find_instant(&l, "since", &l.since_ns, err);
	if (r < 0)
		return r;
	find_ancestors(&l);
	/* who asks for a state, an end or a number of the latest wants the others than running too */
	all = all || l.limit > 0 || filters_get(&l.filters, "status") ||
	      filters_get(&l.filters, "exited");
	/* Berth's own: the command line names what it shows */
	const char *named = uri_query(u, "fields");
	if (named) {
		strv_split(&fields, named, ',');
		l.fields = &fields;
	}
	l.array = json_object_new_array();
	r = manager_list(l.api->options.manager, all, add_summary, &l);
	if (r < 0)
		return error_set(err, r, "list the containers");
	return http_reply_json(rq, 200, take_ptr(l.array));
}

/* ---- Prune ---------------------------------------------------------------------------------- */

static const char *const prune_filters[] = { "label", "label!", "until", NULL };

struct pruning {
	struct filters filters;
	int64_t until_ns;
	struct strv ids;
};

static void pruning_done(struct pruning *p)
{
	filters_done(&p->filters);
	strv_done(&p->ids);
}

static int collect(const struct instance_info *info, void *arg)
{
	struct pruning *p = arg;
	bool unwanted = filters_get(&p->filters, "label!") &&
			filters_match_labels(&p->filters, "label!", &info->labels);

	if ((info->state == STATE_CREATED || info->state == STATE_EXITED ||
	     info->state == STATE_DEAD) &&
	    (!p->until_ns || info->created_ns < p->until_ns) && !unwanted &&
	    filters_match_labels(&p->filters, "label", &info->labels))
		strv_add(&p->ids, info->id);
	return 0;
}

static int prune(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	auto_(pruning_done) struct pruning p = { 0 };
	struct remove_options options = { 0 };

	int r = filters_parse(uri_query(http_uri(rq), "filters"), prune_filters, &p.filters, err);
	if (r < 0)
		return r;
	const struct strv *until = filters_get(&p.filters, "until");
	r = time_parse("until", until ? until->items[0] : NULL, &p.until_ns, err);
	if (r < 0)
		return r;
	(void)manager_list(api->options.manager, true, collect, &p);

	struct json_object *deleted = json_object_new_array();
	int64_t freed = 0;
	for (size_t i = 0; i < p.ids.count; i++) {
		int64_t size = 0;
		(void)!manager_disk_usage(api->options.manager, p.ids.items[i], &size, NULL);
		/* one that was started or removed meanwhile is not ours any more */
		if (manager_remove(api->options.manager, p.ids.items[i], &options, NULL) < 0)
			continue;
		freed += size;
		json_object_array_add(deleted, json_object_new_string(p.ids.items[i]));
	}
	event_publish_prune(api->events, "container", freed);
	struct json_object *reply = json_object_new_object();
	json_add(reply, "ContainersDeleted", deleted);
	json_add_int(reply, "SpaceReclaimed", freed);
	return http_reply_json(rq, 200, reply);
}

static const struct http_route routes[] = {
	{ HTTP_GET, 0, "/containers/json", list },
	{ HTTP_POST, HTTP_BODY_NONE, "/containers/prune", prune },
};

const struct route_table list_routes = { routes, ARRAY_SIZE(routes) };
