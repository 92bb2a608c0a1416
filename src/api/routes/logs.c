/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/api-internal.h"
#include "api/frames.h"
#include "api/relay.h"
#include "api/text.h"
#include "base/alloc.h"
#include "base/clock.h"

struct log_sender {
	struct http_request *rq;
	bool tty;
	bool timestamps;
	struct strbuf details; /* put before each line */
	bool inside[2];        /* a line of standard output, of standard error that goes on */
	struct strbuf line;
};

/* As in the query of an address: what the driver adds must not look like what the program wrote. */
static void add_escaped(struct strbuf *to, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (isalnum(c) || strchr("-_.~", c))
			strbuf_addc(to, (char)c);
		else if (c == ' ')
			strbuf_addc(to, '+');
		else
			strbuf_addf(to, "%%%02X", c);
	}
}

static void add_details(struct strbuf *to, const struct strv *attributes)
{
	for (size_t i = 0; i < attributes->count; i++) {
		const char *text = attributes->items[i];
		size_t key = strcspn(text, "=");
		if (i > 0)
			strbuf_addc(to, ',');
		add_escaped(to, text, key);
		strbuf_addc(to, '=');
		add_escaped(to, text + key + 1, strlen(text + key + 1));
	}
	strbuf_addc(to, ' ');
}

/* A time stamp stands at the start of each line, not in the middle of one that came in pieces. */
static int send_entry(const struct log_entry *entry, void *arg)
{
	struct log_sender *s = arg;
	uint8_t header[FRAME_HEADER];
	char time[CLOCK_TEXT];
	bool *inside = &s->inside[entry->stream == LOG_STDERR];

	strbuf_clear(&s->line);
	if (!s->tty)
		strbuf_add(&s->line, header, sizeof(header)); /* filled below */
	if (s->timestamps && !*inside) {
		clock_format(entry->time_ns, time);
		strbuf_addf(&s->line, "%s ", time);
	}
	if (!*inside)
		strbuf_add(&s->line, s->details.data, s->details.len);
	strbuf_add(&s->line, entry->data, entry->len);
	if (!entry->partial)
		strbuf_addc(&s->line, '\n');
	if (!s->tty)
		frame_header((enum frame_stream)entry->stream, s->line.len - FRAME_HEADER,
			     (uint8_t *)s->line.data);
	*inside = entry->partial;
	return http_stream_write(s->rq, s->line.data, s->line.len);
}

static int parse_query(struct http_request *rq, struct log_query *q, struct error *err)
{
	const struct uri *u = http_uri(rq);
	const char *tail = uri_query(u, "tail");

	q->std_out = uri_query_bool(u, "stdout", false);
	q->std_err = uri_query_bool(u, "stderr", false);
	q->follow = uri_query_bool(u, "follow", false);
	q->cancel_fd = http_client_fd(rq);
	q->tail = -1;
	if (!q->std_out && !q->std_err)
		return error_say(err, EINVAL,
				 "Bad parameters: you must choose at least one stream");
	if (tail && strcmp(tail, "all") != 0 && uri_query_int(u, "tail", &q->tail, err) < 0)
		return -EINVAL;
	int r = time_parse("since", uri_query(u, "since"), &q->since_ns, err);
	return r < 0 ? r : time_parse("until", uri_query(u, "until"), &q->until_ns, err);
}

static void sender_done(struct log_sender *s)
{
	strbuf_done(&s->line);
	strbuf_done(&s->details);
}

static int logs(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	struct log_query query = { 0 };
	auto_(sender_done) struct log_sender s = { .rq = rq };
	auto_instance_info info = { 0 };
	auto_strv attributes = { 0 };

	int r = parse_query(rq, &query, err);
	if (r == 0)
		r = manager_get(api->options.manager, http_param(rq, "id"), &info, err);
	if (r == 0)
		r = manager_log_attributes(api->options.manager, info.id, &attributes, err);
	if (r < 0)
		return r;
	s.tty = info.tty;
	s.timestamps = uri_query_bool(http_uri(rq), "timestamps", false);
	strbuf_init(&s.line, SIZE_MAX);
	strbuf_init(&s.details, SIZE_MAX);
	if (uri_query_bool(http_uri(rq), "details", false))
		add_details(&s.details, &attributes);

	http_stream_begin(rq, 200, stream_content_type(rq, s.tty));
	r = manager_logs(api->options.manager, info.id, &query, send_entry, &s, err);
	return r < 0 && r != -EPIPE && r != -ECANCELED ? r : 0;
}

static const struct http_route routes[] = {
	{ HTTP_GET, HTTP_REPLY_STREAM, "/containers/{id}/logs", logs },
};

const struct route_table log_routes = { routes, ARRAY_SIZE(routes) };
