/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client/http.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"

/* Longest time for which a server may take nothing, where a request has a deadline at all. */
#define SEND_TIMEOUT_MS 600000
#define CHUNK_ROOM 16
#define CHUNK_SIZE 262144

enum body {
	BODY_NONE,
	BODY_LENGTH,
	BODY_CHUNKED, /* @left bytes of the present chunk are still to come */
	BODY_UNTIL_END,
	BODY_DONE,
};

struct http {
	int fd;
	char *host;
	bool used; /* a response came over this connection */
	bool keep;
	enum body body;
	uint64_t left;
	bool chunk_open;  /* a chunk's data was begun: its closing line end is due */
	int64_t deadline; /* of the present exchange; 0 = none */
	bool answered;    /* the server spoke before the request was sent whole */
	char *chunk;      /* of a chunked body, with room for its size in front */
	size_t chunk_len;
	size_t in_at;
	size_t in_len;
	char head[HTTP_HEAD_MAX + 1];
	char in[65536];
};

struct http *http_new(int fd, const char *host)
{
	/* not zeroed as a whole: the buffers are large and only read where they were filled */
	struct http *h = xmalloc(sizeof(*h));

	memset(h, 0, offsetof(struct http, head));
	h->fd = fd;
	h->host = xstrdup(host);
	h->body = BODY_DONE;
	h->head[0] = '\0';
	return h;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	close_p(&h->fd);
	free(h->host);
	free(h);
}

int http_socket(const struct http *h)
{
	return h->fd;
}

static int await(struct http *h, short events, struct error *err)
{
	for (;;) {
		int64_t left = -1;
		if (h->deadline) {
			left = (h->deadline - clock_monotonic()) / NSEC_PER_MSEC;
			if (left < 0)
				left = 0;
		}
		struct pollfd p = { .fd = h->fd, .events = events };
		int r = poll(&p, 1, (int)left);
		if (r > 0)
			return 0;
		if (r == 0)
			return error_say(err, ETIMEDOUT, "the engine did not answer in time");
		if (errno != EINTR)
			return error_set(err, errno, "wait for the engine");
	}
}

/* ---- Reading -------------------------------------------------------------------------------- */

/* Gets more bytes into the empty buffer; how many, 0 at the end. */
static ssize_t fill(struct http *h, struct error *err)
{
	for (;;) {
		int r = await(h, POLLIN, err);
		if (r < 0)
			return r;
		ssize_t n = recv(h->fd, h->in, sizeof(h->in), 0);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return error_set(err, errno, "read from the engine");
		h->in_at = 0;
		h->in_len = (size_t)n;
		return n;
	}
}

/* Reads up to and with the next line end into @line, cut off before it. */
static int read_line(struct http *h, char *line, size_t room, struct error *err)
{
	size_t len = 0;

	for (;;) {
		if (h->in_at == h->in_len) {
			ssize_t n = fill(h, err);
			if (n < 0)
				return (int)n;
			if (n == 0)
				return error_say(err, EPIPE, "the engine closed the connection");
		}
		char c = h->in[h->in_at++];
		if (c == '\n')
			break;
		if (len + 1 >= room)
			return error_say(err, EBADMSG, "the engine sent a line that is too long");
		line[len++] = c;
	}
	if (len > 0 && line[len - 1] == '\r')
		len--;
	line[len] = '\0';
	return 0;
}

/* Collects the head up to its empty line; lines stay apart by '\n'. */
static int read_head(struct http *h, struct error *err)
{
	size_t len = 0;

	for (;;) {
		int r = read_line(h, h->head + len, HTTP_HEAD_MAX - len, err);
		if (r < 0)
			return r;
		size_t line = strlen(h->head + len);
		if (line == 0 && len > 0)
			break;
		len += line;
		if (len + 2 >= HTTP_HEAD_MAX)
			return error_say(err, EBADMSG, "the engine's answer has too many headers");
		h->head[len++] = '\n';
		h->head[len] = '\0';
	}
	return 0;
}

bool http_header(const struct http_response *response, const char *name, char *ret, size_t room)
{
	size_t name_len = strlen(name);
	const char *line = strchr(response->head, '\n');

	while (line && *++line) {
		const char *end = strchrnul(line, '\n');
		if (strncasecmp(line, name, name_len) == 0 && line[name_len] == ':') {
			const char *value = line + name_len + 1;
			while (*value == ' ' || *value == '\t')
				value++;
			while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
				end--;
			if ((size_t)(end - value) >= room)
				return false;
			memcpy(ret, value, (size_t)(end - value));
			ret[end - value] = '\0';
			return true;
		}
		line = strchr(line, '\n');
	}
	return false;
}

/* How the response's body is framed (RFC 9112, 6.3). */
static int find_body(struct http *h, const struct http_response *response, bool head_only,
		     struct error *err)
{
	char coding[64];
	char length[32];
	bool chunked = http_header(response, "Transfer-Encoding", coding, sizeof(coding));
	bool sized = http_header(response, "Content-Length", length, sizeof(length));

	if (chunked && (sized || strcasecmp(coding, "chunked") != 0))
		return error_say(err, EBADMSG, "the engine's answer is framed in a way not known");

	h->chunk_open = false;
	h->left = 0;
	if (head_only || response->status == 204 || response->status == 304) {
		h->body = BODY_DONE;
	} else if (chunked) {
		h->body = BODY_CHUNKED;
	} else if (sized) {
		char *end;
		errno = 0;
		h->left = strtoull(length, &end, 10);
		if (errno != 0 || *end || length[0] < '0' || length[0] > '9')
			return error_say(err, EBADMSG, "the engine's answer has a bad length");
		h->body = h->left > 0 ? BODY_LENGTH : BODY_DONE;
	} else {
		h->body = BODY_UNTIL_END;
	}
	return 0;
}

static int parse_head(struct http *h, bool head_only, struct http_response *ret, struct error *err)
{
	struct http_response response = { .head = h->head };
	char text[64];

	if (strncmp(h->head, "HTTP/1.", 7) != 0 || strlen(h->head) < 12 || h->head[8] != ' ')
		return error_say(err, EBADMSG, "the engine does not speak HTTP/1.1");
	response.status = (int)strtol(h->head + 9, NULL, 10);
	if (response.status < 100 || response.status > 599)
		return error_say(err, EBADMSG, "the engine's answer has a bad status");

	response.berth = http_header(&response, "Server", text, sizeof(text)) &&
			 strncmp(text, "Berth", 5) == 0;
	/* where the request was not sent whole, nothing can follow it */
	h->keep = !h->answered && h->head[7] == '1' &&
		  !(http_header(&response, "Connection", text, sizeof(text)) &&
		    strcasecmp(text, "close") == 0);
	if (response.status == 101) {
		response.upgraded = true;
		h->body = BODY_NONE;
		h->keep = false;
	} else {
		int r = find_body(h, &response, head_only, err);
		if (r < 0)
			return r;
	}
	*ret = response;
	return 0;
}

static int next_chunk(struct http *h, struct error *err)
{
	char line[128];

	int r = h->chunk_open ? read_line(h, line, sizeof(line), err) : 0;
	if (r < 0)
		return r;
	h->chunk_open = false;
	r = read_line(h, line, sizeof(line), err);
	if (r < 0)
		return r;

	char *end;
	errno = 0;
	h->left = strtoull(line, &end, 16);
	if (errno != 0 || end == line || line[0] == '-' || (*end && *end != ';' && *end != ' '))
		return error_say(err, EBADMSG, "the engine sent a bad chunk");
	if (h->left > 0) {
		h->chunk_open = true;
		return 0;
	}
	do {
		r = read_line(h, line, sizeof(line), err);
	} while (r == 0 && line[0]);
	h->body = BODY_DONE;
	return r;
}

ssize_t http_read(struct http *h, void *data, size_t len, struct error *err)
{
	if (h->body == BODY_CHUNKED && h->left == 0) {
		int r = next_chunk(h, err);
		if (r < 0)
			return r;
	}
	if (h->body == BODY_DONE || h->body == BODY_NONE || len == 0)
		return 0;
	if (h->in_at == h->in_len) {
		ssize_t n = fill(h, err);
		if (n < 0)
			return n;
		if (n == 0 && h->body == BODY_UNTIL_END) {
			h->body = BODY_DONE;
			h->keep = false;
			return 0;
		}
		if (n == 0)
			return error_say(err, EPIPE, "the engine closed the connection");
	}

	size_t n = h->in_len - h->in_at;
	if (n > len)
		n = len;
	if (h->body != BODY_UNTIL_END && n > h->left)
		n = h->left;
	memcpy(data, h->in + h->in_at, n);
	h->in_at += n;
	if (h->body != BODY_UNTIL_END)
		h->left -= n;
	if (h->body == BODY_LENGTH && h->left == 0)
		h->body = BODY_DONE;
	return (ssize_t)n;
}

int http_read_all(struct http *h, struct strbuf *ret, struct error *err)
{
	for (;;) {
		char chunk[16384];
		ssize_t n = http_read(h, chunk, sizeof(chunk), err);
		if (n <= 0)
			return (int)n;
		strbuf_add(ret, chunk, (size_t)n);
		if (ret->overflow)
			return error_say(err, EFBIG, "the engine's answer is larger than %zu bytes",
					 ret->cap);
	}
}

bool http_reusable(const struct http *h)
{
	return h->keep && h->body == BODY_DONE;
}

/* ---- Writing -------------------------------------------------------------------------------- */

/* Waits until the socket takes data; the server's answer ends the wait as well. */
static int await_room(struct http *h, struct error *err)
{
	for (;;) {
		struct pollfd p = { .fd = h->fd, .events = POLLIN | POLLOUT };
		int r = poll(&p, 1, h->deadline ? SEND_TIMEOUT_MS : -1);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return error_set(err, errno, "wait for the engine");
		if (r == 0)
			return error_say(err, ETIMEDOUT, "the engine takes no data");
		h->answered = h->answered || (p.revents & POLLIN);
		return 0;
	}
}

/*
 * Sends everything, unless the server answers first; a server that closed may have left an answer
 * too.
 */
static int send_all(struct http *h, const char *data, size_t len, struct error *err)
{
	while (len > 0 && !h->answered) {
		ssize_t n = send(h->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			int r = await_room(h, err);
			if (r < 0)
				return r;
			continue;
		}
		if (n < 0 && errno == EPIPE) {
			h->answered = true;
			return 0;
		}
		if (n < 0)
			return error_set(err, errno, "send to the engine");
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Sends the collected bytes as one chunk; an empty one is the body's end. */
static int send_chunk(struct http *h, struct error *err)
{
	char size[CHUNK_ROOM + 1];
	int digits = snprintf(size, sizeof(size), "%zx\r\n", h->chunk_len);
	char *from = h->chunk + CHUNK_ROOM - digits;

	memcpy(from, size, (size_t)digits);
	memcpy(h->chunk + CHUNK_ROOM + h->chunk_len, "\r\n", 2);
	int r = await_room(h, err);
	if (r == 0)
		r = send_all(h, from, (size_t)digits + h->chunk_len + 2, err);
	h->chunk_len = 0;
	return r;
}

int http_body(struct http *h, const void *data, size_t len, struct error *err)
{
	const char *from = data;

	while (len > 0 && !h->answered) {
		size_t n = CHUNK_SIZE - h->chunk_len;
		n = n < len ? n : len;
		memcpy(h->chunk + CHUNK_ROOM + h->chunk_len, from, n);
		h->chunk_len += n;
		from += n;
		len -= n;
		if (h->chunk_len == CHUNK_SIZE) {
			int r = send_chunk(h, err);
			if (r < 0)
				return r;
		}
	}
	return h->answered;
}

static int send_descriptor(struct http *h, int fd, struct error *err)
{
	while (!h->answered) {
		ssize_t n = read(fd, h->chunk + CHUNK_ROOM, CHUNK_SIZE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(err, errno, "read what is to be sent");
		if (n == 0)
			return 0;
		h->chunk_len = (size_t)n;
		int r = send_chunk(h, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A body whose length is not known before. */
static int send_chunks(struct http *h, const struct http_request *q, struct error *err)
{
	auto_free char *chunk = xmalloc(CHUNK_ROOM + CHUNK_SIZE + 2);

	h->chunk = chunk;
	h->chunk_len = 0;
	int r = q->produce ? q->produce(h, q->produce_arg, err)
			   : send_descriptor(h, q->body_fd, err);
	if (r >= 0 && !h->answered && h->chunk_len > 0)
		r = send_chunk(h, err);
	if (r >= 0 && !h->answered)
		r = send_chunk(h, err);
	h->chunk = NULL;
	return h->answered || r > 0 ? 0 : r;
}

static bool is_chunked(const struct http_request *q)
{
	return q->produce || q->body_fd > 0;
}

static void write_head(struct http *h, const struct http_request *q, struct strbuf *out)
{
	strbuf_addf(out, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: berth/" BERTH_VERSION "\r\n",
		    q->method, q->target, h->host);
	if (q->headers)
		strbuf_adds(out, q->headers);
	if (q->upgrade)
		strbuf_adds(out, "Connection: Upgrade\r\nUpgrade: tcp\r\n");
	if (q->body_len > 0 || is_chunked(q))
		strbuf_addf(out, "Content-Type: %s\r\n",
			    q->content_type ? q->content_type : "application/json");
	if (is_chunked(q))
		strbuf_adds(out, "Transfer-Encoding: chunked\r\n");
	else if (q->body_len > 0 || strcmp(q->method, "GET") != 0)
		strbuf_addf(out, "Content-Length: %zu\r\n", q->body_len);
	strbuf_adds(out, "\r\n");
	if (!is_chunked(q))
		strbuf_add(out, q->body, q->body_len);
}

static int drop_rest(struct http *h, struct error *err)
{
	auto_strbuf rest = STRBUF_INIT(1 << 20);

	return h->body == BODY_DONE ? 0 : http_read_all(h, &rest, err);
}

static int send_request(struct http *h, const struct http_request *q, struct error *err)
{
	auto_strbuf out = STRBUF_INIT(SIZE_MAX / 2);

	h->answered = false;
	write_head(h, q, &out);
	int r = send_all(h, out.data, out.len, err);
	if (r < 0 || !is_chunked(q) || h->answered)
		return r;
	return send_chunks(h, q, err);
}

int http_send(struct http *h, const struct http_request *request, struct http_response *ret,
	      bool *ret_stale, struct error *err)
{
	bool used = h->used;

	*ret_stale = false;
	h->deadline =
		request->timeout_ms ? clock_monotonic() + request->timeout_ms * NSEC_PER_MSEC : 0;
	int r = drop_rest(h, err);
	if (r < 0)
		return r;
	r = send_request(h, request, err);
	if (r == 0 && h->in_at == h->in_len) {
		ssize_t n = fill(h, err);
		r = n < 0 ? (int)n : 0;
		if (n == 0)
			r = error_say(err, ECONNRESET, "the engine closed the connection");
	}
	if (r == -ECONNRESET || r == -EPIPE)
		*ret_stale = used;
	if (r < 0)
		return r;
	h->used = true;
	do {
		r = read_head(h, err);
		if (r == 0)
			r = parse_head(h, strcmp(request->method, "HEAD") == 0, ret, err);
	} while (r == 0 && ret->status / 100 == 1 && ret->status != 101);
	return r;
}

int http_take_socket(struct http *h, struct strbuf *ret_rest)
{
	strbuf_add(ret_rest, h->in + h->in_at, h->in_len - h->in_at);
	h->in_at = h->in_len;
	h->body = BODY_DONE;
	return take_fd(h->fd);
}
