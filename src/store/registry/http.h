/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/strbuf.h"
#include "base/strv.h"

/**
 * DOC: One HTTP exchange
 *
 * A `struct http` is one connection's owner (a curl handle): it belongs to one thread and keeps the
 * connection for the next request. It sends exactly what it is told to: it follows no redirect,
 * answers no challenge, reads no .netrc, keeps no cookies and decodes nothing; those are decisions
 * of session.c. Certificates are those of the host asked, see http_new().
 *
 * Answers are bounded: headers to HTTP_HEADERS_MAX, a body to what the caller allows.
 */
struct http;

#define HTTP_HEADERS_MAX (64u << 10)
/* Of an answer that tells of a failure this much is kept for its text. */
#define HTTP_COMPLAINT_MAX (16u << 10)

struct http_limits {
	const char *certs_dir;       /* NULL: none */
	const struct strv *insecure; /* hosts whose certificates are not verified */
	int connect_timeout_ms;
	int answer_timeout_ms; /* whole exchange, where the body is not streamed */
	int stall_timeout_ms;
};

/**
 * http_new() - make a handle
 * @limits:    borrowed, outlive the handle
 * @cancelled: borrowed; once true, requests end with -ECANCELED; may be NULL
 *
 * For https to host:port, certificate authorities in <certs_dir>/<host[:port]>/ (*.crt) are trusted
 * beside the system's and a pair *.cert and *.key there is shown to the server.
 */
struct http *http_new(const struct http_limits *limits, const atomic_bool *cancelled);
void http_free(struct http *http);
DEFINE_AUTO(struct http, http_free);
#define auto_http auto_(http_freep) struct http

/* Gives the next piece of a body; 0 or a negative errno, which ends the exchange. */
typedef int (*http_sink_fn)(void *context, const void *data, size_t len, struct error *err);

struct http_answer;

struct http_request {
	const char *method; /* GET, HEAD, POST, PUT or PATCH */
	const char *url;
	const char *const *headers; /* "Name: value", NULL-terminated; NULL: none */
	const char *authorization;  /* whole value; NULL: none */
	uint64_t range_from;        /* GET: only the bytes from here on */

	const void *body; /* sent, where not NULL; else @body_fd */
	int body_fd;      /* sent from @body_offset, where body_size > 0 and @body is NULL */
	uint64_t body_offset;
	uint64_t body_size;
	void (*sent)(void *context, uint64_t done); /* how much of a body is out; may be NULL */

	http_sink_fn sink; /* gets the body of a 200 or 206; NULL: it is collected */
	/* called with the headers of a 200 or 206 before the sink's first byte; may be NULL */
	int (*begin)(void *context, const struct http_answer *answer, struct error *err);
	void *context;
	size_t body_cap; /* where it is collected; 0: HTTP_COMPLAINT_MAX */
};

/* Released by http_answer_done(). */
struct http_answer {
	int status;
	int64_t length;         /* of the body; -1: not told */
	char *type;             /* media type without parameters; NULL: not told, as below */
	char *encoding;         /* Content-Encoding */
	char *location;         /* as given */
	char *digest;           /* Docker-Content-Digest */
	char *content_range;    /* "bytes 5-9/10" */
	char *range;            /* "0-9" of an upload */
	char *link;             /* Link, of lists in pages */
	int retry_after_s;      /* 0: not told */
	struct strv challenges; /* each WWW-Authenticate */
	struct strbuf body;
};

void http_answer_done(struct http_answer *a);
#define auto_http_answer auto_(http_answer_done) struct http_answer

/**
 * http_perform() - send a request and receive its answer
 * @ret: receives the answer, whatever its status
 *
 * Return: 0; -ECANCELED; -EFBIG where the answer is larger than allowed; the sink's own; -EPROTO
 *         where TLS is not spoken or the answer is no HTTP; -EKEYREJECTED for a certificate;
 *         -EHOSTUNREACH where the name is not known; -ECONNREFUSED; -ETIMEDOUT; -ECONNRESET where
 *         the exchange broke.
 */
must_check int http_perform(struct http *http, const struct http_request *request,
			    struct http_answer *ret, struct error *err);

/* True for failures of http_perform() that another attempt may not meet. */
bool http_is_transient(int r);
