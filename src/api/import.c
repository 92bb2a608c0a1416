/* SPDX-License-Identifier: Apache-2.0 */
#include "api/import.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/api-internal.h"
#include "api/changes.h"
#include "api/progress.h"
#include "base/alloc.h"
#include "oci/platform.h"
#include "store/archive/archive.h"

static int read_changes(struct http_request *rq, struct image_settings *ret, struct error *err)
{
	const char *line;
	size_t position = 0;

	while ((line = uri_query_next(http_uri(rq), "changes", &position)))
		if (change_apply(ret, line, err) < 0)
			return -EINVAL;
	return 0;
}

/* "repo:tag" of the query; NULL where there is none. */
static char *read_reference(struct http_request *rq)
{
	const char *repository = uri_query(http_uri(rq), "repo");
	const char *tag = uri_query(http_uri(rq), "tag");

	if (!repository || !*repository)
		return NULL;
	return tag && *tag ? xasprintf("%s:%s", repository, tag) : xstrdup(repository);
}

static int take_piece(void *arg, const void *data, size_t len, struct error *err)
{
	return archive_import_write(arg, data, len, err);
}

int import_image(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	const char *source = uri_query(http_uri(rq), "fromSrc");
	const char *wanted = uri_query(http_uri(rq), "platform");
	auto_image_settings settings = { 0 };
	auto_free char *reference = read_reference(rq);
	auto_archive_import *import = NULL;
	struct platform platform;
	struct digest id;
	bool begun = false;

	if (!source || strcmp(source, "-") != 0)
		return error_say(
			err, EINVAL,
			"images are imported from the request's body: fromSrc must be '-'");
	int r = read_changes(rq, &settings, err);
	if (r == 0 && wanted && *wanted)
		r = platform_parse(wanted, &platform, err);
	if (r < 0)
		return r;
	struct import_options options = {
		.reference = reference,
		.message = uri_query(http_uri(rq), "message"),
		.settings = &settings,
		.platform = wanted && *wanted ? &platform : NULL,
	};
	r = archive_import_begin(api->options.store, &options, &import, err);
	if (r == 0)
		r = http_body_feed(rq, "archive", take_piece, import, err);
	if (r == 0)
		r = archive_import_finish(import, &id, err);
	if (r < 0)
		return r;
	tell_image(api, "import", id.text);
	(void)!progress_send(rq, &begun, progress_status(id.text, NULL));
	return 0;
}
