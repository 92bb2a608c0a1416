/* SPDX-License-Identifier: Apache-2.0 */
#include "store/registry/layer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/layer/ingest.h"
#include "store/store.h"

/* After this much the counting of attempts starts anew. */
#define LAYER_HEADWAY (4u << 20)
#define FLIGHT_WAIT_MS 200

/* One layer being received. */
struct reception {
	const struct layer_transfer *transfer;
	struct layer_ingest *ingest;
	uint64_t skip; /* bytes that the server repeats and that are known */
	bool resumed;  /* an earlier pull left a beginning */
};

static int cancelled(struct error *err)
{
	return error_say(err, ECANCELED, "it was cancelled");
}

/* "bytes 5-9/10": where a 206 starts. */
static bool range_starts_at(const char *content_range, uint64_t from)
{
	unsigned long long first = 0;

	return content_range && sscanf(content_range, "bytes %llu-", &first) == 1 && first == from;
}

static int wrong_size(const struct layer_transfer *t, uint64_t size, struct error *err)
{
	return error_say(err, EBADMSG,
			 "it has %" PRIu64 " bytes there, not the %" PRIu64 " promised", size,
			 t->blob->size);
}

/* The headers of the answer: is this what was asked for? */
static int begin(void *context, const struct http_answer *a, struct error *err)
{
	struct reception *rx = context;
	uint64_t have = layer_ingest_received(rx->ingest);

	if (a->status == 206 && !range_starts_at(a->content_range, have))
		return error_say(err, EBADMSG,
				 "the registry sent another range than was asked for");
	rx->skip = a->status == 200 ? have : 0;
	uint64_t told = a->length < 0 ? 0 : (uint64_t)a->length + have - rx->skip;
	if (a->length >= 0 && told != rx->transfer->blob->size)
		return wrong_size(rx->transfer, told, err);
	return 0;
}

static int take(void *context, const void *data, size_t len, struct error *err)
{
	struct reception *rx = context;
	const struct layer_transfer *t = rx->transfer;
	size_t known = rx->skip < len ? (size_t)rx->skip : len;

	rx->skip -= known;
	if (known == len)
		return 0;
	int r = layer_ingest_write(rx->ingest, (const char *)data + known, len - known, err);
	if (r < 0)
		return r;
	bool go_on = t->report(t->context, REGISTRY_DOWNLOADING, layer_ingest_received(rx->ingest));
	return go_on ? 0 : cancelled(err);
}

/* One request: 0 where all bytes are here, 1 where another attempt may bring the rest. */
static int attempt(struct reception *rx, struct http *http, int *ret_retry_after, struct error *err)
{
	static const char *const headers[] = { "Accept-Encoding: identity", NULL };
	const struct layer_transfer *t = rx->transfer;
	auto_http_answer answer = {};
	auto_free char *url = session_url(t->session, "%s/blobs/%s", t->path, t->blob->digest.text);
	struct http_request request = {
		.method = "GET",
		.url = url,
		.headers = headers,
		.range_from = layer_ingest_received(rx->ingest),
		.sink = take,
		.begin = begin,
		.context = rx,
	};

	int r = session_request(t->session, http, &request, false, &answer, err);
	if (r < 0)
		return http_is_transient(r) ? 1 : r;
	*ret_retry_after = answer.retry_after_s;
	if (answer.status != 200 && answer.status != 206) {
		r = session_complain(&answer, err, "get it");
		return session_is_busy(&answer) ? 1 : r;
	}
	uint64_t have = layer_ingest_received(rx->ingest);
	if (have == t->blob->size)
		return 0;
	(void)wrong_size(t, have, err);
	return 1;
}

static int receive(struct reception *rx, struct http *http, struct error *err)
{
	const struct layer_transfer *t = rx->transfer;
	uint64_t mark = layer_ingest_received(rx->ingest);

	if (mark == t->blob->size && mark > 0)
		return 0;
	for (unsigned failed = 0;;) {
		int retry_after = 0;
		int r = attempt(rx, http, &retry_after, err);
		if (r <= 0)
			return r;
		uint64_t have = layer_ingest_received(rx->ingest);
		if (have - mark >= LAYER_HEADWAY) {
			mark = have;
			failed = 0;
		}
		if (++failed >= t->session->client->attempts)
			return err->code;
		if (!t->report(t->context, REGISTRY_RETRYING, have) ||
		    !session_wait(t->session, failed - 1, retry_after))
			return cancelled(err);
	}
}

/* Starts where an earlier pull was cut off; what it left may be no beginning of a layer. */
static int start(struct reception *rx, bool resume, struct error *err)
{
	const struct layer_transfer *t = rx->transfer;
	const struct layer_expect expect = {
		.blob = &t->blob->digest,
		.diff_id = t->diff_id,
		.size = (int64_t)t->blob->size,
	};
	uint64_t offset = 0;

	int r = layer_ingest_begin(t->lease, &expect, &rx->ingest, err);
	if (r < 0 || !resume)
		return r;
	r = layer_ingest_resume(rx->ingest, &offset, err);
	rx->resumed = offset > 0;
	if (r != -EBADMSG)
		return r;
	layer_ingest_free(take_ptr(rx->ingest));
	return layer_ingest_begin(t->lease, &expect, &rx->ingest, err);
}

static int fetch_once(struct reception *rx, struct http *http, bool resume, struct error *err)
{
	int r = start(rx, resume, err);
	if (r < 0)
		return r;
	r = receive(rx, http, err);
	if (r == 0)
		r = layer_ingest_finish(rx->ingest, NULL, err);
	if (http_is_transient(r) || r == -ECANCELED || r == -EAGAIN)
		layer_ingest_suspend(rx->ingest);
	layer_ingest_free(take_ptr(rx->ingest));
	return r;
}

static int fetch(const struct layer_transfer *t, struct http *http, struct error *err)
{
	struct reception rx = { .transfer = t };
	int r = fetch_once(&rx, http, true, err);

	/* the beginning that was kept may have been the bad part */
	if (r == -EBADMSG && rx.resumed)
		r = fetch_once(&rx, http, false, err);
	return r;
}

int layer_fetch(const struct layer_transfer *t, struct http *http, struct error *err)
{
	struct registry_client *client = t->session->client;
	struct error failure = {};

	while (!flight_enter(client, &t->blob->digest, FLIGHT_WAIT_MS)) {
		if (atomic_load(&t->session->cancelled) ||
		    !t->report(t->context, REGISTRY_WAITING, 0))
			return cancelled(err);
	}
	int r = layer_exists(t->lease, &t->blob->digest, t->diff_id) ? 1 : fetch(t, http, &failure);
	flight_leave(client, &t->blob->digest);
	if (r < 0) {
		(void)error_prefix(&failure, "layer %s", t->blob->digest.text);
		if (err)
			*err = failure;
	}
	return r;
}
