/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "api/router.h"
#include "base/error.h"

/**
 * DOC: HTTP
 *
 * HTTP/1.1 on a listening stream socket, over libmicrohttpd: one thread a connection, so handlers
 * block as they like and read top to bottom. A request that is answered whole runs its handler in
 * the connection's thread. A handler that streams, in or out (HTTP_BODY_STREAM, HTTP_REPLY_STREAM),
 * gets a thread of its own beside the connection's, with a bounded ring between the two:
 * back-pressure goes through to the client's socket in both directions.
 *
 * An upgraded connection (101) is given up by libmicrohttpd: the continuation gets an own duplicate
 * of the socket, may pass it to another process and closes it. Nothing shuts the socket down.
 *
 * What a peer can make grow has a cap: the head (HTTP_HEAD_MAX), a body that is read whole
 * (HTTP_BODY_MAX), connections (struct http_options). There is no timer: a connection that is
 * half-open or idle is closed when it is overdue *and* another one comes, or when places run out,
 * the oldest first. A request with both Content-Length and Transfer-Encoding, with either of them
 * twice, or with another coding than "chunked" is refused, and its connection closed.
 */

#define HTTP_HEAD_MAX (128 * 1024)
#define HTTP_BODY_MAX (4 * 1024 * 1024)

struct http_server;

struct http_options {
	int listen_fd; /* a duplicate is used; the caller keeps its own */
	const struct http_route *routes;
	size_t route_count;
	void *context; /* given to each handler */
	int api_minor; /* the API's version 1.N, told in each response */
	int api_minor_min;
	size_t connection_max; /* 0 takes 1024 */
	int head_timeout_s;    /* until a request is whole; 0 takes 15 */
	int idle_timeout_s;    /* between requests; 0 takes 300 */
};

must_check int http_server_start(const struct http_options *options, struct http_server **ret,
				 struct error *err);

/**
 * http_server_stop() - stop accepting, end what is under way, release the server
 * @timeout_ms: how long handlers may take to end; their clients are cut off first
 *
 * Upgraded connections that were passed on stay open. Return: false where handlers still ran after
 * the time: the server is then left as it is, and the process should end.
 */
bool http_server_stop(struct http_server *s, int timeout_ms);

/* ---- The request ---------------------------------------------------------------------------- */

/* N of the version 1.N that the client speaks; the newest one where it named none. */
int http_api_minor(const struct http_request *rq);

/* A parameter of the route's pattern; never NULL for a name that is in the pattern. */
const char *http_param(const struct http_request *rq, const char *name);

/* The query; see uri_query(), uri_query_bool(), uri_query_int(). */
const struct uri *http_uri(const struct http_request *rq);

/* The first header of a name (any case), or NULL. */
const char *http_header(const struct http_request *rq, const char *name);

/* CLOCK_MONOTONIC of the request's arrival. */
int64_t http_received_ns(const struct http_request *rq);

/**
 * http_body_json() - the body as a JSON object
 * @what: names it in errors
 * @ret:  receives the object, the caller's; NULL where the body is empty
 *
 * Return: 0, or -EINVAL (also where the content type says something else than JSON).
 */
must_check int http_body_json(struct http_request *rq, const char *what, struct json_object **ret,
			      struct error *err);

/**
 * http_body_read() - next bytes of a streamed body (HTTP_BODY_STREAM)
 *
 * Return: how many, 0 at the body's end, -ECONNRESET where the client went away before it.
 */
ssize_t http_body_read(struct http_request *rq, void *data, size_t len);

/**
 * http_body_feed() - give a streamed body piece by piece to a function that takes it
 * @take: called with each piece; a negative answer ends it
 * @what: names the body in errors
 */
must_check int http_body_feed(struct http_request *rq, const char *what,
			      int (*take)(void *arg, const void *data, size_t len,
					  struct error *err),
			      void *arg, struct error *err);

/* The client's socket, to be watched for a hang-up (POLLRDHUP) and nothing else. */
int http_client_fd(const struct http_request *rq);

/* True once the client has hung up. */
bool http_client_gone(const struct http_request *rq);

/* ---- The answer ----------------------------------------------------------------------------- */

/* Docker's status for an errno: -ENOENT 404, -EEXIST and -EBUSY 409, -EINVAL 400, ... */
unsigned int http_status_of(int code);

/* Answers with a JSON document, which is taken over. */
int http_reply_json(struct http_request *rq, unsigned int status, struct json_object *take);
/* Answers with bytes, copied. @type NULL leaves the content type out. */
int http_reply_bytes(struct http_request *rq, unsigned int status, const char *type,
		     const void *data, size_t len);
/* Answers without a body (204, 304, 200). */
int http_reply_empty(struct http_request *rq, unsigned int status);
/* Answers {"message": text} with a status of the caller's choice. */
int http_reply_error(struct http_request *rq, unsigned int status, const char *text);
/* Adds a header to the answer that follows. */
void http_add_header(struct http_request *rq, const char *name, const char *value);

/**
 * http_stream_begin() - answer with a head now and a chunked body as it is written
 *
 * The body ends when the handler returns: whole after 0, broken off (so that the client notices)
 * after a failure. While a streamed request body still comes in, the answer waits for its end, and
 * what is written before is kept up to HTTP_EARLY_MAX bytes.
 */
void http_stream_begin(struct http_request *rq, unsigned int status, const char *type);
#define HTTP_EARLY_MAX (1024 * 1024)

/* Writes and flushes; 0, -EPIPE once the client is gone, -ENOBUFS past HTTP_EARLY_MAX. */
must_check int http_stream_write(struct http_request *rq, const void *data, size_t len);
/* The same for one JSON document and a line's end; takes the document over. */
must_check int http_stream_json(struct http_request *rq, struct json_object *take);

/**
 * http_answer_bare() - answer 200 and go on with the bare connection, as Docker does without upgrade
 *
 * For handlers of routes with HTTP_REPLY_STREAM. What the client sent together with its request's
 * head is lost: such a client waits for the answer before it goes on. The connection is closed when
 * the handler returns.
 *
 * Return: the client's socket, which stays this layer's; -EPIPE or -ETIMEDOUT where the head could
 *         not be sent.
 */
int http_answer_bare(struct http_request *rq, const char *type);

/* True where the client asks to upgrade the connection. */
bool http_wants_upgrade(const struct http_request *rq);

/**
 * http_continuation - go on with an upgraded connection
 * @socket:  the client's; belongs to the continuation, which closes it
 * @pending: bytes that the client sent behind its request
 * @arg:     as given to http_upgrade()
 *
 * Runs in the connection's thread, after the 101 was sent; the request is no longer there.
 */
typedef void http_continuation(int socket, const void *pending, size_t pending_len, void *arg);

/**
 * http_upgrade() - answer with 101 and go on with the bare connection
 * @type:     content type of the stream
 * @arg:      given to @go_on
 * @free_arg: called when @arg is no longer needed, also where the client went away before
 */
int http_upgrade(struct http_request *rq, const char *type, http_continuation *go_on, void *arg,
		 void (*free_arg)(void *arg));
