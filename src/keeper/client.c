/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "keeper/keeper.h"
#include "keeper/session.h"

#define HEADER_LEN 8
#define READ_MAX 16384
/* What the pipes of a process that has ended still hold (twice 64 KiB), with their headers. */
#define PENDING_MAX (256u << 10)
/* A chunk that was read, and what the engine had read before it. */
#define INPUT_MAX (KEEPER_PAYLOAD_MAX + READ_MAX + DETACH_KEYS_MAX)

static bool wants_stdin(const struct client *c)
{
	return c->attach.flags & KEEPER_ATTACH_STDIN;
}

/* Waits for what makes sense at this moment. */
static void watch(struct client *c)
{
	uint32_t events = 0;
	if (!c->input_ended && !c->input.len)
		events |= EPOLLIN;
	if (c->pending.len)
		events |= EPOLLOUT;
	loop_watch(&c->source, events);
}

bool client_is_behind(const struct client *c)
{
	return c->pending.len > 0;
}

/* Sends two pieces without waiting; how many bytes went, or -1 where the client has gone. */
static ssize_t send_now(int fd, const void *head, size_t head_len, const void *data, size_t len)
{
	struct iovec iov[2] = {
		{ (void *)(uintptr_t)head, head_len },
		{ (void *)(uintptr_t)data, len },
	};
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n = sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

void client_send(struct client *c, uint32_t stream, const char *data, size_t len)
{
	uint32_t flag = stream == 2 ? KEEPER_ATTACH_STDERR : KEEPER_ATTACH_STDOUT;
	if (!(c->attach.flags & flag) || !len)
		return;
	unsigned char head[HEADER_LEN] = { (unsigned char)stream };
	uint32_t size = htonl((uint32_t)len);
	size_t head_len = c->attach.flags & KEEPER_ATTACH_MULTIPLEX ? HEADER_LEN : 0;
	memcpy(head + 4, &size, sizeof(size));

	ssize_t n = c->pending.len ? 0 : send_now(c->source.fd, head, head_len, data, len);
	if (n < 0) {
		/* Told by the loop as a hang-up; until then it takes nothing. */
		c->attach.flags &= ~(uint32_t)(KEEPER_ATTACH_STDOUT | KEEPER_ATTACH_STDERR);
		return;
	}
	size_t sent = (size_t)n;
	if (sent < head_len) {
		strbuf_add(&c->pending, head + sent, head_len - sent);
		sent = head_len;
	}
	strbuf_add(&c->pending, data + (sent - head_len), len - (sent - head_len));
	watch(c);
}

/* Sends what is pending; false where the client has gone. */
static bool flush(struct client *c)
{
	while (c->pending.len) {
		ssize_t n = send_now(c->source.fd, c->pending.data, c->pending.len, NULL, 0);
		if (n < 0)
			return false;
		if (n == 0)
			return true;
		strbuf_consume(&c->pending, (size_t)n);
	}
	strbuf_done(&c->pending);
	return true;
}

static void tell_input_ended(struct client *c)
{
	if (c->input_ended && !c->input.len && !c->input_told && wants_stdin(c)) {
		c->input_told = true;
		session_input_ended(c->session);
	}
}

void client_push_input(struct client *c)
{
	while (c->input.len) {
		long n = session_write_input(c->session, c->input.data, c->input.len);
		if (n == 0)
			break;
		/* Nobody reads any more: the client may go on to write, into nothing. */
		strbuf_consume(&c->input, n < 0 ? c->input.len : (size_t)n);
	}
	if (!c->input.len)
		strbuf_done(&c->input);
	tell_input_ended(c);
	watch(c);
}

/* Takes what the client sent; true where it asked to be let go. */
static bool take_input(struct client *c, const char *data, size_t len)
{
	bool detached = false;
	if (!wants_stdin(c))
		return false;
	if (c->session->terminal && !(c->attach.flags & KEEPER_ATTACH_NO_DETACH)) {
		char out[READ_MAX + DETACH_KEYS_MAX];
		for (size_t part; len && !detached; data += part, len -= part) {
			size_t n = 0;
			part = len > READ_MAX ? READ_MAX : len;
			detached = detach_keys_filter(&c->keys, data, part, out, &n);
			strbuf_add(&c->input, out, n);
		}
	} else {
		strbuf_add(&c->input, data, len);
	}
	client_push_input(c);
	return detached;
}

static void read_input(struct client *c)
{
	char data[READ_MAX];
	ssize_t n = recv(c->source.fd, data, sizeof(data), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		c->input_ended = true;
		tell_input_ended(c);
		watch(c);
		return;
	}
	if (take_input(c, data, (size_t)n))
		client_end(c, KEEPER_ATTACH_END_DETACHED);
}

static void client_ready(struct source *s, uint32_t events)
{
	struct client *c = container_of(s, struct client, source);
	if ((events & EPOLLOUT) && !flush(c)) {
		client_end(c, KEEPER_ATTACH_END_CLOSED);
		return;
	}
	watch(c);
	if (events & EPOLLIN) {
		read_input(c);
		return;
	}
	if (events & (EPOLLHUP | EPOLLERR))
		client_end(c, KEEPER_ATTACH_END_CLOSED);
}

int client_new(struct session *s, int socket_take, const struct keeper_attach *attach,
	       const void *sent, size_t sent_len, struct error *err)
{
	struct client *c = xnew(struct client);
	c->session = s;
	c->attach = *attach;
	c->source = (struct source){ .fd = socket_take, .events = EPOLLIN, .ready = client_ready };
	strbuf_init(&c->pending, PENDING_MAX);
	strbuf_init(&c->input, INPUT_MAX);
	detach_keys_init(&c->keys, attach->detach_keys, attach->detach_len);
	int r = loop_add(s->keeper->loop, &c->source, err);
	if (r < 0) {
		(void)close(socket_take);
		free(c);
		return r;
	}
	c->next = s->clients;
	s->clients = c;
	if (sent_len && take_input(c, sent, sent_len))
		client_end(c, KEEPER_ATTACH_END_DETACHED);
	return 0;
}

void client_end(struct client *c, enum keeper_attach_end why)
{
	struct session *s = c->session;
	for (struct client **at = &s->clients; *at; at = &(*at)->next) {
		if (*at == c) {
			*at = c->next;
			break;
		}
	}
	if (why == KEEPER_ATTACH_END_CLOSED) {
		c->input_ended = true;
		strbuf_clear(&c->input);
		tell_input_ended(c);
	}
	loop_remove(&c->source);
	if (!(c->attach.flags & KEEPER_ATTACH_KEEP_OPEN))
		(void)shutdown(c->source.fd, SHUT_WR);
	(void)close(c->source.fd);
	struct keeper_attach_done done = { .client = c->attach.client, .end = why };
	keeper_tell(s->keeper, KEEPER_ATTACH_DONE, s->exec, &done, sizeof(done));
	strbuf_done(&c->pending);
	strbuf_done(&c->input);
	free(c);
}
