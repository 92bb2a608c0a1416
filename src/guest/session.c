/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/session.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "container/plan/plan.h"
#include "sys/pty.h"

#define CHUNK (32u * 1024)

static const uint16_t output_types[] = { GUEST_OUTPUT, GUEST_ERROR_OUTPUT };

struct session *session_new(uint32_t id)
{
	struct session *s = xnew(struct session);
	s->id = id;
	s->process = (struct container_process)CONTAINER_PROCESS_NONE;
	s->input_fd = -1;
	strbuf_init(&s->plan, PLAN_BYTES_MAX);
	strbuf_init(&s->input, GUEST_WINDOW);
	for (size_t i = 0; i < ARRAY_SIZE(s->outputs); i++) {
		s->outputs[i].fd = -1;
		s->outputs[i].window = GUEST_WINDOW;
	}
	return s;
}

static void close_input(struct session *s)
{
	if (!s->terminal)
		close_p(&s->input_fd);
	s->input_fd = -1;
}

void session_free(struct session *s)
{
	if (!s)
		return;
	close_input(s);
	for (size_t i = 0; i < ARRAY_SIZE(s->outputs); i++)
		close_p(&s->outputs[i].fd);
	container_process_done(&s->process);
	strbuf_done(&s->plan);
	strbuf_done(&s->input);
	free(s);
}

void session_close_streams(struct container_streams *streams)
{
	for (size_t i = 0; i < ARRAY_SIZE(streams->fds); i++) {
		close_p(&streams->fds[i]);
		streams->fds[i] = -1;
	}
}

int session_open_streams(struct session *s, bool stdin_open, struct container_streams *ret,
			 struct error *err)
{
	*ret = (struct container_streams){ { -1, -1, -1 } };
	for (int i = stdin_open ? 0 : 1; i < 3; i++) {
		int ends[2];
		if (pipe2(ends, O_CLOEXEC) < 0) {
			int rc = error_set(err, errno, "make a pipe");
			session_close_streams(ret);
			return rc;
		}
		int ours = ends[i == 0 ? 1 : 0];
		ret->fds[i] = ends[i == 0 ? 0 : 1];
		(void)fd_set_nonblock(ours, true);
		if (i == 0)
			s->input_fd = ours;
		else
			s->outputs[i - 1].fd = ours;
	}
	return 0;
}

void session_take_terminal(struct session *s)
{
	s->terminal = true;
	s->outputs[0].fd = take_fd(s->process.console_fd);
	s->input_fd = s->outputs[0].fd;
	(void)fd_set_nonblock(s->outputs[0].fd, true);
	if (s->rows && s->cols)
		(void)pty_resize(s->outputs[0].fd, s->rows, s->cols);
}

int session_input(struct session *s, const void *data, size_t len)
{
	if (s->input_ended || (s->state == SESSION_RUNNING && s->input_fd < 0))
		return 0; /* nobody reads it any more */
	strbuf_add(&s->input, data, len);
	return s->input.overflow ? -EMSGSIZE : 0;
}

size_t session_poll(struct session *s, bool may_send, struct pollfd ret[SESSION_POLLS])
{
	size_t n = 0;
	if (s->state == SESSION_STARTING)
		ret[n++] = (struct pollfd){ .fd = s->process.status_fd, .events = POLLIN };
	if (s->state == SESSION_RUNNING && s->input_fd >= 0 && s->input.len > 0)
		ret[n++] = (struct pollfd){ .fd = s->input_fd, .events = POLLOUT };
	for (size_t i = 0; i < ARRAY_SIZE(s->outputs) && may_send; i++)
		if (s->outputs[i].fd >= 0 && s->outputs[i].window > 0)
			ret[n++] = (struct pollfd){ .fd = s->outputs[i].fd, .events = POLLIN };
	return n;
}

static int grant_input(struct session *s, struct channel *ch)
{
	if (s->input_due < GUEST_WINDOW / 4 && s->input.len > 0)
		return 0;
	struct guest_credit credit = { .stream = GUEST_STREAM_INPUT, .bytes = s->input_due };
	auto_strbuf out = STRBUF_INIT(64);
	guest_credit_encode(&credit, &out);
	s->input_due = 0;
	return channel_send(ch, GUEST_CREDIT, s->id, out.data, out.len);
}

static int move_input(struct session *s, struct channel *ch)
{
	while (s->input_fd >= 0 && s->input.len > 0) {
		ssize_t n = write(s->input_fd, s->input.data, s->input.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			close_input(s);
			n = (ssize_t)s->input.len;
		}
		strbuf_consume(&s->input, (size_t)n);
		s->input_due += (uint32_t)n;
	}
	int rc = s->input_due > 0 ? grant_input(s, ch) : 0;
	if (s->input_ended && s->input.len == 0 && !s->terminal)
		close_input(s);
	return rc;
}

/* One piece of a process's output; 1 when one was sent, 0 when there is none now. */
static int move_output(struct session *s, size_t i, struct channel *ch)
{
	char chunk[CHUNK];
	size_t want = s->outputs[i].window < CHUNK ? s->outputs[i].window : CHUNK;
	if (s->outputs[i].fd < 0 || want == 0)
		return 0;

	ssize_t n = read(s->outputs[i].fd, chunk, want);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		if (s->terminal)
			s->input_fd = -1;
		close_p(&s->outputs[i].fd);
		s->outputs[i].fd = -1;
		return 0;
	}
	s->outputs[i].window -= (uint32_t)n;
	int rc = channel_send(ch, output_types[i], s->id, chunk, (size_t)n);
	return rc < 0 ? rc : 1;
}

int session_move(struct session *s, struct channel *ch)
{
	int rc = s->state == SESSION_RUNNING ? move_input(s, ch) : 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(s->outputs); i++) {
		rc = move_output(s, i, ch);
		rc = rc > 0 ? 0 : rc;
	}
	return rc;
}

bool session_drain(struct session *s, struct channel *ch)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->outputs); i++) {
		while (channel_queued(ch) < GUEST_WINDOW && move_output(s, i, ch) > 0)
			continue;
		if (s->outputs[i].fd < 0)
			continue;
		struct pollfd p = { .fd = s->outputs[i].fd, .events = POLLIN };
		if (poll(&p, 1, 0) > 0)
			return false; /* more is there; room for it is not */
	}
	return true;
}
