/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "api/api-internal.h"
#include "api/text.h"
#include "base/alloc.h"
#include "base/base64.h"
#include "base/json.h"
#include "instance/files.h"

#define STAT_HEADER "X-Docker-Container-Path-Stat"
#define STAT_MAX 65536

/* ---- Tars on their way out ------------------------------------------------------------------ */

static int take(void *context, const void *data, size_t len, struct error *err)
{
	int r = http_stream_write(context, data, len);

	return r < 0 ? error_set(err, r, "send the archive") : 0;
}

static int send_tar(struct http_request *rq, struct copy_out *out, struct error *err)
{
	http_stream_begin(rq, 200, "application/x-tar");
	return copy_out_write(out, take, rq, err);
}

static int export_root(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	auto_copy_out *out = NULL;

	int r = manager_export(api->options.manager, http_param(rq, "id"), &out, err);
	return r < 0 ? r : send_tar(rq, out, err);
}

/* ---- One object ----------------------------------------------------------------------------- */

/* Go's os.FileMode. */
static uint32_t go_mode(mode_t mode)
{
	static const struct {
		mode_t type;
		uint32_t bits;
	} types[] = {
		{ S_IFDIR, 1U << 31 }, { S_IFLNK, 1U << 27 },  { S_IFBLK, 1U << 26 },
		{ S_IFIFO, 1U << 25 }, { S_IFSOCK, 1U << 24 }, { S_IFCHR, 1U << 26 | 1U << 21 },
	};
	uint32_t bits = mode & 0777;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if ((mode & S_IFMT) == types[i].type)
			bits |= types[i].bits;
	}
	return bits | (mode & S_ISUID ? 1U << 23 : 0) | (mode & S_ISGID ? 1U << 22 : 0) |
	       (mode & S_ISVTX ? 1U << 20 : 0);
}

static void add_stat(struct http_request *rq, const struct path_stat *stat)
{
	auto_strbuf text = STRBUF_INIT(STAT_MAX);
	auto_strbuf encoded = STRBUF_INIT(STAT_MAX * 2);
	auto_json *o = json_object_new_object();
	char mtime[TIME_TEXT];

	json_add_string(o, "name", stat->name);
	json_add_uint(o, "size", stat->size);
	json_add_uint(o, "mode", go_mode(stat->mode));
	json_add_string(o, "mtime", time_text(stat->mtime_ns, mtime));
	json_add_string(o, "linkTarget", stat->link);
	json_print(o, &text);
	base64_encode(text.data, text.len, &encoded);
	http_add_header(rq, STAT_HEADER, strbuf_text(&encoded));
}

static int query_path(struct http_request *rq, const char **ret, struct error *err)
{
	*ret = uri_query(http_uri(rq), "path");
	return *ret && **ret ? 0 : error_say(err, EINVAL, "bad parameter: 'path' cannot be empty");
}

static int stat_path(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	auto_path_stat stat = { 0 };
	const char *path;

	int r = query_path(rq, &path, err);
	if (r == 0)
		r = manager_path_stat(api->options.manager, http_param(rq, "id"), path, &stat, err);
	if (r < 0)
		return r;
	add_stat(rq, &stat);
	return http_reply_empty(rq, 200);
}

static int get_archive(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	auto_path_stat stat = { 0 };
	auto_copy_out *out = NULL;
	const char *path;

	int r = query_path(rq, &path, err);
	if (r == 0)
		r = manager_copy_out(api->options.manager, http_param(rq, "id"), path, &stat, &out,
				     err);
	if (r < 0)
		return r;
	add_stat(rq, &stat);
	return send_tar(rq, out, err);
}

/* ---- Tars on their way in ------------------------------------------------------------------- */

static int take_piece(void *arg, const void *data, size_t len, struct error *err)
{
	return copy_in_write(arg, data, len, err);
}

static int put_archive(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	const struct copy_in_options options = {
		.keep_kinds = uri_query_bool(http_uri(rq), "noOverwriteDirNonDir", false),
		.own_user = uri_query_bool(http_uri(rq), "copyUIDGID", false),
	};
	auto_copy_in *in = NULL;
	const char *path;

	int r = query_path(rq, &path, err);
	if (r == 0)
		r = manager_copy_in(api->options.manager, http_param(rq, "id"), path, &options, &in,
				    err);
	if (r == 0)
		r = http_body_feed(rq, "archive", take_piece, in, err);
	if (r == 0)
		r = copy_in_finish(in, err);
	return r < 0 ? r : http_reply_empty(rq, 200);
}

static const struct http_route routes[] = {
	{ HTTP_GET, HTTP_REPLY_STREAM, "/containers/{id}/export", export_root },
	{ HTTP_HEAD, HTTP_BODY_NONE, "/containers/{id}/archive", stat_path },
	{ HTTP_GET, HTTP_REPLY_STREAM, "/containers/{id}/archive", get_archive },
	{ HTTP_PUT, HTTP_BODY_STREAM, "/containers/{id}/archive", put_archive },
};

const struct route_table file_routes = { routes, ARRAY_SIZE(routes) };
