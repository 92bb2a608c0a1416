/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/http/internal.h"
#include "base/alloc.h"
#include "base/fd.h"
#include "base/json.h"

/* What one block of a stream holds at most, and a ring in front of it. */
#define STREAM_BLOCK (32 * 1024)
#define STREAM_RING (64 * 1024)
#define BARE_HEAD_MS 10000

unsigned int http_status_of(int code)
{
	switch (code < 0 ? -code : code) {
	case 0:
		return MHD_HTTP_OK;
	case EINVAL:
	case EBADMSG:
		return MHD_HTTP_BAD_REQUEST;
	case EACCES:
	case EPERM:
		return MHD_HTTP_FORBIDDEN;
	case ENOENT:
		return MHD_HTTP_NOT_FOUND;
	case EEXIST:
	case EBUSY:
		return MHD_HTTP_CONFLICT;
	case EFBIG:
	case EMSGSIZE:
		return MHD_HTTP_CONTENT_TOO_LARGE;
	case EOPNOTSUPP:
		return MHD_HTTP_NOT_IMPLEMENTED;
	default:
		return MHD_HTTP_INTERNAL_SERVER_ERROR;
	}
}

void http_add_header(struct http_request *rq, const char *name, const char *value)
{
	strv_add(&rq->header_names, name);
	strv_add(&rq->header_values, value);
}

/* Headers that each answer of Docker's API has. */
static void add_common_headers(struct http_request *rq, struct MHD_Response *response)
{
	char version[16];

	snprintf(version, sizeof(version), "1.%d", rq->server->options.api_minor);
	(void)MHD_add_response_header(response, "Api-Version", version);
	(void)MHD_add_response_header(response, "Docker-Experimental", "false");
	(void)MHD_add_response_header(response, "Ostype", "linux");
	(void)MHD_add_response_header(response, "Server", "Berth/" BERTH_VERSION " (linux)");
	for (size_t i = 0; i < rq->header_names.count; i++)
		(void)MHD_add_response_header(response, rq->header_names.items[i],
					      rq->header_values.items[i]);
}

/* Makes @response the answer, unless there is one; it is taken over. */
static void answer(struct http_request *rq, enum answer kind, unsigned int status, const char *type,
		   struct MHD_Response *response)
{
	if (!response)
		abort();
	add_common_headers(rq, response);
	if (type)
		(void)MHD_add_response_header(response, "Content-Type", type);

	pthread_mutex_lock(&rq->lock);
	if (rq->answer == ANSWER_NONE) {
		rq->answer = kind;
		rq->status = status;
		rq->response = response;
		response = NULL;
		pthread_cond_signal(&rq->answered);
	}
	pthread_mutex_unlock(&rq->lock);
	if (response)
		MHD_destroy_response(response);
}

int http_reply_bytes(struct http_request *rq, unsigned int status, const char *type,
		     const void *data, size_t len)
{
	void *copy = xmemdup(data, len);
	struct MHD_Response *response =
		MHD_create_response_from_buffer(len, copy, MHD_RESPMEM_MUST_FREE);

	answer(rq, ANSWER_WHOLE, status, type, response);
	return 0;
}

int http_reply_json(struct http_request *rq, unsigned int status, struct json_object *take)
{
	auto_json *o = take;
	char *text = json_text(o);
	size_t len = strlen(text);

	text[len++] = '\n'; /* in place of the terminator, which nobody reads any more */
	answer(rq, ANSWER_WHOLE, status, "application/json",
	       MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE));
	return 0;
}

int http_reply_empty(struct http_request *rq, unsigned int status)
{
	answer(rq, ANSWER_WHOLE, status, NULL,
	       MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT));
	return 0;
}

int http_reply_error(struct http_request *rq, unsigned int status, const char *text)
{
	struct json_object *o = json_object_new_object();

	json_add_string(o, "message", text);
	return http_reply_json(rq, status, o);
}

void http_stream_begin(struct http_request *rq, unsigned int status, const char *type)
{
	rq->stream = ring_new(rq->upload ? HTTP_EARLY_MAX : STREAM_RING);
	answer(rq, ANSWER_STREAM, status, type,
	       MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, http_on_read, rq,
						 NULL));
}

/* While the body still comes in nobody reads the stream: waiting for room would never end. */
static bool would_block_for_ever(struct http_request *rq, size_t len)
{
	if (!rq->upload)
		return false;
	pthread_mutex_lock(&rq->lock);
	bool whole = rq->upload_whole;
	pthread_mutex_unlock(&rq->lock);
	return !whole && len > ring_room(rq->stream);
}

int http_stream_write(struct http_request *rq, const void *data, size_t len)
{
	if (would_block_for_ever(rq, len))
		return -ENOBUFS;
	return ring_write(rq->stream, data, len);
}

int http_stream_json(struct http_request *rq, struct json_object *take)
{
	auto_json *o = take;
	auto_free char *text = json_text(o);
	auto_free char *line = xasprintf("%s\r\n", text);

	return http_stream_write(rq, line, strlen(line));
}

int http_answer_bare(struct http_request *rq, const char *type)
{
	auto_free char *head = xasprintf("HTTP/1.1 200 OK\r\nContent-Type: %s\r\n\r\n", type);
	int fd = http_client_fd(rq);

	rq->bare = true;
	int r = socket_send(fd, head, strlen(head), BARE_HEAD_MS);
	return r < 0 ? r : fd;
}

void answer_bare_end(struct http_request *rq)
{
	pthread_mutex_lock(&rq->lock);
	rq->answer = ANSWER_BARE;
	pthread_cond_signal(&rq->answered);
	pthread_mutex_unlock(&rq->lock);
}

int http_upgrade(struct http_request *rq, const char *type, http_continuation *go_on, void *arg,
		 void (*free_arg)(void *arg))
{
	struct upgrade *u = xnew(struct upgrade);

	*u = (struct upgrade){ rq->server, connection_of(rq->mhd), go_on, arg, free_arg };
	rq->upgrade = u;

	struct MHD_Response *response = MHD_create_response_for_upgrade(http_on_upgrade, u);
	if (response)
		(void)MHD_add_response_header(response, "Upgrade", "tcp");
	answer(rq, ANSWER_UPGRADE, MHD_HTTP_SWITCHING_PROTOCOLS, type, response);
	return 0;
}
