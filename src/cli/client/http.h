/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/strbuf.h"

/**
 * DOC: HTTP/1.1, the client's side
 *
 * One `struct http` is one connection, over which requests go one after another (keep-alive). A
 * request's body is bytes in memory or a descriptor that is sent in chunks until its end; a
 * response's body is read with http_read() whatever its framing. A connection that was upgraded
 * (101) is handed out by http_take_socket() together with what was read too far.
 *
 * The engine is trusted no more than needed: head, header count and chunk lines are capped, two
 * framings at once are refused, and each wait has the deadline that its request names.
 */

#define HTTP_HEAD_MAX 32768

struct http;

struct http_request {
	const char *method;
	const char *target;       /* path and query, already escaped */
	const char *headers;      /* more header lines, each ended by "\r\n"; NULL = none */
	const char *content_type; /* NULL = application/json where there is a body */
	const void *body;
	size_t body_len;
	int body_fd; /* > 0: sent in chunks until its end; @body is not used then */
	/* makes the body by calls of http_body(); NULL = none. Its failure ends the request. */
	int (*produce)(struct http *h, void *arg, struct error *err);
	void *produce_arg;
	bool upgrade;   /* asks for a raw stream */
	int timeout_ms; /* for the whole exchange; 0 = no limit */
};

struct http_response {
	int status;
	bool berth;    /* the server says that it is Berth's engine */
	bool upgraded; /* the stream is raw from here on */
	char *head;    /* owned by the connection, valid until the next request */
};

/* Takes @fd over, a connected stream socket; @host goes into the Host header. */
struct http *http_new(int fd, const char *host);
void http_free(struct http *h);
DEFINE_AUTO(struct http, http_free);
#define auto_http auto_(http_freep) struct http

/**
 * http_send() - send a request and read the head of its response
 *
 * What was left of the response before is read and dropped first. A server that answers while the
 * body is still being sent ends the sending.
 *
 * Return: 0; -ECONNRESET where the server closed an idle connection (@ret_stale is then true: the
 *         request was not worked on and may be sent over a new connection); other negative errno.
 */
must_check int http_send(struct http *h, const struct http_request *request,
			 struct http_response *ret, bool *ret_stale, struct error *err);

/**
 * http_body() - add to a body, from @produce
 *
 * Return: 0; 1 where the server has answered already, so that the rest need not be made; or a
 *         negative errno.
 */
must_check int http_body(struct http *h, const void *data, size_t len, struct error *err);

/* Value of a header of the response, up to its line's end, copied to @ret; false where it is not
 * there or too long. Names are compared without case. */
bool http_header(const struct http_response *response, const char *name, char *ret, size_t room);

/* Reads some of the response's body; 0 at its end, negative errno with @err filled. */
must_check ssize_t http_read(struct http *h, void *data, size_t len, struct error *err);

/* Reads the rest of the body into @ret, whose cap is the most that is accepted (-EFBIG). */
must_check int http_read_all(struct http *h, struct strbuf *ret, struct error *err);

/* True where the body was read to its end and the server keeps the connection. */
bool http_reusable(const struct http *h);

/* Descriptor of the connection, for poll(2); stays the connection's. */
int http_socket(const struct http *h);

/* After an upgrade: gives the socket away, and the bytes that were read already. */
int http_take_socket(struct http *h, struct strbuf *ret_rest);
