/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "api/uri.h"

/**
 * DOC: Routes
 *
 * A route is a method and a pattern: literal segments and parameters, as in
 * "/containers/{id}/json". A parameter written "{name*}" takes one segment or more and is joined by
 * '/' again (names of images have slashes); a pattern has at most one of them. The first route of
 * the table that matches wins, so literal patterns stand before patterns with parameters.
 */

struct http_request;

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_DELETE, HTTP_METHOD_COUNT };

/* Where a handler runs and how it gets the request's body. */
enum http_route_flags {
	/* The body is read by http_body_read() while it comes in; the handler has its own thread.
	 */
	HTTP_BODY_STREAM = 1 << 0,
	/* The handler may call http_stream_begin(); it has its own thread. */
	HTTP_REPLY_STREAM = 1 << 1,
	/* Any body is dropped unread: none is defined, but some clients send one. */
	HTTP_BODY_NONE = 1 << 2,
};

/**
 * http_handler - answer one request
 * @rq:      the request; must be answered by exactly one of the http_reply_*() functions,
 *           http_stream_begin() or http_upgrade()
 * @context: as given to the server
 *
 * Return: 0 where it is answered, or a negative errno with @err filled: the request is then
 *         answered by that error, unless it was answered already.
 */
typedef int http_handler(struct http_request *rq, void *context, struct error *err);

struct http_route {
	enum http_method method;
	unsigned int flags;
	const char *pattern;
	http_handler *handle;
};

#define ROUTE_PARAMS_MAX 3

/* What a matched pattern's parameters stood for. */
struct route_params {
	size_t count;
	struct {
		const char *name; /* points into the pattern, ends before '}' or '*' */
		size_t name_len;
		char *value;
	} items[ROUTE_PARAMS_MAX];
};

void route_params_done(struct route_params *p);
/* The value of parameter @name, or NULL. */
const char *route_param(const struct route_params *p, const char *name);

/* Reads a method's name; false where it is none of those that are served. */
bool http_method_parse(const char *name, enum http_method *ret);

enum route_result { ROUTE_FOUND, ROUTE_NOT_FOUND, ROUTE_WRONG_METHOD };

/**
 * route_find() - find the route for a method and a path
 * @routes: the table
 * @count:  its length
 * @method: HTTP_HEAD also finds routes for HTTP_GET
 * @path:   decoded segments
 * @ret:    receives the route where ROUTE_FOUND is returned
 * @params: receives its parameters then; released by route_params_done()
 */
enum route_result route_find(const struct http_route *routes, size_t count, enum http_method method,
			     const struct strv *path, const struct http_route **ret,
			     struct route_params *params);
