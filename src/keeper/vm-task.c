/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/vm-task.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "keeper/keeper.h"

#define CHUNK (32u * 1024)

static void input_ready(struct source *source, uint32_t events);
static void output_ready(struct source *source, uint32_t events);

struct vm_task *vm_task_new(struct session *s, struct channel *channel)
{
	struct vm_task *t = xnew(struct vm_task);
	t->session = s;
	t->channel = channel;
	t->id = s->exec;
	t->theirs = (struct session_streams){ -1, -1, -1 };
	t->input = (struct source){ .fd = -1, .ready = input_ready };
	t->input_window = GUEST_WINDOW;
	for (size_t i = 0; i < ARRAY_SIZE(t->outputs); i++) {
		t->outputs[i].task = t;
		t->outputs[i].source = (struct source){ .fd = -1, .ready = output_ready };
		strbuf_init(&t->outputs[i].pending, GUEST_WINDOW);
	}
	return t;
}

static void end_source(struct source *s)
{
	loop_remove(s);
	close_p(&s->fd);
	s->fd = -1;
}

void vm_task_free(struct vm_task *t)
{
	if (!t)
		return;
	end_source(&t->input);
	for (size_t i = 0; i < ARRAY_SIZE(t->outputs); i++) {
		end_source(&t->outputs[i].source);
		strbuf_done(&t->outputs[i].pending);
	}
	close_p(&t->theirs.input);
	close_p(&t->theirs.output);
	close_p(&t->theirs.error);
	free(t);
}

static int make_pipe(int *ret_read, int *ret_write, struct error *err)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set(err, errno, "make a pipe");
	*ret_read = ends[0];
	*ret_write = ends[1];
	return 0;
}

/* A terminal is one stream both ways; its two ends here are duplicates. */
static int open_terminal(struct vm_task *t, struct error *err)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set(err, errno, "make a socket pair");
	t->theirs.output = pair[0];
	t->outputs[0].source.fd = pair[1];
	t->theirs.input = fcntl(pair[0], F_DUPFD_CLOEXEC, 3);
	t->input.fd = fcntl(pair[1], F_DUPFD_CLOEXEC, 3);
	if (t->theirs.input < 0 || t->input.fd < 0)
		return error_set(err, errno, "duplicate a descriptor");
	return 0;
}

static int add_source(struct vm_task *t, struct source *s, uint32_t events, struct error *err)
{
	if (s->fd < 0)
		return 0;
	(void)fd_set_nonblock(s->fd, true);
	s->events = events;
	return loop_add(t->session->keeper->loop, s, err);
}

int vm_task_open(struct vm_task *t, struct error *err)
{
	int rc = 0;
	if (t->session->terminal) {
		rc = open_terminal(t, err);
	} else {
		if (t->session->stdin_open)
			rc = make_pipe(&t->input.fd, &t->theirs.input, err);
		if (rc == 0)
			rc = make_pipe(&t->theirs.output, &t->outputs[0].source.fd, err);
		if (rc == 0)
			rc = make_pipe(&t->theirs.error, &t->outputs[1].source.fd, err);
	}
	return rc;
}

int vm_task_started(struct vm_task *t, int pid, const int64_t *phase_ns, struct error *err)
{
	int rc = add_source(t, &t->input, EPOLLIN, err);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(t->outputs); i++)
		rc = add_source(t, &t->outputs[i].source, 0, err);
	if (rc < 0)
		return rc;
	session_set_streams_take(t->session, &t->theirs);
	session_started(t->session, pid, phase_ns);
	return 0;
}

static void send_input_end(struct vm_task *t)
{
	end_source(&t->input);
	if (!t->input_ended && !t->session->terminal)
		(void)!channel_send(t->channel, GUEST_INPUT_END, t->id, NULL, 0);
	t->input_ended = true;
}

static void input_ready(struct source *source, uint32_t events)
{
	struct vm_task *t = container_of(source, struct vm_task, input);
	char chunk[CHUNK];
	size_t want = t->input_window < CHUNK ? t->input_window : CHUNK;
	if (want == 0) {
		/* A hang-up is told even while nothing is waited for: it is found again with credit. */
		if (events & (EPOLLHUP | EPOLLERR))
			loop_remove(source);
		else
			loop_watch(source, 0);
		return;
	}
	ssize_t n = read(source->fd, chunk, want);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || channel_send(t->channel, GUEST_INPUT, t->id, chunk, (size_t)n) < 0) {
		send_input_end(t);
		return;
	}
	t->input_window -= (uint32_t)n;
}

int vm_task_credit(struct vm_task *t, const struct guest_credit *credit)
{
	struct error ignored;
	if (credit->stream != GUEST_STREAM_INPUT || credit->bytes == 0 ||
	    credit->bytes > GUEST_WINDOW - t->input_window)
		return -EBADMSG;
	t->input_window += credit->bytes;
	if (t->input.fd < 0 || t->input_window == 0)
		return 0;
	if (t->input.loop)
		loop_watch(&t->input, EPOLLIN);
	else if (add_source(t, &t->input, EPOLLIN, &ignored) < 0)
		send_input_end(t);
	return 0;
}

static bool all_passed_on(const struct vm_task *t)
{
	return t->outputs[0].pending.len == 0 && t->outputs[1].pending.len == 0;
}

static void finish(struct vm_task *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(t->outputs); i++)
		end_source(&t->outputs[i].source);
	end_source(&t->input);
	session_exited(t->session, t->exit_code, t->signal);
}

static void grant(struct vm_output *o)
{
	if (o->due < GUEST_WINDOW / 4)
		return;
	struct vm_task *t = o->task;
	struct guest_credit credit = {
		.stream = o == &t->outputs[0] ? GUEST_STREAM_OUTPUT : GUEST_STREAM_ERROR,
		.bytes = o->due,
	};
	auto_strbuf out = STRBUF_INIT(64);
	guest_credit_encode(&credit, &out);
	o->due = 0;
	(void)!channel_send(t->channel, GUEST_CREDIT, t->id, out.data, out.len);
}

/* Writes what is pending as far as the session's end takes it. */
static void pass_on(struct vm_output *o)
{
	while (o->source.fd >= 0 && o->pending.len > 0) {
		ssize_t n = write(o->source.fd, o->pending.data, o->pending.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			loop_watch(&o->source, EPOLLOUT);
			break;
		}
		if (n < 0) {
			end_source(&o->source);
			break;
		}
		strbuf_consume(&o->pending, (size_t)n);
		o->due += (uint32_t)n;
	}
	if (o->source.fd < 0 && o->pending.len > 0) {
		/* Nobody reads it: the process may go on. */
		o->due += (uint32_t)o->pending.len;
		strbuf_clear(&o->pending);
	}
	if (o->pending.len == 0 && o->source.fd >= 0)
		loop_watch(&o->source, 0);
	grant(o);
}

static void output_ready(struct source *source, uint32_t events)
{
	struct vm_output *o = container_of(source, struct vm_output, source);
	struct vm_task *t = o->task;
	if (events & (EPOLLHUP | EPOLLERR))
		end_source(source);
	pass_on(o);
	if (t->exited && all_passed_on(t))
		finish(t);
}

int vm_task_output(struct vm_task *t, enum guest_stream stream, const void *data, size_t len)
{
	struct vm_output *o = &t->outputs[stream - GUEST_STREAM_OUTPUT];
	if (t->exited || len == 0 || len > GUEST_WINDOW - o->due - o->pending.len)
		return -EBADMSG;
	strbuf_add(&o->pending, data, len);
	pass_on(o);
	return 0;
}

void vm_task_exited(struct vm_task *t, int exit_code, int signal)
{
	t->exited = true;
	t->exit_code = exit_code;
	t->signal = signal;
	if (all_passed_on(t))
		finish(t);
}
