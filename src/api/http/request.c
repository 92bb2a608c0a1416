/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "api/http/internal.h"
#include "base/alloc.h"
#include "base/json.h"

/* What a handler takes of a streamed body at once. */
#define PIECE (256 * 1024)

int http_api_minor(const struct http_request *rq)
{
	return rq->uri.api_minor >= 0 ? rq->uri.api_minor : rq->server->options.api_minor;
}

const char *http_param(const struct http_request *rq, const char *name)
{
	return route_param(&rq->params, name);
}

const struct uri *http_uri(const struct http_request *rq)
{
	return &rq->uri;
}

const char *http_header(const struct http_request *rq, const char *name)
{
	return MHD_lookup_connection_value(rq->mhd, MHD_HEADER_KIND, name);
}

int64_t http_received_ns(const struct http_request *rq)
{
	return rq->received_ns;
}

/* A body without a content type is taken for JSON, as Docker does for old clients. */
static bool says_json(const struct http_request *rq)
{
	const char *type = http_header(rq, "Content-Type");
	size_t len = type ? strcspn(type, "; ") : 0;

	return len == 0 || (len == strlen("application/json") &&
			    strncasecmp(type, "application/json", len) == 0);
}

int http_body_json(struct http_request *rq, const char *what, struct json_object **ret,
		   struct error *err)
{
	auto_json *o = NULL;

	if (rq->body.len == 0) {
		*ret = NULL;
		return 0;
	}
	if (!says_json(rq))
		return error_say(err, EINVAL, "unsupported content type: must be application/json");
	if (json_parse(rq->body.data, rq->body.len, HTTP_BODY_MAX, what, &o, err) < 0)
		return error_say(err, EINVAL, "%s", err ? err->text : "");
	if (!json_object_is_type(o, json_type_object))
		return error_say(err, EINVAL, "parse %s: not a JSON object", what);
	*ret = take_ptr(o);
	return 0;
}

ssize_t http_body_read(struct http_request *rq, void *data, size_t len)
{
	size_t count = ring_read(rq->upload, data, len);

	if (count > 0)
		return (ssize_t)count;
	pthread_mutex_lock(&rq->lock);
	bool whole = rq->upload_whole;
	pthread_mutex_unlock(&rq->lock);
	return whole ? 0 : -ECONNRESET;
}

int http_body_feed(struct http_request *rq, const char *what,
		   int (*take)(void *arg, const void *data, size_t len, struct error *err),
		   void *arg, struct error *err)
{
	auto_free char *data = xmalloc(PIECE);
	ssize_t n;

	while ((n = http_body_read(rq, data, PIECE)) > 0) {
		int r = take(arg, data, (size_t)n, err);
		if (r < 0)
			return r;
	}
	return n < 0 ? error_set(err, (int)n, "read the %s", what) : 0;
}

int http_client_fd(const struct http_request *rq)
{
	return MHD_get_connection_info(rq->mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

bool http_client_gone(const struct http_request *rq)
{
	struct pollfd p = { .fd = http_client_fd(rq), .events = POLLRDHUP };

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL));
}

/* True where a comma-separated header has @word among its items. */
static bool header_lists(const char *header, const char *word)
{
	size_t word_len = strlen(word);

	while (header && *header) {
		header += strspn(header, ", \t");
		size_t len = strcspn(header, ", \t");
		if (len == word_len && strncasecmp(header, word, len) == 0)
			return true;
		header += len;
	}
	return false;
}

bool http_wants_upgrade(const struct http_request *rq)
{
	return http_header(rq, "Upgrade") && header_lists(http_header(rq, "Connection"), "upgrade");
}
