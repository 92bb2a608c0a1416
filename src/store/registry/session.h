/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "oci/auth.h"
#include "store/registry/challenge.h"
#include "store/registry/client.h"
#include "store/registry/http.h"
#include "store/registry/url.h"

/**
 * DOC: A conversation with one registry
 *
 * Opened for one pull or push: finds out how the registry is spoken to (https, or http where that
 * is allowed) and how it wants its clients to identify themselves, then sends requests with what it
 * takes, following redirects and repeating what a broken connection or a busy server spoiled. The
 * threads of the operation share the session; each has a `struct http` of its own.
 *
 * Where credentials go: username and password (or the identity token) to the registry's origin
 * itself for Basic, and for Bearer to its token server if that is the same origin, or https on the
 * same site, or on the operator's list. The access token goes to the registry's origin alone. What
 * a redirect or a Location names gets none of them.
 *
 * Which URLs are asked at all: https ones; http ones only at the registry's own origin, or on the
 * loopback interface where the registry is there too, or at hosts the operator calls insecure.
 */
struct session {
	struct registry_client *client;
	struct origin origin;
	char *base; /* "https://host:port" */
	char *domain;
	struct auth auth;
	atomic_bool cancelled;

	pthread_mutex_t lock;
	struct challenge challenge; /* what the registry asks for; empty: nothing */
	char *token;                /* access token for @scope, or NULL */
	char *scope;
};

/**
 * session_open() - begin to speak with a registry
 * @domain: a reference's domain
 * @auth:   copied; NULL or empty: anonymous
 * @scope:  for Bearer: "repository:library/debian:pull"; several are separated by blanks; copied
 * @http:   the calling thread's handle
 */
must_check int session_open(struct session *s, struct registry_client *client, const char *domain,
			    const struct auth *auth, const char *scope, struct http *http,
			    struct error *err);
/* Zeroed or opened sessions; no request may be under way. */
void session_done(struct session *s);

/* A handle for one more thread of the session. */
struct http *session_http(struct session *s);

/**
 * session_url() - "https://host/v2/<path>", malloc'ed
 * @fmt: of what stands behind "/v2/"
 */
char *session_url(const struct session *s, const char *fmt, ...) printf_like(2, 3);

/**
 * session_request() - send a request and follow it to its end
 * @request: url: absolute; the authorization is filled in here; GET and HEAD follow redirects
 * @repeat:  whether to repeat it after a broken exchange or a status that says "later"
 * @ret:     receives the answer: any status but those dealt with here
 *
 * Return: 0; -EACCES where credentials are missing or refused; -EBADMSG where the server leads
 *         nowhere or where it must not; else as http_perform().
 */
must_check int session_request(struct session *s, struct http *http,
			       const struct http_request *request, bool repeat,
			       struct http_answer *ret, struct error *err);

/**
 * session_complain() - the error of an answer that is not what was hoped for
 * @what: the act, such as "get manifest debian:13"
 *
 * The registry's own words are added, made printable and cut.
 *
 * Return: negative errno by the status: -ENOENT, -EACCES, -EAGAIN (busy), -EPROTO...
 */
int session_complain(const struct http_answer *a, struct error *err, const char *what);

/* Statuses that pass: 408, 429 and 500 to 504. */
bool session_is_busy(const struct http_answer *a);

/**
 * session_wait() - the pause before another attempt
 * @attempt:       0 for the first repetition
 * @retry_after_s: what the server asked for; 0: nothing
 *
 * Return: false where the session was cancelled.
 */
bool session_wait(struct session *s, unsigned attempt, int retry_after_s);

/* Whether the session may ask this URL at all; -EBADMSG where it may not. */
must_check int session_may_ask(const struct session *s, const struct origin *o, struct error *err);
