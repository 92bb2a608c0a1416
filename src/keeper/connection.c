/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/connection.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/strbuf.h"
#include "keeper/keeper.h"
#include "keeper/requests.h"
#include "keeper/session.h"

#define PENDING_MAX (1u << 20)

struct connection {
	struct connection *next;
	struct keeper *keeper;
	struct source source;
	struct strbuf
		pending; /* packets that the engine was too slow for, each behind its length */
	bool gone;       /* freed once nobody looks at it any more */
};

struct connection *connection_next(struct connection *c)
{
	return c->next;
}

static void connection_free(struct connection *c)
{
	struct keeper *k = c->keeper;
	for (struct connection **at = &k->connections; *at; at = &(*at)->next) {
		if (*at == c) {
			*at = c->next;
			break;
		}
	}
	k->connection_count--;
	loop_remove(&c->source);
	(void)close(c->source.fd);
	strbuf_done(&c->pending);
	free(c);
}

void connections_end(struct keeper *k)
{
	while (k->connections)
		connection_free(k->connections);
}

/* Its hang-up ends it, when nobody looks at it any more. */
static void give_up(struct connection *c)
{
	c->gone = true;
	(void)shutdown(c->source.fd, SHUT_RDWR);
	loop_watch(&c->source, EPOLLIN);
}

/*
 * Keeps a packet for later. Until all of them went no request is read, so there are no more than
 * answers to what was read already, and what sessions and clients have to tell.
 */
static void keep_packet(struct connection *c, const void *packet, size_t len)
{
	uint32_t size = (uint32_t)len;
	strbuf_add(&c->pending, &size, sizeof(size));
	strbuf_add(&c->pending, packet, len);
	if (c->pending.overflow)
		give_up(c);
	else
		loop_watch(&c->source, EPOLLOUT);
}

static void send_pending(struct connection *c)
{
	while (c->pending.len) {
		uint32_t size;
		memcpy(&size, c->pending.data, sizeof(size));
		ssize_t n = fd_send(c->source.fd, c->pending.data + sizeof(size), size, NULL, 0);
		if (n == -EAGAIN)
			return;
		if (n < 0) {
			give_up(c);
			return;
		}
		strbuf_consume(&c->pending, sizeof(size) + size);
	}
	strbuf_done(&c->pending);
	loop_watch(&c->source, EPOLLIN);
}

void connection_send(struct connection *c, uint32_t type, uint32_t serial, uint32_t exec,
		     const void *payload, size_t len)
{
	struct {
		struct keeper_header head;
		unsigned char payload[sizeof(struct keeper_present)]; /* the longest */
	} packet = { .head = { type, serial, exec, (uint32_t)len } };
	if (c->gone || len > sizeof(packet.payload))
		return;
	if (len)
		memcpy(packet.payload, payload, len);
	len += sizeof(packet.head);
	ssize_t n = c->pending.len ? -EAGAIN : fd_send(c->source.fd, &packet, len, NULL, 0);
	if (n == -EAGAIN)
		keep_packet(c, &packet, len);
	else if (n < 0)
		give_up(c);
}

/* Reads one packet and carries it out; false where the connection is over, -EAGAIN as true. */
static bool serve_one(struct connection *c, bool *ret_more)
{
	static union {
		struct keeper_header head;
		unsigned char bytes[sizeof(struct keeper_header) + KEEPER_PAYLOAD_MAX];
	} packet;
	int fds[4];
	size_t count = 0;
	ssize_t n = fd_recv(c->source.fd, &packet, sizeof(packet), fds, ARRAY_SIZE(fds), &count);
	*ret_more = n > 0;
	if (n == -EAGAIN || n == -EINTR)
		return !c->gone;
	if (n <= 0)
		return false;
	struct request r = {
		.head = packet.head,
		.payload = packet.bytes + sizeof(packet.head),
		.len = (size_t)n - sizeof(packet.head),
		.fds = fds,
		.fd_count = count,
	};
	struct error err = { 0 };
	bool whole = (size_t)n >= sizeof(packet.head) && packet.head.length == r.len;
	int done = whole ? request_carry_out(c->keeper, &r, c, &err)
			 : error_say(&err, EBADMSG, "the request's length is wrong");
	if (done == 0)
		err = (struct error){ 0 };
	for (size_t i = 0; i < count; i++)
		close_p(&fds[i]);
	if (!whole || packet.head.type != KEEPER_ACK_EXIT)
		connection_send(c, KEEPER_REPLY, packet.head.serial, packet.head.exec, &err,
				sizeof(err));
	return !c->gone;
}

static void connection_ready(struct source *s, uint32_t events)
{
	struct connection *c = container_of(s, struct connection, source);
	bool more;
	if (!c->gone && c->pending.len) {
		send_pending(c);
		if (!(events & (EPOLLHUP | EPOLLERR)))
			return;
	}
	if (!serve_one(c, &more))
		connection_free(c);
}

int connection_add(struct keeper *k, int socket_take, struct error *err)
{
	auto_close int fd = socket_take;
	if (k->connection_count == KEEPER_CONNECTIONS_MAX)
		return error_say(err, EMFILE, "too many engines are connected");
	struct connection *c = xnew(struct connection);
	c->keeper = k;
	strbuf_init(&c->pending, PENDING_MAX);
	c->source = (struct source){ .fd = fd, .events = EPOLLIN, .ready = connection_ready };
	int r = fd_set_nonblock(fd, true);
	r = r < 0 ? error_set(err, r, "prepare a connection") : loop_add(k->loop, &c->source, err);
	if (r < 0) {
		free(c);
		return r;
	}
	(void)take_fd(fd);
	c->next = k->connections;
	k->connections = c;
	k->connection_count++;
	return 0;
}

void connections_serve(struct keeper *k)
{
	for (struct connection *c = k->connections, *next; c; c = next) {
		bool more = true, alive = true;
		next = c->next;
		while (alive && more)
			alive = serve_one(c, &more);
		if (!alive)
			connection_free(c);
	}
}
