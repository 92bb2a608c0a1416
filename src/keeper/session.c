/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/session.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "keeper/backend.h"
#include "keeper/client.h"
#include "keeper/keeper.h"
#include "keeper/log-sink.h"

#define READ_MAX 32768

struct session *session_new(struct keeper *k, uint32_t exec)
{
	struct session *s = xnew(struct session);
	s->keeper = k;
	s->exec = exec;
	s->input.fd = -1;
	for (uint32_t i = 0; i < 2; i++) {
		s->outputs[i].source.fd = -1;
		s->outputs[i].session = s;
		s->outputs[i].stream = i + 1;
	}
	return s;
}

static void end_source(struct source *source)
{
	loop_remove(source);
	close_p(&source->fd);
	source->fd = -1;
}

void session_drop_log(struct session *s)
{
	log_sink_free(s->log);
	s->log = NULL;
}

void session_free(struct session *s)
{
	if (!s)
		return;
	while (s->clients)
		client_end(s->clients, KEEPER_ATTACH_END_EOF);
	end_source(&s->input);
	end_source(&s->outputs[0].source);
	end_source(&s->outputs[1].source);
	session_drop_log(s);
	free(s);
}

static bool has_output(const struct session *s)
{
	return s->outputs[0].source.fd >= 0 || s->outputs[1].source.fd >= 0;
}

bool session_is_done(const struct session *s)
{
	return s->state >= SESSION_FAILED && !s->clients && !has_output(s) &&
	       !log_sink_is_behind(s->log);
}

static bool any_behind(const struct session *s)
{
	for (const struct client *c = s->clients; c; c = c->next) {
		if (client_is_behind(c))
			return true;
	}
	return log_sink_is_behind(s->log);
}

/* Reads one piece and gives it to everybody; 0 at the end, -EAGAIN where there is none now. */
static ssize_t pass_on(struct output *o)
{
	static char data[READ_MAX];
	struct session *s = o->session;
	ssize_t n = read(o->source.fd, data, sizeof(data));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return -EAGAIN;
	if (n <= 0)
		return 0; /* a terminal says EIO when its last other end is closed */
	log_sink_write(s->log, o->stream == 2 ? LOG_STDERR : LOG_STDOUT, data, (size_t)n,
		       clock_now());
	for (struct client *c = s->clients; c; c = c->next)
		client_send(c, o->stream, data, (size_t)n);
	return n;
}

/* Waits for a stream's output, or for nothing; a hang-up took it out of the loop meanwhile. */
static void watch_output(struct output *o, bool behind)
{
	struct error err;
	if (o->source.fd < 0)
		return;
	if (o->source.loop || behind)
		loop_watch(&o->source, behind ? 0 : EPOLLIN);
	else if (loop_add(o->session->keeper->loop, &o->source, &err) < 0)
		end_source(&o->source);
}

void session_settle(struct session *s)
{
	bool behind = any_behind(s);
	watch_output(&s->outputs[0], behind);
	watch_output(&s->outputs[1], behind);
	if (s->state < SESSION_FAILED || has_output(s))
		return;
	for (struct client *c = s->clients, *next; c; c = next) {
		next = c->next;
		if (!client_is_behind(c))
			client_end(c, KEEPER_ATTACH_END_EOF);
	}
}

static void output_ready(struct source *source, uint32_t events)
{
	struct output *o = container_of(source, struct output, source);
	struct session *s = o->session;
	/* A hang-up is told even while nothing is waited for: then it is left for later. */
	if (any_behind(s)) {
		if (events & (EPOLLHUP | EPOLLERR)) {
			loop_remove(source);
			source->events = EPOLLIN;
		}
		return;
	}
	if (pass_on(o) == 0)
		end_source(source);
}

/* Puts a stream into the loop; where even that fails, the stream is given up. */
static void add_source(struct session *s, struct source *source, int fd, uint32_t events,
		       void (*ready)(struct source *s, uint32_t events))
{
	struct error err;
	*source = (struct source){ .fd = fd, .events = events, .ready = ready };
	(void)fd_set_nonblock(fd, true);
	if (loop_add(s->keeper->loop, source, &err) < 0)
		end_source(source);
}

static void input_ready(struct source *source, uint32_t events)
{
	struct session *s = container_of(source, struct session, input);
	if (events & EPOLLOUT) {
		loop_watch(source, 0);
		for (struct client *c = s->clients; c; c = c->next)
			client_push_input(c);
	} else if (!s->terminal) {
		end_source(source);
		for (struct client *c = s->clients; c; c = c->next)
			client_push_input(c);
	} else {
		loop_remove(source);
	}
}

void session_set_streams_take(struct session *s, struct session_streams *streams)
{
	if (streams->input >= 0)
		add_source(s, &s->input, take_fd(streams->input), 0, input_ready);
	if (streams->output >= 0)
		add_source(s, &s->outputs[0].source, take_fd(streams->output), EPOLLIN,
			   output_ready);
	if (streams->error >= 0)
		add_source(s, &s->outputs[1].source, take_fd(streams->error), EPOLLIN,
			   output_ready);
}

void session_started(struct session *s, int pid, const int64_t *phase_ns)
{
	s->state = SESSION_RUNNING;
	s->pid = pid;
	s->started_ns = clock_now();
	for (struct client *c = s->clients; c; c = c->next)
		client_push_input(c);
	struct keeper_started started = { .pid = pid, .started_ns = s->started_ns };
	if (phase_ns)
		memcpy(started.phase_ns, phase_ns, sizeof(started.phase_ns));
	keeper_tell(s->keeper, KEEPER_STARTED, s->exec, &started, sizeof(started));
	keeper_started(s->keeper, s);
}

void session_failed(struct session *s, int exit_code, const struct error *err)
{
	struct keeper_failed failed = { .exit_code = exit_code, .error = *err };
	s->state = SESSION_FAILED;
	s->exit_code = exit_code;
	end_source(&s->input);
	end_source(&s->outputs[0].source);
	end_source(&s->outputs[1].source);
	keeper_ended(s->keeper, s, err);
	keeper_tell(s->keeper, KEEPER_FAILED, s->exec, &failed, sizeof(failed));
}

/*
 * Reads what is left in a stream of a process that has ended. Something else may still hold the
 * other end: what comes after this is nobody's.
 */
static void drain(struct output *o)
{
	while (o->source.fd >= 0) {
		ssize_t n = pass_on(o);
		if (n <= 0)
			end_source(&o->source);
	}
}

static void end_session(struct session *s, int exit_code, int signal, const struct error *why)
{
	s->state = SESSION_EXITED;
	s->exit_code = exit_code;
	s->signal = signal;
	end_source(&s->input);
	drain(&s->outputs[0]);
	drain(&s->outputs[1]);
	log_sink_finish(s->log, clock_now());
	keeper_ended(s->keeper, s, why);
}

void session_exited(struct session *s, int exit_code, int signal)
{
	end_session(s, exit_code, signal, NULL);
}

void session_broken(struct session *s, int exit_code, const struct error *why)
{
	end_session(s, exit_code, 0, why);
}

long session_write_input(struct session *s, const char *data, size_t len)
{
	if (s->state == SESSION_STARTING)
		return 0;
	if (s->input.fd < 0)
		return -EPIPE;
	ssize_t n = write(s->input.fd, data, len);
	if (n >= 0)
		return n;
	if (errno == EAGAIN || errno == EINTR) {
		loop_watch(&s->input, EPOLLOUT);
		return 0;
	}
	if (!s->terminal)
		end_source(&s->input);
	return -EPIPE;
}

void session_input_ended(struct session *s)
{
	/* A terminal has no end of its own; the program sees ctrl-d as a byte. */
	if (s->stdin_once && !s->terminal)
		end_source(&s->input);
}
