/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/http/internal.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"

#define UPLOAD_RING (1024 * 1024)
#define THREAD_STACK (512 * 1024)

/* ---- A request's life ----------------------------------------------------------------------- */

void *http_on_target(void *server, const char *target, struct MHD_Connection *mhd)
{
	struct http_request *rq = xnew(struct http_request);

	rq->server = server;
	rq->mhd = mhd;
	rq->received_ns = clock_monotonic();
	/* one byte more than uri_parse() accepts, so that it sees what is too long */
	rq->target = xstrndup(target ? target : "", URI_TARGET_MAX + 1);
	strbuf_init(&rq->body, HTTP_BODY_MAX);
	pthread_mutex_init(&rq->lock, NULL);
	pthread_cond_init(&rq->answered, NULL);
	connection_enter(rq->server, connection_of(mhd), CONNECTION_FRESH);
	return rq;
}

static void upgrade_free(struct upgrade *u)
{
	if (u && u->free_arg)
		u->free_arg(u->arg);
	free(u);
}

static void request_free(struct http_request *rq)
{
	if (rq->response)
		MHD_destroy_response(rq->response);
	upgrade_free(rq->upgrade);
	ring_free(rq->upload);
	ring_free(rq->stream);
	strv_done(&rq->header_names);
	strv_done(&rq->header_values);
	strbuf_done(&rq->body);
	route_params_done(&rq->params);
	uri_done(&rq->uri);
	free(rq->target);
	pthread_cond_destroy(&rq->answered);
	pthread_mutex_destroy(&rq->lock);
	free(rq);
}

void http_on_completed(void *server, struct MHD_Connection *mhd, void **context,
		       enum MHD_RequestTerminationCode why)
{
	struct http_request *rq = *context;
	struct connection *c = connection_of(mhd);

	*context = NULL;
	if (rq) {
		if (rq->upload)
			ring_close_writer(rq->upload);
		if (rq->stream)
			ring_close_reader(rq->stream);
		if (rq->has_thread)
			pthread_join(rq->thread, NULL);
		request_free(rq);
	}
	if (why == MHD_REQUEST_TERMINATED_COMPLETED_OK && c && c->state != CONNECTION_GIVEN)
		connection_enter(server, c, CONNECTION_IDLE);
}

/* ---- Running the handler -------------------------------------------------------------------- */

static void run_handler(struct http_request *rq)
{
	struct error err = { 0 };
	int r = rq->route->handle(rq, rq->server->options.context, &err);

	/* only this thread answers, so it may look without the lock */
	if (rq->bare) {
		answer_bare_end(rq);
	} else if (rq->answer == ANSWER_NONE) {
		if (r < 0)
			(void)http_reply_error(rq, http_status_of(r), err.text);
		else
			(void)http_reply_error(rq, MHD_HTTP_INTERNAL_SERVER_ERROR,
					       "the request was not answered");
	}
	pthread_mutex_lock(&rq->lock);
	rq->stream_broken = r < 0;
	pthread_mutex_unlock(&rq->lock);
	if (rq->stream)
		ring_close_writer(rq->stream);
	if (rq->upload)
		ring_close_reader(rq->upload);
	server_work_end(rq->server);
}

static void *handler_thread(void *rq)
{
	run_handler(rq);
	return NULL;
}

static void start_handler(struct http_request *rq)
{
	pthread_attr_t attr;

	server_work_begin(rq->server);
	if (!(rq->route->flags & (HTTP_BODY_STREAM | HTTP_REPLY_STREAM))) {
		run_handler(rq);
		return;
	}
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, THREAD_STACK);
	int failed = pthread_create(&rq->thread, &attr, handler_thread, rq);
	pthread_attr_destroy(&attr);
	rq->has_thread = failed == 0;
	if (failed) {
		(void)http_reply_error(rq, MHD_HTTP_SERVICE_UNAVAILABLE,
				       "the engine has no thread left for this request");
		server_work_end(rq->server);
	}
}

/* Waits until the handler has answered, and gives the answer to libmicrohttpd. */
static enum MHD_Result send_answer(struct http_request *rq)
{
	pthread_mutex_lock(&rq->lock);
	while (rq->answer == ANSWER_NONE)
		pthread_cond_wait(&rq->answered, &rq->lock);
	struct MHD_Response *response = take_ptr(rq->response);
	pthread_mutex_unlock(&rq->lock);

	rq->ended = true;
	if (!response) /* answered already: the connection is closed */
		return MHD_NO;
	enum MHD_Result queued = MHD_queue_response(rq->mhd, rq->status, response);
	MHD_destroy_response(response);
	return queued;
}

/* ---- Looking at the head -------------------------------------------------------------------- */

struct framing {
	unsigned int lengths, codings, hosts;
	bool chunked;
	uint64_t length;
	bool length_valid;
};

static enum MHD_Result look_at_header(void *arg, enum MHD_ValueKind kind, const char *name,
				      const char *value)
{
	struct framing *f = arg;

	(void)kind;
	if (strcasecmp(name, "Content-Length") == 0) {
		char *end;

		f->lengths++;
		errno = 0;
		f->length = strtoull(value ? value : "", &end, 10);
		f->length_valid = value && value[0] >= '0' && value[0] <= '9' && !*end && !errno;
	} else if (strcasecmp(name, "Transfer-Encoding") == 0) {
		f->codings++;
		f->chunked = value && strcasecmp(value, "chunked") == 0;
	} else if (strcasecmp(name, "Host") == 0) {
		f->hosts++;
	}
	return MHD_YES;
}

/* The head's framing must have one meaning only. Returns the refusing status, or 0. */
static unsigned int check_framing(struct http_request *rq, const char **ret_why)
{
	struct framing f = { .length_valid = true, .chunked = true };

	MHD_get_connection_values(rq->mhd, MHD_HEADER_KIND, look_at_header, &f);
	*ret_why = "the request's length is ambiguous";
	if (f.lengths + f.codings > 1 || !f.length_valid)
		return MHD_HTTP_BAD_REQUEST;
	*ret_why = "the request has more than one Host";
	if (f.hosts > 1)
		return MHD_HTTP_BAD_REQUEST;
	*ret_why = "the request's transfer encoding is not supported";
	if (!f.chunked)
		return MHD_HTTP_NOT_IMPLEMENTED;
	*ret_why = "the request's body is too large";
	if (rq->route && !(rq->route->flags & HTTP_BODY_STREAM) && f.length > HTTP_BODY_MAX)
		return MHD_HTTP_CONTENT_TOO_LARGE;
	return 0;
}

static unsigned int check_api_version(struct http_request *rq, char *why, size_t size)
{
	const struct http_options *o = &rq->server->options;
	int minor = http_api_minor(rq);

	if (minor > o->api_minor) {
		snprintf(why, size,
			 "client version 1.%d is too new. Maximum supported API version is 1.%d",
			 minor, o->api_minor);
		return MHD_HTTP_BAD_REQUEST;
	}
	if (minor < o->api_minor_min) {
		snprintf(why, size,
			 "client version 1.%d is too old. Minimum supported API version is 1.%d, "
			 "please upgrade your client to a newer version",
			 minor, o->api_minor_min);
		return MHD_HTTP_BAD_REQUEST;
	}
	return 0;
}

/* Finds the route and checks the head. Returns the refusing status with its text, or 0. */
static unsigned int look_at_head(struct http_request *rq, const char *method, char *why,
				 size_t size)
{
	const struct http_options *o = &rq->server->options;
	struct error err = { 0 };
	enum http_method verb;
	const char *text;

	if (uri_parse(rq->target, &rq->uri, &err) < 0) {
		snprintf(why, size, "%s", err.text);
		return MHD_HTTP_BAD_REQUEST;
	}
	unsigned int status = check_api_version(rq, why, size);
	if (status)
		return status;

	enum route_result found = ROUTE_WRONG_METHOD;
	if (http_method_parse(method, &verb))
		found = route_find(o->routes, o->route_count, verb, &rq->uri.segments, &rq->route,
				   &rq->params);
	status = check_framing(rq, &text);
	if (status == 0 && found == ROUTE_NOT_FOUND) {
		text = "page not found";
		status = MHD_HTTP_NOT_FOUND;
	} else if (status == 0 && found == ROUTE_WRONG_METHOD) {
		text = "method not allowed";
		status = MHD_HTTP_METHOD_NOT_ALLOWED;
	}
	snprintf(why, size, "%s", text);
	return status;
}

static enum MHD_Result begin(struct http_request *rq, const char *method)
{
	char why[ERROR_TEXT];
	unsigned int status = look_at_head(rq, method, why, sizeof(why));

	rq->begun = true;
	if (status) {
		http_add_header(rq, "Connection", "close");
		(void)http_reply_error(rq, status, why);
		return send_answer(rq);
	}
	if (rq->route->flags & HTTP_BODY_STREAM) {
		connection_enter(rq->server, connection_of(rq->mhd), CONNECTION_BUSY);
		rq->upload = ring_new(UPLOAD_RING);
		start_handler(rq);
	}
	return MHD_YES;
}

/* ---- The body ------------------------------------------------------------------------------- */

static void take_body(struct http_request *rq, const char *data, size_t len)
{
	if (rq->upload)
		(void)!ring_write(rq->upload, data, len); /* a handler that ended drops the rest */
	else if (!(rq->route->flags & HTTP_BODY_NONE))
		strbuf_add(&rq->body, data, len);
}

static enum MHD_Result end_of_request(struct http_request *rq)
{
	if (rq->upload) {
		pthread_mutex_lock(&rq->lock);
		rq->upload_whole = true;
		pthread_mutex_unlock(&rq->lock);
		ring_close_writer(rq->upload);
	} else if (rq->body.overflow) {
		(void)http_reply_error(rq, MHD_HTTP_CONTENT_TOO_LARGE,
				       "the request's body is too large");
	} else {
		connection_enter(rq->server, connection_of(rq->mhd), CONNECTION_BUSY);
		start_handler(rq);
	}
	return send_answer(rq);
}

enum MHD_Result http_on_access(void *server, struct MHD_Connection *mhd, const char *url,
			       const char *method, const char *version, const char *data,
			       size_t *size, void **context)
{
	struct http_request *rq = *context;

	(void)server;
	(void)mhd;
	(void)url;
	(void)version;
	if (!rq || rq->ended)
		return MHD_NO;
	if (!rq->begun)
		return begin(rq, method);
	if (*size > 0) {
		/* a body of unknown length that goes on past the cap is cut off, not read to its
		 * end */
		if (rq->body.overflow)
			return MHD_NO;
		take_body(rq, data, *size);
		*size = 0;
		return MHD_YES;
	}
	return end_of_request(rq);
}

/* ---- The answer ----------------------------------------------------------------------------- */

ssize_t http_on_read(void *context, uint64_t position, char *data, size_t len)
{
	struct http_request *rq = context;
	size_t count = ring_read(rq->stream, data, len);

	(void)position;
	if (count > 0)
		return (ssize_t)count;
	pthread_mutex_lock(&rq->lock);
	bool broken = rq->stream_broken;
	pthread_mutex_unlock(&rq->lock);
	return broken ? MHD_CONTENT_READER_END_WITH_ERROR : MHD_CONTENT_READER_END_OF_STREAM;
}

void http_on_upgrade(void *context, struct MHD_Connection *mhd, void *request, const char *pending,
		     size_t pending_len, MHD_socket socket,
		     struct MHD_UpgradeResponseHandle *handle)
{
	struct upgrade *u = context;
	struct http_server *s = u->server;
	int own = fcntl(socket, F_DUPFD_CLOEXEC, 3);

	(void)mhd;
	((struct http_request *)request)->upgrade = NULL;
	connection_enter(s, u->connection, CONNECTION_GIVEN);
	if (own >= 0) {
		server_work_begin(s);
		u->go_on(own, pending, pending_len, u->arg);
		server_work_end(s);
	}
	upgrade_free(u);
	/* last, since the listening thread then waits for the end of this one */
	(void)MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
}
