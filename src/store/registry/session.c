/* SPDX-License-Identifier: Apache-2.0 */
#include "store/registry/session.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "oci/reference.h"
#include "store/registry/tls.h"
#include "store/registry/token.h"

#define DOCKER_HUB_HOST "registry-1.docker.io"
#define REDIRECTS_MAX 5
#define REPETITIONS_MAX 4
#define BACKOFF_MAX_MS 20000
#define PING_MAX (64u << 10)

static void make_printable(char *text, size_t size, const char *from)
{
	size_t n = 0;

	for (; from[n] && n + 1 < size; n++)
		text[n] = isprint((unsigned char)from[n]) ? from[n] : '?';
	text[n] = '\0';
}

/* {"errors":[{"code":…,"message":…}]}: the first one's words, or "" where there are none. */
static void complaint_text(const struct http_answer *a, char *ret, size_t size)
{
	auto_json *o = NULL;
	struct json_object *errors = NULL;
	const char *text = NULL;

	ret[0] = '\0';
	if (a->body.len == 0 ||
	    json_parse(a->body.data, a->body.len, HTTP_COMPLAINT_MAX, "complaint", &o, NULL) < 0)
		return;
	if (json_get_array(o, "errors", &errors, NULL) < 0 || !errors)
		return;
	struct json_object *first = json_object_array_get_idx(errors, 0);
	if (json_get_string(first, "message", &text, NULL) < 0 || !text || !text[0])
		if (json_get_string(first, "code", &text, NULL) < 0 || !text)
			return;
	make_printable(ret, size, text);
}

int session_complain(const struct http_answer *a, struct error *err, const char *what)
{
	char text[200];
	int number = a->status == 404                       ? ENOENT
		     : a->status == 401 || a->status == 403 ? EACCES
		     : a->status == 405 || a->status == 501 ? ENOTSUP
		     : a->status == 413                     ? EFBIG
		     : session_is_busy(a)                   ? EAGAIN
							    : EPROTO;

	complaint_text(a, text, sizeof(text));
	return error_say(err, number, "%s: the registry answered %d%s%s", what, a->status,
			 text[0] ? ": " : "", text);
}

bool session_is_busy(const struct http_answer *a)
{
	return a->status == 408 || a->status == 429 || (a->status >= 500 && a->status <= 504);
}

bool session_wait(struct session *s, unsigned attempt, int retry_after_s)
{
	int64_t pause_ms = (int64_t)s->client->backoff_ms << (attempt < 10 ? attempt : 10);

	if (pause_ms < 1000LL * retry_after_s)
		pause_ms = 1000LL * retry_after_s;
	if (pause_ms > BACKOFF_MAX_MS)
		pause_ms = BACKOFF_MAX_MS;
	int64_t until = clock_monotonic() + pause_ms * NSEC_PER_MSEC;
	while (!atomic_load(&s->cancelled)) {
		int64_t left = (until - clock_monotonic()) / NSEC_PER_MSEC;
		if (left <= 0)
			return true;
		(void)poll(NULL, 0, left < 100 ? (int)left : 100);
	}
	return false;
}

char *session_url(const struct session *s, const char *fmt, ...)
{
	char text[2048];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return xasprintf("%s/v2/%s", s->base, text);
}

struct http *session_http(struct session *s)
{
	return http_new(&s->client->limits, &s->cancelled);
}

int session_may_ask(const struct session *s, const struct origin *o, struct error *err)
{
	if (o->tls || origin_equal(o, &s->origin) || host_is_listed(&s->client->insecure, o))
		return 0;
	if (!s->origin.tls && host_is_loopback(s->origin.host) && host_is_loopback(o->host))
		return 0;
	return error_say(err, EBADMSG,
			 "registry %s leads to http://%s:%u: plain http is not allowed there",
			 s->domain, o->host, o->port);
}

/* The header for a request to the registry itself; NULL where it needs none. */
static int authorize(struct session *s, struct http *http, char **ret, struct error *err)
{
	int r = 0;

	(void)pthread_mutex_lock(&s->lock);
	if (s->challenge.bearer || s->auth.registry_token) {
		if (!s->token)
			r = token_fetch(s, http, &s->token, err);
		if (r == 0)
			*ret = xasprintf("Bearer %s", s->token);
	} else if (s->challenge.basic && s->auth.username) {
		*ret = token_basic(&s->auth);
	}
	(void)pthread_mutex_unlock(&s->lock);
	return r;
}

/* After a 401: whether another try with a new token makes sense. */
static bool renew(struct session *s, const struct http_answer *a, const char *refused)
{
	auto_challenge challenge = {};
	bool again = false;

	for (size_t i = 0; i < a->challenges.count; i++)
		(void)challenge_parse(a->challenges.items[i], &challenge);
	(void)pthread_mutex_lock(&s->lock);
	if (challenge.bearer && challenge.realm && !s->auth.registry_token) {
		/* another thread may have got a new one meanwhile */
		bool current =
			s->token && refused && strcmp(refused + strlen("Bearer "), s->token) == 0;
		if (current || !s->token) {
			secret_free(take_ptr(s->token));
			challenge_done(&s->challenge);
			s->challenge = take_struct(challenge);
		}
		again = true;
	} else if (challenge.basic && !s->challenge.basic && s->auth.username) {
		s->challenge.basic = true;
		again = true;
	}
	(void)pthread_mutex_unlock(&s->lock);
	return again;
}

static bool is_redirect(const struct http_request *q, const struct http_answer *a)
{
	bool reads = strcmp(q->method, "GET") == 0 || strcmp(q->method, "HEAD") == 0;

	return reads && a->location &&
	       (a->status == 301 || a->status == 302 || a->status == 303 || a->status == 307 ||
		a->status == 308);
}

/* What one request needs on its way through redirects and challenges. */
struct journey {
	char *url;
	char *authorization;
	unsigned redirects;
	bool renewed;
};

static void journey_done(struct journey *j)
{
	free(j->url);
	secret_free(j->authorization);
}

/* Where the next hop leads: 1 to go there, 0 where the answer is the end, or a negative errno. */
static int next_hop(struct session *s, const struct http_request *q, struct journey *j,
		    const struct http_answer *a, struct error *err)
{
	if (a->status == 401) {
		if (j->redirects == 0 && !j->renewed && renew(s, a, j->authorization)) {
			j->renewed = true;
			return 1;
		}
		return error_say(err, EACCES, "registry %s: %s", s->domain,
				 auth_is_empty(&s->auth) ? "it wants a login"
							 : "it refuses the credentials");
	}
	if (!is_redirect(q, a))
		return 0;
	if (++j->redirects > REDIRECTS_MAX)
		return error_say(err, EBADMSG, "registry %s redirects more than %d times",
				 s->domain, REDIRECTS_MAX);
	char *next = NULL;
	int r = url_resolve(j->url, a->location, &next, err);
	if (r < 0)
		return error_prefix(err, "registry %s redirects", s->domain);
	free(j->url);
	j->url = next;
	return 1;
}

static int travel(struct session *s, struct http *http, const struct http_request *q,
		  struct http_answer *ret, struct error *err)
{
	auto_(journey_done) struct journey j = { .url = xstrdup(q->url) };

	for (;;) {
		struct origin o;
		int r = url_origin(j.url, &o, err);
		if (r == 0)
			r = session_may_ask(s, &o, err);
		if (r < 0)
			return r;

		secret_free(take_ptr(j.authorization));
		if (origin_equal(&o, &s->origin))
			r = authorize(s, http, &j.authorization, err);
		if (r < 0)
			return r;
		struct http_request hop = *q;
		hop.url = j.url;
		hop.authorization = j.authorization;
		r = http_perform(http, &hop, ret, err);
		if (r < 0)
			return r;
		r = next_hop(s, q, &j, ret, err);
		if (r <= 0)
			return r;
	}
}

int session_request(struct session *s, struct http *http, const struct http_request *request,
		    bool repeat, struct http_answer *ret, struct error *err)
{
	for (unsigned attempt = 0;; attempt++) {
		struct error failure = {};
		int r = travel(s, http, request, ret, &failure);
		bool spoiled = r < 0 ? http_is_transient(r) : session_is_busy(ret);
		bool last = !repeat || attempt == REPETITIONS_MAX || !spoiled;
		if (!last && session_wait(s, attempt, r < 0 ? 0 : ret->retry_after_s))
			continue;
		if (r < 0 && err)
			*err = failure;
		return r;
	}
}

/* Asks "/v2/" once, by one scheme. */
static int ping(struct session *s, struct http *http, struct http_answer *ret, struct error *err)
{
	auto_free char *url = session_url(s, "%s", "");
	struct http_request request = { .method = "GET", .url = url, .body_cap = PING_MAX };

	for (unsigned attempt = 0;; attempt++) {
		int r = http_perform(http, &request, ret, err);
		bool spoiled = r == -ECONNRESET || (r == 0 && session_is_busy(ret));
		if (!spoiled || attempt == REPETITIONS_MAX ||
		    !session_wait(s, attempt, r < 0 ? 0 : ret->retry_after_s))
			return r;
	}
}

static void set_origin(struct session *s, const char *host, bool tls, struct error *err)
{
	free(s->base);
	s->base = xasprintf("%s://%s", tls ? "https" : "http", host);
	/* a reference's domain is a valid host: its grammar says so */
	if (url_origin(s->base, &s->origin, err) < 0)
		s->origin = (struct origin){ .tls = true };
}

/* What the ping says: 0 where a registry is there, 1 where something else is. */
static int judge_ping(struct session *s, const struct http_answer *a)
{
	if (a->status == 200)
		return 0;
	if (a->status != 401)
		return 1;
	for (size_t i = 0; i < a->challenges.count; i++)
		(void)challenge_parse(a->challenges.items[i], &s->challenge);
	return 0;
}

static int try_scheme(struct session *s, const char *host, bool tls, struct http *http,
		      struct error *err)
{
	auto_http_answer answer = {};

	set_origin(s, host, tls, err);
	int r = ping(s, http, &answer, err);
	if (r < 0)
		return r;
	if (judge_ping(s, &answer) == 0)
		return 0;
	return session_complain(&answer, err, "is there a registry?");
}

/*
 * Which schemes to try, in order. The loopback interface is asked by http first, since nobody can
 * listen there and a plain server may not understand a TLS greeting; hosts that the operator calls
 * insecure by https first, as Docker does. A host whose certificates he has set up is asked by
 * https only.
 */
static size_t list_schemes(const struct session *s, const char *host, bool ret[2],
			   struct error *err)
{
	struct session probe = { .client = s->client };

	set_origin(&probe, host, true, err);
	bool loopback = host_is_loopback(probe.origin.host);
	bool insecure = host_is_listed(&s->client->insecure, &probe.origin);
	bool configured = tls_is_configured(s->client->certs_dir, &probe.origin);
	free(probe.base);

	ret[0] = !loopback || configured;
	ret[1] = !ret[0];
	return (loopback && !configured) || insecure ? 2 : 1;
}

static int find_registry(struct session *s, struct http *http, struct error *err)
{
	const char *host =
		strcmp(s->domain, REFERENCE_DEFAULT_DOMAIN) == 0 ? DOCKER_HUB_HOST : s->domain;
	bool schemes[2];
	size_t count = list_schemes(s, host, schemes, err);
	struct error first = {};

	for (size_t i = 0; i < count; i++) {
		struct error failure = {};
		int r = try_scheme(s, host, schemes[i], http, &failure);
		if (r == 0)
			return 0;
		/* who shows a wrong certificate is there, and is not asked without one */
		if (i == 0 || r == -EKEYREJECTED)
			first = failure;
		if (r == -EKEYREJECTED || r == -ECANCELED || r == -EHOSTUNREACH)
			break;
	}
	if (err)
		*err = first;
	return error_prefix(err, "ask registry %s", s->domain);
}

int session_open(struct session *s, struct registry_client *client, const char *domain,
		 const struct auth *auth, const char *scope, struct http *http, struct error *err)
{
	s->client = client;
	s->domain = xstrdup(domain);
	s->scope = xstrdup(scope);
	if (auth && !auth_is_empty(auth)) {
		auto_free char *owner =
			registry_domain_of_server(auth->server ? auth->server : domain);
		if (auth->server && strcmp(owner, domain) != 0)
			return error_say(err, EACCES, "the credentials are for %s, not for %s",
					 owner, domain);
		auth_copy(&s->auth, auth);
	}
	(void)pthread_mutex_init(&s->lock, NULL);
	if (s->auth.registry_token) {
		int r = token_check(s->auth.registry_token, err);
		if (r < 0)
			return r;
		s->token = xstrdup(s->auth.registry_token);
	}
	return find_registry(s, http, err);
}

void session_done(struct session *s)
{
	if (!s->domain)
		return;
	free(s->base);
	free(s->domain);
	auth_done(&s->auth);
	challenge_done(&s->challenge);
	secret_free(s->token);
	free(s->scope);
	(void)pthread_mutex_destroy(&s->lock);
}
