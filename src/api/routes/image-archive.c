/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/api-internal.h"
#include "api/progress.h"
#include "base/alloc.h"
#include "store/archive/archive.h"
#include "store/image/image.h"

/* ---- Load ----------------------------------------------------------------------------------- */

static int take_piece(void *arg, const void *data, size_t len, struct error *err)
{
	return archive_load_write(arg, data, len, err);
}

static void tell_loaded(struct http_request *rq, bool *begun, const char *what,
			const struct strv *names)
{
	for (size_t i = 0; i < names->count; i++) {
		auto_free char *line = xasprintf("%s: %s\n", what, names->items[i]);
		(void)!progress_send(rq, begun, progress_text(line));
	}
}

/* The archive comes before the answer can begin, so there is no progress to be told. */
static int load(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	auto_archive_load *archive = NULL;
	auto_strv references = { 0 };
	auto_strv ids = { 0 };
	bool begun = false;

	int r = archive_load_begin(api->options.store, NULL, NULL, &archive, err);
	if (r == 0)
		r = http_body_feed(rq, "archive", take_piece, archive, err);
	if (r == 0)
		r = archive_load_finish(archive, &references, &ids, err);
	/* as Docker's: clients look for the reason in the stream, not at the status */
	if (r < 0)
		return progress_send(rq, &begun, progress_error(err->text));
	for (size_t i = 0; i < references.count + ids.count; i++)
		tell_image(api, "load",
			   i < references.count ? references.items[i]
						: ids.items[i - references.count]);
	tell_loaded(rq, &begun, "Loaded image", &references);
	tell_loaded(rq, &begun, "Loaded image ID", &ids);
	return begun ? 0 : progress_send(rq, &begun, progress_error("the archive holds no image"));
}

/* ---- Save ----------------------------------------------------------------------------------- */

static int write_archive(void *context, const void *data, size_t len, struct error *err)
{
	struct http_request *rq = context;

	int r = http_stream_write(rq, data, len);
	return r < 0 ? error_set(err, r, "send the archive") : 0;
}

/* Names are looked up before the head is sent, so that a wrong one is an error with its status. */
static int save(struct http_request *rq, struct api *api, const struct strv *names,
		struct error *err)
{
	for (size_t i = 0; i < names->count; i++) {
		auto_image *image = NULL;
		int r = image_find(api->options.store, names->items[i], &image, err);
		if (r < 0)
			return r;
	}
	http_stream_begin(rq, 200, "application/x-tar");
	int result = archive_save(api->options.store, names, write_archive, rq, err);
	for (size_t i = 0; result == 0 && i < names->count; i++)
		tell_image(api, "save", names->items[i]);
	return result;
}

static int save_one(struct http_request *rq, void *context, struct error *err)
{
	auto_strv names = { 0 };

	strv_add(&names, http_param(rq, "name"));
	return save(rq, context, &names, err);
}

static int save_many(struct http_request *rq, void *context, struct error *err)
{
	auto_strv names = { 0 };
	const char *name;
	size_t position = 0;

	while ((name = uri_query_next(http_uri(rq), "names", &position)))
		strv_add(&names, name);
	if (names.count == 0)
		return error_say(err, EINVAL, "query parameter 'names' is missing");
	return save(rq, context, &names, err);
}

static const struct http_route routes[] = {
	{ HTTP_POST, HTTP_BODY_STREAM | HTTP_REPLY_STREAM, "/images/load", load },
	{ HTTP_GET, HTTP_REPLY_STREAM, "/images/get", save_many },
	{ HTTP_GET, HTTP_REPLY_STREAM, "/images/{name*}/get", save_one },
};

const struct route_table image_archive_routes = { routes, ARRAY_SIZE(routes) };
