/* SPDX-License-Identifier: Apache-2.0 */
#include "store/registry/upload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/blob.h"

/* Where an upload stands; the registry names a new Location with each answer. */
struct progress {
	const struct upload *upload;
	struct http *http;
	char *location;
	uint64_t done;
	int fd;
};

static void progress_done(struct progress *p)
{
	free(p->location);
	close_p(&p->fd);
}

static int cancelled(struct error *err)
{
	return error_say(err, ECANCELED, "it was cancelled");
}

/* 1 where the registry has the blob, 0 where it has not. */
static int is_there(const struct upload *u, struct http *http, struct error *err)
{
	auto_http_answer answer = {};
	auto_free char *url = session_url(u->session, "%s/blobs/%s", u->path, u->blob->digest.text);
	struct http_request request = { .method = "HEAD", .url = url };

	int r = session_request(u->session, http, &request, true, &answer, err);
	if (r < 0)
		return r;
	if (answer.status == 200)
		return 1;
	return answer.status == 404 ? 0 : session_complain(&answer, err, "look for it");
}

static int keep_location(struct progress *p, const char *base, const struct http_answer *a,
			 struct error *err)
{
	char *url = NULL;

	if (!a->location)
		return error_say(err, EBADMSG, "the registry does not say where to send it");
	int r = url_resolve(base, a->location, &url, err);
	if (r < 0)
		return error_prefix(err, "Location");
	free(p->location);
	p->location = url;
	return 0;
}

/* Opens an upload; 1 where the registry took the blob from the other repository instead. */
static int open_upload(struct progress *p, struct error *err)
{
	const struct upload *u = p->upload;
	auto_http_answer answer = {};
	char *url = session_url(u->session, "%s/blobs/uploads/", u->path);
	struct http_request request = { .method = "POST" };
	int r = 0;

	if (u->mount_from) {
		r = url_add_query(&url, "mount", u->blob->digest.text, err);
		if (r == 0)
			r = url_add_query(&url, "from", u->mount_from, err);
	}
	request.url = url;
	if (r == 0)
		r = session_request(u->session, p->http, &request, true, &answer, err);
	if (r == 0 && answer.status == 201 && u->mount_from)
		r = 1;
	else if (r == 0 && answer.status == 202)
		r = keep_location(p, url, &answer, err);
	else if (r == 0)
		r = session_complain(&answer, err, "open an upload");
	free(url);
	p->done = 0;
	return r;
}

static void on_sent(void *context, uint64_t sent)
{
	struct progress *p = context;
	const struct upload *u = p->upload;

	(void)u->report(u->context, REGISTRY_UPLOADING, p->done + sent);
}

/* Sends what is missing. 0: all is sent; 1: it broke; else a negative errno. */
static int send_rest(struct progress *p, struct error *err)
{
	const struct upload *u = p->upload;
	auto_http_answer answer = {};
	char range[80];
	(void)snprintf(range, sizeof(range), "Content-Range: %llu-%llu",
		       (unsigned long long)p->done, (unsigned long long)u->blob->size - 1);
	const char *const headers[] = { "Content-Type: application/octet-stream",
					p->done > 0 ? range : NULL, NULL };
	struct http_request request = {
		.method = "PATCH",
		.url = p->location,
		.headers = headers,
		.body_fd = p->fd,
		.body_offset = p->done,
		.body_size = u->blob->size - p->done,
		.sent = on_sent,
		.context = p,
	};

	int r = session_request(u->session, p->http, &request, false, &answer, err);
	if (r < 0)
		return http_is_transient(r) ? 1 : r;
	if (answer.status != 202) {
		r = session_complain(&answer, err, "send it");
		return session_is_busy(&answer) || answer.status == 416 ? 1 : r;
	}
	p->done = u->blob->size;
	return keep_location(p, request.url, &answer, err);
}

/* After a break: asks how much arrived. 0: known; 1: the upload is to be opened anew. */
static int ask_offset(struct progress *p, struct error *err)
{
	const struct upload *u = p->upload;
	auto_http_answer answer = {};
	struct http_request request = { .method = "GET", .url = p->location };
	unsigned long long last = 0;

	int r = session_request(u->session, p->http, &request, true, &answer, err);
	if (r < 0)
		return r;
	/* "0-0" may be one byte or none */
	bool told = answer.status == 204 && answer.range &&
		    sscanf(answer.range, "0-%llu", &last) == 1 && last > 0 && last < u->blob->size;
	if (!told)
		return 1;
	p->done = last + 1;
	return answer.location ? keep_location(p, request.url, &answer, err) : 0;
}

/* Closes the upload; the registry compares the digest. */
static int close_upload(struct progress *p, struct error *err)
{
	const struct upload *u = p->upload;
	auto_http_answer answer = {};
	int r = url_add_query(&p->location, "digest", u->blob->digest.text, err);
	if (r < 0)
		return r;

	struct http_request request = { .method = "PUT", .url = p->location };
	r = session_request(u->session, p->http, &request, false, &answer, err);
	if (r < 0)
		return http_is_transient(r) ? 1 : r;
	if (answer.status == 201 || answer.status == 204)
		return 0;
	r = session_complain(&answer, err, "finish it");
	return session_is_busy(&answer) || answer.status == 404 ? 1 : r;
}

/* One way through the drawing in the header, from POST on. 1: to be tried again. */
static int send_once(struct progress *p, enum registry_phase *ret, struct error *err)
{
	const struct upload *u = p->upload;
	int r = 0;

	if (p->location)
		r = ask_offset(p, err);
	if (r < 0)
		return r;
	if (!p->location || r == 1) {
		r = open_upload(p, err);
		if (r < 0)
			return r;
		if (r == 1) {
			*ret = REGISTRY_MOUNTED;
			return 0;
		}
	}
	if (p->done < u->blob->size)
		r = send_rest(p, err);
	if (r != 0)
		return r;
	r = close_upload(p, err);
	if (r == 0)
		*ret = REGISTRY_UPLOADED;
	return r;
}

static int send_blob(struct progress *p, enum registry_phase *ret, struct error *err)
{
	const struct upload *u = p->upload;
	struct error failure = {};

	for (unsigned attempt = 0;; attempt++) {
		int r = is_there(u, p->http, &failure);
		if (r == 1) {
			*ret = attempt == 0 ? REGISTRY_EXISTS : REGISTRY_UPLOADED;
			return 0;
		}
		if (r == 0)
			r = send_once(p, ret, &failure);
		if (r == 0)
			return 0;
		if (r < 0 || attempt + 1 >= u->session->client->attempts) {
			if (err)
				*err = failure;
			return failure.code;
		}
		if (!u->report(u->context, REGISTRY_RETRYING, p->done) ||
		    !session_wait(u->session, attempt, 0))
			return cancelled(err);
	}
}

int upload_blob(const struct upload *u, struct http *http, enum registry_phase *ret,
		struct error *err)
{
	auto_(progress_done) struct progress p = { .upload = u, .http = http, .fd = -1 };
	uint64_t size = 0;

	p.fd = blob_open(u->store, &u->blob->digest, &size, err);
	if (p.fd >= 0 && size != u->blob->size)
		return error_say(err, EBADMSG, "blob %s has %llu bytes, not the %llu of its image",
				 u->blob->digest.text, (unsigned long long)size,
				 (unsigned long long)u->blob->size);
	int r = p.fd < 0 ? p.fd : send_blob(&p, ret, err);
	if (r < 0)
		return error_prefix(err, "send %s", u->blob->digest.text);
	return 0;
}
