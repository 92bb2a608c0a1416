/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client/api.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"

#define ERROR_BODY_MAX 65536

struct api {
	struct endpoint endpoint;
	bool trace;
	struct http *idle;
};

struct api *api_new(struct endpoint *endpoint, bool trace)
{
	struct api *a = xnew(struct api);

	a->endpoint = *endpoint;
	a->trace = trace;
	*endpoint = (struct endpoint){};
	return a;
}

void api_free(struct api *a)
{
	if (!a)
		return;
	http_free(a->idle);
	endpoint_done(&a->endpoint);
	free(a);
}

static int connect_new(struct api *a, struct http **ret, struct error *err)
{
	const char *host;
	int fd = engine_connect(&a->endpoint, &host, err);
	if (fd < 0)
		return fd;
	*ret = http_new(fd, host);
	return 0;
}

static int send_any(struct api *a, const struct http_request *request, struct http **ret_http,
		    struct http_response *ret, struct error *err)
{
	auto_http *http = take_ptr(a->idle);
	bool stale = false;

	int r = http ? 0 : connect_new(a, &http, err);
	if (r == 0)
		r = http_send(http, request, ret, &stale, err);
	if (r < 0 && stale && request->body_fd <= 0 && !request->produce) {
		http_free(take_ptr(http));
		r = connect_new(a, &http, err);
		if (r == 0)
			r = http_send(http, request, ret, &stale, err);
	}
	if (r < 0)
		return r;
	*ret_http = take_ptr(http);
	return 0;
}

static int status_errno(int status)
{
	switch (status) {
	case 400:
		return EINVAL;
	case 401:
	case 403:
		return EACCES;
	case 404:
		return ENOENT;
	case 409:
		return EBUSY;
	case 501:
		return EOPNOTSUPP;
	default:
		return EIO;
	}
}

/* The engine's message, or what the status says by itself. */
static int read_failure(struct http *http, const struct http_response *response, struct error *err)
{
	auto_strbuf body = STRBUF_INIT(ERROR_BODY_MAX);
	auto_json *document = NULL;
	const char *message = NULL;
	struct error ignored;
	int errnum = status_errno(response->status);

	if (http_read_all(http, &body, &ignored) == 0 &&
	    json_parse(strbuf_text(&body), body.len, ERROR_BODY_MAX, "answer", &document,
		       &ignored) == 0 &&
	    json_get_string(document, "message", &message, &ignored) == 0 && message)
		return error_say(err, errnum, "%s", message);
	return error_say(err, errnum, "the engine answered with status %d", response->status);
}

int api_open(struct api *a, const struct http_request *request, struct http **ret_http,
	     struct http_response *ret_response, struct error *err)
{
	struct http *http = NULL;

	int64_t began = a->trace ? clock_monotonic() : 0;

	*ret_response = (struct http_response){};
	int r = send_any(a, request, &http, ret_response, err);
	if (a->trace)
		(void)fprintf(stderr, "berth: %s %s: %d after %.1f ms\n", request->method,
			      request->target, r < 0 ? r : ret_response->status,
			      (double)(clock_monotonic() - began) / 1e6);
	if (r < 0)
		return r;
	if (ret_response->status >= 400) {
		r = read_failure(http, ret_response, err);
		api_close(a, http);
		return r;
	}
	*ret_http = http;
	return 0;
}

void api_close(struct api *a, struct http *http)
{
	if (http && http_reusable(http) && !a->idle)
		a->idle = http;
	else
		http_free(http);
}

static int read_document(struct http *http, struct json_object **ret, struct error *err)
{
	auto_strbuf body = STRBUF_INIT(API_BODY_MAX);

	int r = http_read_all(http, &body, err);
	if (r < 0 || !ret)
		return r;
	/* a bare null is an answer too: an empty list from Docker's engine */
	if (body.len == 0 || strncmp(strbuf_text(&body), "null", 4) == 0)
		return 0;
	return json_parse(body.data, body.len, API_BODY_MAX, "the engine's answer", ret, err);
}

int api_json(struct api *a, const char *method, const char *target, struct json_object *body,
	     int timeout_ms, struct json_object **ret, struct error *err)
{
	auto_free char *text = body ? json_text(body) : NULL;
	const struct http_request request = {
		.method = method,
		.target = target,
		.body = text,
		.body_len = text ? strlen(text) : 0,
		.timeout_ms = timeout_ms,
	};
	struct http_response response;
	struct http *http = NULL;

	int r = api_open(a, &request, &http, &response, err);
	if (r < 0)
		return r;
	r = read_document(http, ret, err);
	api_close(a, http);
	return r < 0 ? r : response.status == 304;
}

int api_get(struct api *a, const char *target, struct json_object **ret, struct error *err)
{
	return api_json(a, "GET", target, NULL, API_TIMEOUT_MS, ret, err);
}

int api_post(struct api *a, const char *target, struct json_object *body, int timeout_ms,
	     struct error *err)
{
	return api_json(a, "POST", target, body, timeout_ms, NULL, err);
}
