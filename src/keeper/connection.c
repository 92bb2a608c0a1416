/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/connection.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "keeper/keeper.h"
#include "keeper/requests.h"
#include "keeper/session.h"

struct connection {
	struct connection *next;
	struct keeper *keeper;
	struct source source;
	bool gone; /* freed once nobody looks at it any more */
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
	free(c);
}

void connections_end(struct keeper *k)
{
	while (k->connections)
		connection_free(k->connections);
}

void connection_send(struct connection *c, uint32_t type, uint32_t serial, uint32_t exec,
		     const void *payload, size_t len)
{
	struct {
		struct keeper_header head;
		unsigned char payload[sizeof(struct keeper_exit)];
	} packet = { .head = { type, serial, exec, (uint32_t)len } };
	if (c->gone || len > sizeof(packet.payload))
		return;
	if (len)
		memcpy(packet.payload, payload, len);
	ssize_t n = fd_send(c->source.fd, &packet, sizeof(packet.head) + len, NULL, 0);
	if (n < 0)
		c->gone = true; /* its hang-up, or the next message, ends it */
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
	(void)events;
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
