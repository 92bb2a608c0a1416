/* SPDX-License-Identifier: Apache-2.0 */
#include "store/registry/http.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/registry/tls.h"
#include "store/registry/url.h"

#define BUFFER_BYTES (512L << 10)
/* Fewer bytes a second than this count as a stall. */
#define STALL_BYTES_PER_S 64L

struct http {
	CURL *curl;
	const struct http_limits *limits;
	const atomic_bool *cancelled;
	char message[CURL_ERROR_SIZE];
};

/* One exchange under way. */
struct exchange {
	struct http *http;
	const struct http_request *request;
	struct http_answer *answer;
	size_t header_bytes;
	uint64_t sent;
	bool begun;
	int failure; /* of the sink or a cap; 0: none */
	struct error *err;
};

void http_answer_done(struct http_answer *a)
{
	free(a->type);
	free(a->encoding);
	free(a->location);
	free(a->digest);
	free(a->content_range);
	free(a->range);
	free(a->link);
	strv_done(&a->challenges);
	strbuf_done(&a->body);
	*a = (struct http_answer){ .length = -1 };
}

struct http *http_new(const struct http_limits *limits, const atomic_bool *cancelled)
{
	struct http *http = xnew(struct http);

	http->curl = curl_easy_init();
	if (!http->curl)
		abort();
	http->limits = limits;
	http->cancelled = cancelled;
	return http;
}

void http_free(struct http *http)
{
	if (!http)
		return;
	curl_easy_cleanup(http->curl);
	free(http);
}

bool http_is_transient(int r)
{
	return r == -ECONNRESET || r == -ETIMEDOUT || r == -ECONNREFUSED;
}

/* A status line starts a new answer: what an interim one (1xx) said does not count. */
static void restart_answer(struct exchange *x)
{
	http_answer_done(x->answer);
	strbuf_init(&x->answer->body,
		    x->request->body_cap ? x->request->body_cap : HTTP_COMPLAINT_MAX);
}

static void keep_type(struct http_answer *a, const char *value)
{
	size_t len = strcspn(value, "; \t");

	free(a->type);
	a->type = xstrndup(value, len);
	for (char *c = a->type; *c; c++)
		*c = (char)tolower((unsigned char)*c);
}

static int64_t number_or(const char *text, int64_t otherwise)
{
	char *end = NULL;

	errno = 0;
	long long value = strtoll(text, &end, 10);
	return errno || end == text || *end || value < 0 ? otherwise : value;
}

static void keep_header(struct http_answer *a, const char *name, const char *value)
{
	const struct {
		const char *name;
		char **at;
	} texts[] = {
		{ "content-encoding", &a->encoding },
		{ "location", &a->location },
		{ "docker-content-digest", &a->digest },
		{ "content-range", &a->content_range },
		{ "range", &a->range },
		{ "link", &a->link },
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (strcasecmp(name, texts[i].name) != 0)
			continue;
		free(*texts[i].at);
		*texts[i].at = xstrdup(value);
	}
	if (strcasecmp(name, "content-type") == 0)
		keep_type(a, value);
	else if (strcasecmp(name, "content-length") == 0)
		a->length = number_or(value, -1);
	else if (strcasecmp(name, "www-authenticate") == 0)
		strv_add(&a->challenges, value);
	else if (strcasecmp(name, "retry-after") == 0)
		a->retry_after_s = (int)(number_or(value, 0) % INT_MAX);
}

static size_t on_header(char *data, size_t size, size_t count, void *context)
{
	struct exchange *x = context;
	size_t len = size * count;

	x->header_bytes += len;
	if (x->header_bytes > HTTP_HEADERS_MAX) {
		x->failure = error_say(x->err, EFBIG, "the answer's headers are too large");
		return 0;
	}
	if (len > 5 && strncmp(data, "HTTP/", 5) == 0) {
		restart_answer(x);
		return len;
	}
	const char *colon = memchr(data, ':', len);
	if (!colon)
		return len;

	auto_free char *name = xstrndup(data, (size_t)(colon - data));
	const char *value = colon + 1;
	const char *end = data + len;
	while (value < end && isspace((unsigned char)*value))
		value++;
	while (end > value && isspace((unsigned char)end[-1]))
		end--;
	auto_free char *text = xstrndup(value, (size_t)(end - value));
	keep_header(x->answer, name, text);
	return len;
}

static bool is_content(long status)
{
	return status == 200 || status == 206;
}

static int begin_body(struct exchange *x)
{
	long status = 0;

	x->begun = true;
	(void)curl_easy_getinfo(x->http->curl, CURLINFO_RESPONSE_CODE, &status);
	x->answer->status = (int)status;
	if (is_content(status) && x->request->begin)
		return x->request->begin(x->request->context, x->answer, x->err);
	return 0;
}

static int take_body(struct exchange *x, const char *data, size_t len)
{
	int r = x->begun ? 0 : begin_body(x);
	if (r < 0)
		return r;

	if (!is_content(x->answer->status)) {
		/* a complaint is cut, not refused; the rest of it is of no use */
		size_t room = HTTP_COMPLAINT_MAX - x->answer->body.len;
		x->answer->body.cap = HTTP_COMPLAINT_MAX;
		strbuf_add(&x->answer->body, data, len < room ? len : room);
		return len <= room ? 0 : 1;
	}
	if (x->request->sink)
		return x->request->sink(x->request->context, data, len, x->err);
	strbuf_add(&x->answer->body, data, len);
	if (x->answer->body.overflow)
		return error_say(x->err, EFBIG, "the answer has more than the %zu bytes allowed",
				 x->answer->body.cap);
	return 0;
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
	struct exchange *x = context;
	int r = take_body(x, data, size * count);

	if (r != 0)
		x->failure = r;
	return r == 0 ? size * count : 0;
}

static size_t on_send(char *data, size_t size, size_t count, void *context)
{
	struct exchange *x = context;
	const struct http_request *q = x->request;
	size_t len = size * count;

	if (len > q->body_size - x->sent)
		len = (size_t)(q->body_size - x->sent);
	if (q->body) {
		memcpy(data, (const char *)q->body + x->sent, len);
	} else if (len > 0) {
		ssize_t n = pread(q->body_fd, data, len, (off_t)(q->body_offset + x->sent));
		if (n <= 0) {
			x->failure = error_set(x->err, n < 0 ? errno : EIO, "read what is sent");
			return CURL_READFUNC_ABORT;
		}
		len = (size_t)n;
	}
	x->sent += len;
	if (q->sent)
		q->sent(q->context, x->sent);
	return len;
}

static int on_progress(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total,
		       curl_off_t up)
{
	const struct exchange *x = context;

	(void)total;
	(void)now;
	(void)up_total;
	(void)up;
	return x->http->cancelled && atomic_load(x->http->cancelled);
}

static void set_deadlines(struct http *http, const struct http_request *q)
{
	const struct http_limits *l = http->limits;
	bool streams = q->sink || q->body_size > 0;

	(void)curl_easy_setopt(http->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)l->connect_timeout_ms);
	(void)curl_easy_setopt(http->curl, CURLOPT_TIMEOUT_MS,
			       streams ? 0L : (long)l->answer_timeout_ms);
	(void)curl_easy_setopt(http->curl, CURLOPT_LOW_SPEED_LIMIT, STALL_BYTES_PER_S);
	(void)curl_easy_setopt(http->curl, CURLOPT_LOW_SPEED_TIME,
			       (long)(l->stall_timeout_ms + 999) / 1000);
}

static void set_method(struct http *http, const struct http_request *q)
{
	CURL *curl = http->curl;

	if (strcmp(q->method, "HEAD") == 0) {
		(void)curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	} else if (q->body_size > 0) {
		(void)curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
		(void)curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)q->body_size);
		(void)curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, BUFFER_BYTES);
	} else if (strcmp(q->method, "GET") != 0) {
		(void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, 0L);
		(void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
	}
	if (strcmp(q->method, "GET") != 0 && strcmp(q->method, "HEAD") != 0)
		(void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, q->method);
}

static void set_callbacks(struct exchange *x)
{
	CURL *curl = x->http->curl;

	(void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, x);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, x);
	(void)curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_send);
	(void)curl_easy_setopt(curl, CURLOPT_READDATA, x);
	(void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	(void)curl_easy_setopt(curl, CURLOPT_XFERINFODATA, x);
	(void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	(void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, x->http->message);
}

/* Everything that holds for each request; curl's options start from their defaults. */
static int set_basics(struct http *http, const struct http_request *q, struct error *err)
{
	CURL *curl = http->curl;
	struct origin origin;

	int r = url_origin(q->url, &origin, err);
	if (r < 0)
		return r;
	curl_easy_reset(curl);
	(void)curl_easy_setopt(curl, CURLOPT_URL, q->url);
	(void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	(void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	(void)curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, BUFFER_BYTES);
	(void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "berth/" BERTH_VERSION);
	if (host_is_loopback(origin.host))
		(void)curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	if (q->range_from > 0) {
		char range[32];
		(void)snprintf(range, sizeof(range), "%llu-", (unsigned long long)q->range_from);
		(void)curl_easy_setopt(curl, CURLOPT_RANGE, range);
	}
	set_deadlines(http, q);
	set_method(http, q);
	if (!origin.tls)
		return 0;
	return tls_set(curl, http->limits->certs_dir, &origin,
		       http->limits->insecure && host_is_listed(http->limits->insecure, &origin),
		       err);
}

static struct curl_slist *add_header(struct curl_slist *list, const char *text)
{
	struct curl_slist *longer = curl_slist_append(list, text);

	if (!longer)
		abort();
	return longer;
}

static void slist_p(struct curl_slist **list)
{
	curl_slist_free_all(*list);
}

/* What curl would add by itself is switched off: it waits for 100, and guesses a type. */
static struct curl_slist *list_headers(const struct http_request *q)
{
	struct curl_slist *list = add_header(NULL, "Expect:");
	bool typed = false;

	for (size_t i = 0; q->headers && q->headers[i]; i++) {
		list = add_header(list, q->headers[i]);
		typed = typed || strncasecmp(q->headers[i], "Content-Type:", 13) == 0;
	}
	if (!typed)
		list = add_header(list, "Content-Type:");
	if (q->authorization) {
		auto_free char *text = xasprintf("Authorization: %s", q->authorization);
		list = add_header(list, text);
		explicit_bzero(text, strlen(text));
	}
	return list;
}

static int errno_of(CURL *curl, CURLcode code)
{
	long os = 0;

	switch (code) {
	case CURLE_ABORTED_BY_CALLBACK:
		return ECANCELED;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return EHOSTUNREACH;
	case CURLE_COULDNT_CONNECT:
		(void)curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &os);
		return os ? (int)os : ECONNREFUSED;
	case CURLE_OPERATION_TIMEDOUT:
		return ETIMEDOUT;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_ISSUER_ERROR:
		return EKEYREJECTED;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
		return EPROTO;
	default:
		return ECONNRESET;
	}
}

/* What curl's result means; the text is curl's own, which names host and cause. */
static int judge(const struct exchange *x, CURLcode code)
{
	struct http *http = x->http;

	if (x->failure < 0)
		return x->failure;
	if (code == CURLE_OK || x->failure > 0)
		return 0;
	int number = errno_of(http->curl, code);
	const char *text = http->message[0] ? http->message : curl_easy_strerror(code);
	return error_say(x->err, number, "%s", number == ECANCELED ? "it was cancelled" : text);
}

int http_perform(struct http *http, const struct http_request *request, struct http_answer *ret,
		 struct error *err)
{
	struct exchange x = { .http = http, .request = request, .answer = ret, .err = err };
	auto_(slist_p) struct curl_slist *headers = NULL;

	restart_answer(&x);
	int r = set_basics(http, request, err);
	if (r < 0)
		return r;
	headers = list_headers(request);
	(void)curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, headers);
	set_callbacks(&x);
	http->message[0] = '\0';

	r = judge(&x, curl_easy_perform(http->curl));
	if (r < 0)
		return r;
	/* an empty body has not begun yet */
	return x.begun ? 0 : begin_body(&x);
}
