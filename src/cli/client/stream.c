/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client/stream.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "cli/client/frames.h"
#include "cli/client/url.h"
#include "cli/terminal.h"

#define CONTROL_MAX (1U << 20)
#define BUFFER_SIZE 65536
#define REQUEST_MS 10000
/* What poll(2) promises that a pipe or terminal takes without blocking. */
#define WRITE_MAX 4096

/* The state of one run. */
struct loop {
	struct stream *s;
	struct error *err;
	int signals;
	struct detach_keys keys;
	struct strbuf input; /* typed, not yet sent */
	bool input_ended;
	bool half_closed;
	struct frame_reader frames;
	char *buffer; /* received, not yet printed */
	size_t at;
	size_t len;
	bool ended;
	struct frame_piece piece; /* the part of the buffer that is being printed */
	bool plain[3];            /* output descriptors that never block for long: files */
	int blocked;              /* the output descriptor that took nothing; -1 = none */
	struct strbuf message;    /* a control frame in parts */
};

void stream_take(struct stream *s, struct http *http)
{
	strbuf_init(&s->rest, BUFFER_SIZE * 2);
	s->socket = http_take_socket(http, &s->rest);
	http_free(http);
}

/* ---- Requests beside the stream ------------------------------------------------------------- */

void stream_send_size(struct stream *s)
{
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	uint16_t rows;
	uint16_t cols;
	struct error ignored;

	if (!s->target[0] || !terminal_size(&rows, &cols) || (rows == 0 && cols == 0))
		return;
	strbuf_addf(&url, "%s/resize", s->target);
	url_query_int(&url, "h", rows);
	url_query_int(&url, "w", cols);
	/* a program that has just ended has no size any more */
	(void)!api_post(s->api, strbuf_text(&url), NULL, REQUEST_MS, &ignored);
}

static void send_signal(struct stream *s, int number)
{
	auto_strbuf url = STRBUF_INIT(URL_MAX);
	const char *name = sigabbrev_np(number);
	struct error err = {};

	strbuf_addf(&url, "%s/kill", s->target);
	if (name)
		url_query(&url, "signal", name);
	else
		url_query_int(&url, "signal", number);
	int r = api_post(s->api, strbuf_text(&url), NULL, REQUEST_MS, &err);
	if (r < 0 && r != -ENOENT && r != -EBUSY)
		(void)fprintf(stderr, "berth: pass on signal %d: %s\r\n", number, err.text);
}

/* ---- Signals -------------------------------------------------------------------------------- */

/* Every signal that can be caught, but those of the process's own faults. */
static void caught_signals(sigset_t *ret)
{
	static const int ours[] = { SIGCHLD, SIGPIPE, SIGURG,  SIGABRT, SIGBUS, SIGFPE,
				    SIGILL,  SIGSEGV, SIGTRAP, SIGSYS,  SIGPROF };

	(void)sigfillset(ret);
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		(void)sigdelset(ret, ours[i]);
}

/* Those that end a process which does nothing about them. */
static bool ends_process(int number)
{
	return number == SIGHUP || number == SIGINT || number == SIGQUIT || number == SIGTERM ||
	       number == SIGUSR1 || number == SIGUSR2 || number == SIGALRM;
}

static int take_signal(struct loop *l)
{
	struct signalfd_siginfo info;

	if (read(l->signals, &info, sizeof(info)) != sizeof(info))
		return STREAM_ENDED;
	int number = (int)info.ssi_signo;
	if (number == SIGWINCH) {
		if (l->s->tty)
			stream_send_size(l->s);
		return STREAM_ENDED;
	}
	if (l->s->proxy_signals && l->s->target[0]) {
		send_signal(l->s, number);
		return STREAM_ENDED;
	}
	if (!ends_process(number))
		return STREAM_ENDED;
	l->s->signal = number;
	return STREAM_SIGNALED;
}

/* ---- Input ---------------------------------------------------------------------------------- */

static int take_input(struct loop *l)
{
	char data[16384];
	ssize_t n = read(STDIN_FILENO, data, sizeof(data));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return STREAM_ENDED;
	/* EIO: the terminal is gone, or we are in the background of it */
	if (n <= 0) {
		l->input_ended = true;
		return STREAM_ENDED;
	}
	if (!l->s->tty) {
		strbuf_add(&l->input, data, (size_t)n);
		return STREAM_ENDED;
	}
	return detach_keys_filter(&l->keys, data, (size_t)n, &l->input) ? STREAM_DETACHED
									: STREAM_ENDED;
}

static void send_input(struct loop *l)
{
	ssize_t n = 0;

	if (l->input.len > 0)
		n = send(l->s->socket, l->input.data, l->input.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		/* nobody takes input any more; its output may still come */
		l->input_ended = true;
		l->half_closed = true;
		strbuf_clear(&l->input);
		return;
	}
	strbuf_consume(&l->input, (size_t)n);
	if (l->input_ended && l->input.len == 0 && !l->half_closed) {
		(void)shutdown(l->s->socket, SHUT_WR);
		l->half_closed = true;
	}
}

/* ---- Output --------------------------------------------------------------------------------- */

static int take_control(struct loop *l)
{
	strbuf_add(&l->message, l->piece.data, l->piece.len);
	if (!l->piece.last)
		return 0;

	auto_json *message = NULL;
	int r = json_parse(strbuf_text(&l->message), l->message.len, CONTROL_MAX,
			   "the engine's message", &message, l->err);
	strbuf_clear(&l->message);
	if (r == 0 && l->s->control)
		l->s->control(l->s, message);
	return r;
}

/* Writes some of the present piece; 1 where its descriptor takes nothing now. */
static int print_piece(struct loop *l)
{
	int fd = l->piece.stream == FRAME_ERRORS ? STDERR_FILENO : STDOUT_FILENO;
	size_t len = l->piece.len;

	if (!l->plain[fd]) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };
		if (poll(&p, 1, 0) == 0) {
			l->blocked = fd;
			return 1;
		}
		len = len < WRITE_MAX ? len : WRITE_MAX;
	}
	ssize_t n = write(fd, l->piece.data, len);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n < 0)
		return -errno;
	l->piece.data += n;
	l->piece.len -= (size_t)n;
	return 0;
}

/* Gets the next piece out of the buffer; false where there is none. */
static bool next_piece(struct loop *l)
{
	size_t used = l->len - l->at;
	bool found = true;

	if (l->s->framed) {
		found = frame_next(&l->frames, l->buffer + l->at, used, &used, &l->piece);
	} else {
		l->piece = (struct frame_piece){ .stream = FRAME_OUTPUT,
						 .data = l->buffer + l->at,
						 .len = used };
		found = used > 0;
	}
	l->at += used;
	return found;
}

/* Prints as much of the buffer as goes without waiting. */
static int print_buffer(struct loop *l)
{
	l->blocked = -1;
	for (;;) {
		int r = 0;
		if (l->piece.len == 0 && !next_piece(l))
			return STREAM_ENDED;
		if (l->piece.stream == FRAME_CONTROL && l->s->framed) {
			r = take_control(l);
			l->piece.len = 0;
		} else {
			r = print_piece(l);
		}
		if (r == 1)
			return STREAM_ENDED;
		if (r == -EPIPE)
			return STREAM_CLOSED;
		if (r < 0 && l->err->code == 0)
			return error_set(l->err, r, "write the output");
		if (r < 0)
			return r;
	}
}

static int take_output(struct loop *l)
{
	ssize_t n = recv(l->s->socket, l->buffer, BUFFER_SIZE, MSG_DONTWAIT);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return STREAM_ENDED;
	/* a reset is how the end looks where our input was not read to its end */
	if (n <= 0) {
		l->ended = true;
		return STREAM_ENDED;
	}
	l->at = 0;
	l->len = (size_t)n;
	return print_buffer(l);
}

/* ---- The loop ------------------------------------------------------------------------------- */

static bool has_output(const struct loop *l)
{
	return l->piece.len > 0 || l->at < l->len;
}

enum { P_SIGNAL, P_SOCKET, P_INPUT, P_OUTPUT, P_COUNT };

static void choose_events(struct loop *l, struct pollfd polls[P_COUNT])
{
	bool reads_input = l->s->std_in && !l->input_ended && l->input.len == 0;
	bool sends = l->input.len > 0 || (l->input_ended && !l->half_closed);
	short events = 0;

	if (!has_output(l))
		events |= POLLIN;
	if (sends)
		events |= POLLOUT;
	polls[P_SIGNAL] = (struct pollfd){ .fd = l->signals, .events = POLLIN };
	polls[P_SOCKET] = (struct pollfd){ .fd = events ? l->s->socket : -1, .events = events };
	polls[P_INPUT] = (struct pollfd){ .fd = reads_input ? STDIN_FILENO : -1, .events = POLLIN };
	polls[P_OUTPUT] =
		(struct pollfd){ .fd = has_output(l) ? l->blocked : -1, .events = POLLOUT };
}

static int turn(struct loop *l)
{
	struct pollfd polls[P_COUNT];
	int r = STREAM_ENDED;

	choose_events(l, polls);
	if (poll(polls, P_COUNT, -1) < 0)
		return errno == EINTR ? STREAM_ENDED
				      : error_set(l->err, errno, "wait for the instance");
	if (polls[P_SIGNAL].revents)
		r = take_signal(l);
	if (r == STREAM_ENDED && polls[P_OUTPUT].revents)
		r = print_buffer(l);
	if (r == STREAM_ENDED && polls[P_INPUT].revents)
		r = take_input(l);
	if (r == STREAM_ENDED && (polls[P_SOCKET].revents & (POLLOUT | POLLERR)))
		send_input(l);
	if (r == STREAM_ENDED && (polls[P_SOCKET].revents & (POLLIN | POLLHUP | POLLERR)) &&
	    !has_output(l))
		r = take_output(l);
	return r;
}

static int run_loop(struct loop *l)
{
	struct stream *s = l->s;
	int r = STREAM_ENDED;

	if (s->rest.len > 0) {
		memcpy(l->buffer, s->rest.data, s->rest.len);
		l->len = s->rest.len;
		r = print_buffer(l);
	}
	while (r == STREAM_ENDED && ((!l->ended && !s->over) || has_output(l)))
		r = turn(l);
	return r;
}

static bool is_plain(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode));
}

static int prepare(struct loop *l, const sigset_t *caught)
{
	const char *keys = l->s->detach_keys ? l->s->detach_keys : DETACH_KEYS_DEFAULT;

	int r = detach_keys_parse(keys, &l->keys, l->err);
	if (r < 0)
		return r;
	l->signals = signalfd(-1, caught, SFD_CLOEXEC | SFD_NONBLOCK);
	if (l->signals < 0)
		return error_set(l->err, errno, "make a signalfd");
	l->plain[STDOUT_FILENO] = is_plain(STDOUT_FILENO);
	l->plain[STDERR_FILENO] = is_plain(STDERR_FILENO);
	if (!l->s->tty)
		return 0;
	stream_send_size(l->s);
	return l->s->std_in ? terminal_make_raw(l->err) : 0;
}

int stream_run(struct stream *s, struct error *err)
{
	auto_free char *buffer = xmalloc(BUFFER_SIZE * 2);
	struct loop l = {
		.s = s,
		.err = err,
		.signals = -1,
		.input = STRBUF_INIT(BUFFER_SIZE),
		.message = STRBUF_INIT(CONTROL_MAX),
		.buffer = buffer,
		.blocked = -1,
	};
	sigset_t caught;
	sigset_t before;

	err->code = 0;
	caught_signals(&caught);
	(void)sigprocmask(SIG_BLOCK, &caught, &before);
	int r = prepare(&l, &caught);
	if (r == 0)
		r = run_loop(&l);
	terminal_restore();
	close_p(&l.signals);
	close_p(&s->socket);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	strbuf_done(&s->rest);
	strbuf_done(&l.input);
	strbuf_done(&l.message);
	return r;
}
