/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/api-internal.h"
#include "api/filters.h"
#include "api/shape/shape.h"
#include "api/text.h"
#include "base/alloc.h"
#include "oci/reference.h"

/* ---- The list ------------------------------------------------------------------------------- */

static const char *const list_filters[] = {
	"before", "dangling", "label", "reference", "since", "until", NULL,
};

struct listing {
	struct filters filters;
	bool dangling_set;
	bool dangling;
	int64_t before_ns; /* creation, both exclusive; 0: no limit */
	int64_t since_ns;
	int64_t until_ns;
};

static void listing_done(struct listing *l)
{
	filters_done(&l->filters);
}

/* A pattern of shell's kind against the short name with and without its tag. */
static bool reference_matches(const char *pattern, const char *full)
{
	auto_reference ref = { 0 };

	if (reference_parse(full, &ref, NULL) < 0)
		return false;
	auto_free char *familiar = reference_familiar(&ref);
	auto_free char *name = reference_familiar_name(&ref);
	return glob_matches(pattern, familiar) || glob_matches(pattern, name);
}

static bool any_reference_matches(const struct strv *patterns, const struct strv *references)
{
	for (size_t p = 0; p < patterns->count; p++)
		for (size_t r = 0; r < references->count; r++)
			if (reference_matches(patterns->items[p], references->items[r]))
				return true;
	return false;
}

static bool labels_match(const struct listing *l, const struct image_settings *settings)
{
	auto_strv labels = { 0 };
	const char *key;
	const char *value;

	if (!filters_get(&l->filters, "label"))
		return true;
	for (size_t at = 0;
	     settings && settings->labels && (value = map_next(settings->labels, &at, &key));)
		strv_addf(&labels, "%s=%s", key, value);
	return filters_match_labels(&l->filters, "label", &labels);
}

static bool is_listed(const struct listing *l, const struct image *image,
		      const struct image_settings *settings)
{
	const struct strv *patterns = filters_get(&l->filters, "reference");
	bool dangling = image->references.count == 0;

	return (!l->dangling_set || dangling == l->dangling) &&
	       (!patterns || any_reference_matches(patterns, &image->references)) &&
	       (!l->before_ns || image->created_ns < l->before_ns) &&
	       (!l->since_ns || image->created_ns > l->since_ns) &&
	       (!l->until_ns || image->created_ns < l->until_ns) && labels_match(l, settings);
}

static int find_instant(struct store *store, const struct filters *filters, const char *filter,
			int64_t *ret, struct error *err)
{
	const struct strv *names = filters_get(filters, filter);
	auto_image *image = NULL;

	if (!names)
		return 0;
	int r = image_find(store, names->items[0], &image, err);
	if (r == 0)
		*ret = image->created_ns;
	return r;
}

static int parse_listing(struct http_request *rq, struct store *store, struct listing *l,
			 struct error *err)
{
	int r = filters_parse(uri_query(http_uri(rq), "filters"), list_filters, &l->filters, err);
	if (r < 0)
		return r;
	const struct strv *until = filters_get(&l->filters, "until");
	l->dangling_set = filters_get(&l->filters, "dangling");
	r = filters_bool(&l->filters, "dangling", &l->dangling, err);
	if (r == 0)
		r = find_instant(store, &l->filters, "before", &l->before_ns, err);
	if (r == 0)
		r = find_instant(store, &l->filters, "since", &l->since_ns, err);
	return r < 0 ? r : time_parse("until", until ? until->items[0] : NULL, &l->until_ns, err);
}

static int list(struct http_request *rq, void *context, struct error *err)
{
	struct store *store = ((struct api *)context)->options.store;
	auto_(listing_done) struct listing l = { 0 };
	auto_images images = { 0 };

	int r = parse_listing(rq, store, &l, err);
	if (r == 0)
		r = image_list(store, &images, err);
	if (r < 0)
		return r;

	struct json_object *array = json_object_new_array();
	for (size_t i = 0; i < images.count; i++) {
		auto_image_config *config = NULL;
		const struct image_settings *settings = NULL;

		/* an image whose configuration is damaged is listed, without its labels */
		if (image_load_config(store, &images.items[i]->id, &config, NULL) == 0)
			settings = &config->settings;
		if (is_listed(&l, images.items[i], settings))
			json_object_array_add(array, shape_image_summary(images.items[i], settings,
									 http_api_minor(rq)));
	}
	return http_reply_json(rq, 200, array);
}

/* ---- Events --------------------------------------------------------------------------------- */

void tell_image(struct api *api, const char *action, const char *name)
{
	auto_image *image = NULL;

	if (image_find(api->options.store, name, &image, NULL) == 0)
		event_publish_image(api->events, action, image->id.text, name);
}

/* @id: of the one image that lost its names; NULL: each is told by the name that it had. */
static void tell_removal(struct api *api, const struct image_removal *removal, const char *id)
{
	for (size_t i = 0; i < removal->untagged.count; i++) {
		const char *what = id ? id : removal->untagged.items[i];
		event_publish_image(api->events, "untag", what, what);
	}
	/* the first is the image's id, the others are layers */
	if (removal->deleted.count > 0)
		event_publish_image(api->events, "delete", removal->deleted.items[0],
				    removal->deleted.items[0]);
}

/* ---- One image ------------------------------------------------------------------------------ */

static int inspect(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	auto_image *image = NULL;
	auto_image_config *config = NULL;

	int r = image_find(api->options.store, http_param(rq, "name"), &image, err);
	if (r == 0)
		r = image_load_config(api->options.store, &image->id, &config, err);
	if (r < 0)
		return r;
	return http_reply_json(
		rq, 200, shape_image(image, config, api_storage_driver(api), http_api_minor(rq)));
}

static int history(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	auto_image *image = NULL;
	auto_(image_history_rows_done) struct image_history_rows rows = { 0 };

	int r = image_find(api->options.store, http_param(rq, "name"), &image, err);
	if (r == 0)
		r = image_history(api->options.store, &image->id, &rows, err);
	return r < 0 ? r : http_reply_json(rq, 200, shape_image_history(image, &rows));
}

static int tag(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	const char *repository = uri_query(http_uri(rq), "repo");
	const char *name = uri_query(http_uri(rq), "tag");

	if (!repository || !*repository)
		return error_say(err, EINVAL, "query parameter 'repo' is missing");
	auto_free char *reference =
		name && *name ? xasprintf("%s:%s", repository, name) : xstrdup(repository);
	int r = image_tag(api->options.store, http_param(rq, "name"), reference, err);
	if (r < 0)
		return r;
	tell_image(api, "tag", reference);
	return http_reply_empty(rq, 201);
}

static int remove_image(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	auto_image_removal removal = { 0 };
	auto_image *image = NULL;

	(void)!image_find(api->options.store, http_param(rq, "name"), &image, NULL);
	int r = image_remove(api->options.store, http_param(rq, "name"),
			     uri_query_bool(http_uri(rq), "force", false), &removal, err);
	if (r < 0)
		return r;
	tell_removal(api, &removal, image ? image->id.text : NULL);
	return http_reply_json(rq, 200, shape_image_removal(&removal));
}

/* ---- Prune ---------------------------------------------------------------------------------- */

static const char *const prune_filters[] = { "dangling", "label", "label!", "until", NULL };

static int prune(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	auto_filters filters = { 0 };
	auto_image_removal removal = { 0 };
	struct image_prune how = { 0 };
	bool dangling = true;

	int r = filters_parse(uri_query(http_uri(rq), "filters"), prune_filters, &filters, err);
	if (r == 0)
		r = filters_bool(&filters, "dangling", &dangling, err);
	if (r < 0)
		return r;
	const struct strv *until = filters_get(&filters, "until");
	r = time_parse("until", until ? until->items[0] : NULL, &how.until_ns, err);
	if (r < 0)
		return r;
	how.all = !dangling;
	how.with_labels = filters_get(&filters, "label");
	how.without_labels = filters_get(&filters, "label!");
	r = image_prune(api->options.store, &how, &removal, err);
	if (r < 0)
		return r;

	tell_removal(api, &removal, NULL);
	event_publish_prune(api->events, "image", (int64_t)removal.freed_bytes);
	struct json_object *reply = json_object_new_object();
	bool any = removal.untagged.count + removal.deleted.count > 0;
	json_add(reply, "ImagesDeleted", any ? shape_image_removal(&removal) : NULL);
	json_add_int(reply, "SpaceReclaimed", removal.freed_bytes);
	return http_reply_json(rq, 200, reply);
}

static const struct http_route routes[] = {
	{ HTTP_GET, 0, "/images/json", list },
	{ HTTP_POST, HTTP_BODY_NONE, "/images/prune", prune },
	{ HTTP_GET, 0, "/images/{name*}/json", inspect },
	{ HTTP_GET, 0, "/images/{name*}/history", history },
	{ HTTP_POST, HTTP_BODY_NONE, "/images/{name*}/tag", tag },
	{ HTTP_DELETE, HTTP_BODY_NONE, "/images/{name*}", remove_image },
};

const struct route_table image_routes = { routes, ARRAY_SIZE(routes) };
