/* SPDX-License-Identifier: Apache-2.0 */
#include "api/relay.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "api/frames.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"

/* Clients from 1.42 on are told by the content type whether the stream is multiplexed. */
#define MINOR_MULTIPLEXED_TYPE 42

#define READER_MS 50

const char *stream_content_type(const struct http_request *rq, bool tty)
{
	return !tty && http_api_minor(rq) >= MINOR_MULTIPLEXED_TYPE
		       ? "application/vnd.docker.multiplexed-stream"
		       : "application/vnd.docker.raw-stream";
}

static void relay_free(void *relay)
{
	struct relay *r = relay;

	if (r->free_arg)
		r->free_arg(r->arg);
	free(r->detach_keys);
	free(r);
}
DEFINE_AUTO(void, relay_free);

/* A failure after the head was sent is told on the stream itself, as Docker does. */
static size_t failure_text(const struct relay *r, const struct error *err, char *ret, size_t size)
{
	size_t offset = r->tty ? 0 : FRAME_HEADER;
	int len = snprintf(ret + offset, size - offset, "%s\r\n", err->text);

	if (!r->tty)
		frame_header(FRAME_STDERR, (size_t)len, (uint8_t *)ret);
	return offset + (size_t)len;
}

/*
 * Waits until the client has read the response's head, a moment at most: docker-py reads the head
 * through a buffer and loses what came together with it.
 */
static void await_reader(int sock)
{
	auto_close int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = EPOLLOUT | EPOLLET };
	int64_t end = clock_monotonic() + READER_MS * NSEC_PER_MSEC;
	int unread = 0;

	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, sock, &event) < 0)
		return;
	/* each read by the peer is a new edge; the first is there at once */
	while (ioctl(sock, SIOCOUTQ, &unread) == 0 && unread > 0) {
		int64_t left_ms = (end - clock_monotonic()) / NSEC_PER_MSEC;
		if (left_ms <= 0 || epoll_wait(epoll, &event, 1, (int)left_ms) <= 0)
			return;
	}
}

/* The connection is bare now: the keeper gets it. */
static void go_on(int sock, const void *pending, size_t pending_len, void *relay)
{
	struct relay *r = relay;
	char text[FRAME_HEADER + ERROR_TEXT + 2];
	struct error err = { 0 };

	await_reader(sock);
	r->attach.socket = sock;
	r->attach.pending = pending;
	r->attach.pending_len = pending_len;
	r->attach.detach_keys = r->detach_keys;
	if (r->start(r->arg, &r->attach, &err) < 0)
		(void)!socket_send(sock, text, failure_text(r, &err, text, sizeof(text)),
				   FRAME_TIMEOUT_MS);
	close_p(&sock);
}

/* One direction of a carried stream: what was read and is not written yet. */
struct direction {
	int from;
	int to;
	bool over;
	size_t at;
	size_t len;
	char data[16 * 1024];
};

static bool has_room(const struct direction *d)
{
	return !d->over && d->at == d->len;
}

/* Moves what can be moved without waiting. */
static void move(struct direction *d)
{
	if (has_room(d)) {
		ssize_t n = recv(d->from, d->data, sizeof(d->data), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		d->over = n <= 0;
		d->at = 0;
		d->len = n > 0 ? (size_t)n : 0;
	}
	while (d->at < d->len) {
		ssize_t n =
			send(d->to, d->data + d->at, d->len - d->at, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) {
			d->over = true;
			d->at = d->len = 0;
			return;
		}
		d->at += (size_t)n;
	}
}

/* Carries both directions until the keeper's output ends or the client is gone. */
static void carry(int client, int keeper)
{
	auto_free struct direction *in = xnew(struct direction);
	auto_free struct direction *out = xnew(struct direction);
	bool told = false;

	in->from = out->to = client;
	in->to = out->from = keeper;
	while (!out->over) {
		int to_keeper = has_room(in) || in->over ? 0 : POLLOUT;
		int to_client = has_room(out) ? 0 : POLLOUT;
		struct pollfd p[] = {
			{ client, (short)((has_room(in) ? POLLIN : 0) | to_client), 0 },
			{ keeper, (short)((has_room(out) ? POLLIN : 0) | to_keeper), 0 },
		};
		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			return;
		if (p[0].revents & (POLLHUP | POLLERR))
			return;
		move(in);
		move(out);
		if (in->over && !told) {
			(void)shutdown(keeper, SHUT_WR);
			told = true;
		}
	}
}

/* The keeper gets one end of a pair; the engine stands between that and the client. */
static int answer_bare(struct http_request *rq, struct relay *r, struct error *err)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set(err, errno, "make a pair of sockets");
	auto_close int ours = pair[0];
	auto_close int theirs = pair[1];

	r->attach.socket = theirs;
	r->attach.detach_keys = r->detach_keys;
	int result = r->start(r->arg, &r->attach, err);
	if (result < 0)
		return result;
	close_p(&theirs);
	theirs = -1;
	int client = http_answer_bare(rq, stream_content_type(rq, r->tty));
	if (client >= 0)
		carry(client, ours);
	return 0;
}

int relay_begin(struct http_request *rq, struct relay *take, struct error *err)
{
	auto_(relay_freep) void *relay = take;

	/* told by a status, which is no longer possible on the bare connection */
	int r = manager_check_detach_keys(take->detach_keys, err);
	if (r < 0)
		return r;
	if (http_wants_upgrade(rq))
		return http_upgrade(rq, stream_content_type(rq, take->tty), go_on, take_ptr(relay),
				    relay_free);
	return answer_bare(rq, relay, err);
}
