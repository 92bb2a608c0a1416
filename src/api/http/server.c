/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "api/http/internal.h"
#include "base/alloc.h"
#include "base/clock.h"

#define CONNECTION_MAX 1024
#define HEAD_TIMEOUT_S 15
#define IDLE_TIMEOUT_S 300
#define STACK_SIZE (512 * 1024)

/* ---- Connections ---------------------------------------------------------------------------- */

struct connection *connection_of(struct MHD_Connection *mhd)
{
	return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static void enter_locked(struct http_server *s, struct connection *c, enum connection_state state)
{
	TAILQ_REMOVE(&s->lists[c->state], c, link);
	c->state = state;
	c->since_ns = clock_monotonic();
	TAILQ_INSERT_TAIL(&s->lists[state], c, link);
}

void connection_enter(struct http_server *s, struct connection *c, enum connection_state state)
{
	pthread_mutex_lock(&s->lock);
	enter_locked(s, c, state);
	pthread_mutex_unlock(&s->lock);
}

/*
 * Cuts off a connection: its thread sees the end and releases it. It counts as busy until then, so
 * that it is not cut off again.
 */
static void cut_off(struct http_server *s, struct connection *c)
{
	(void)shutdown(c->fd, SHUT_RDWR);
	enter_locked(s, c, CONNECTION_BUSY);
}

static void cut_off_overdue(struct http_server *s, enum connection_state state, int timeout_s)
{
	int64_t limit = clock_monotonic() - timeout_s * NSEC_PER_SEC;
	struct connection *c;

	while ((c = TAILQ_FIRST(&s->lists[state])) && c->since_ns < limit)
		cut_off(s, c);
}

/*
 * Past the cap each connection that comes costs another one its place. libmicrohttpd's own limit,
 * at which it drops what comes, is twice as high: a thread that was cut off takes a while to end.
 */
static void make_place(struct http_server *s)
{
	struct connection *c;

	cut_off_overdue(s, CONNECTION_FRESH, s->options.head_timeout_s);
	cut_off_overdue(s, CONNECTION_IDLE, s->options.idle_timeout_s);
	if (s->connections < s->options.connection_max)
		return;
	c = TAILQ_FIRST(&s->lists[CONNECTION_IDLE]);
	if (!c)
		c = TAILQ_FIRST(&s->lists[CONNECTION_FRESH]);
	if (c)
		cut_off(s, c);
}

static void on_connection(void *server, struct MHD_Connection *mhd, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct http_server *s = server;
	struct connection *c = *context;

	pthread_mutex_lock(&s->lock);
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		make_place(s);
		c = xnew(struct connection);
		c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		c->since_ns = clock_monotonic();
		TAILQ_INSERT_TAIL(&s->lists[CONNECTION_FRESH], c, link);
		s->connections++;
		*context = c;
	} else if (c) {
		TAILQ_REMOVE(&s->lists[c->state], c, link);
		s->connections--;
		free(c);
		*context = NULL;
	}
	pthread_mutex_unlock(&s->lock);
}

/* ---- Work under way ------------------------------------------------------------------------- */

void server_work_begin(struct http_server *s)
{
	pthread_mutex_lock(&s->lock);
	s->busy++;
	pthread_mutex_unlock(&s->lock);
}

void server_work_end(struct http_server *s)
{
	pthread_mutex_lock(&s->lock);
	if (--s->busy == 0)
		pthread_cond_broadcast(&s->idle);
	pthread_mutex_unlock(&s->lock);
}

/* ---- Start and stop ------------------------------------------------------------------------- */

/* The target is decoded by uri_parse(), from what on_target saw; this one is not used. */
static size_t leave_escaped(void *context, struct MHD_Connection *mhd, char *text)
{
	(void)context;
	(void)mhd;
	return strlen(text);
}

static struct MHD_Daemon *start_daemon(struct http_server *s, int fd)
{
	unsigned int flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
			     MHD_USE_POLL | MHD_USE_ITC | MHD_ALLOW_UPGRADE;

	return MHD_start_daemon(flags, 0, NULL, NULL, http_on_access, s, /* */
				MHD_OPTION_LISTEN_SOCKET, fd,            /* */
				MHD_OPTION_CONNECTION_LIMIT,
				(unsigned int)s->options.connection_max * 2,
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_HEAD_MAX, /* */
				MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_SIZE,          /* */
				MHD_OPTION_STRICT_FOR_CLIENT, 1,                           /* */
				MHD_OPTION_URI_LOG_CALLBACK, http_on_target, s,            /* */
				MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,         /* */
				MHD_OPTION_NOTIFY_COMPLETED, http_on_completed, s,         /* */
				MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_END);
}

static void server_free(struct http_server *s)
{
	pthread_cond_destroy(&s->idle);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

int http_server_start(const struct http_options *options, struct http_server **ret,
		      struct error *err)
{
	auto_close int fd = fcntl(options->listen_fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return error_set(err, errno, "duplicate the listening socket");

	struct http_server *s = xnew(struct http_server);
	pthread_condattr_t monotonic;
	s->options = *options;
	if (s->options.connection_max == 0)
		s->options.connection_max = CONNECTION_MAX;
	if (s->options.head_timeout_s == 0)
		s->options.head_timeout_s = HEAD_TIMEOUT_S;
	if (s->options.idle_timeout_s == 0)
		s->options.idle_timeout_s = IDLE_TIMEOUT_S;
	for (size_t i = 0; i < ARRAY_SIZE(s->lists); i++)
		TAILQ_INIT(&s->lists[i]);
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&s->idle, &monotonic);
	pthread_condattr_destroy(&monotonic);

	s->daemon = start_daemon(s, fd);
	if (!s->daemon) {
		server_free(s);
		return error_say(err, EIO, "start the HTTP server on descriptor %d",
				 options->listen_fd);
	}
	(void)take_fd(fd);
	*ret = s;
	return 0;
}

static bool wait_until_idle(struct http_server *s, int timeout_ms)
{
	int64_t end = clock_monotonic() + timeout_ms * NSEC_PER_MSEC;
	struct timespec until = { end / NSEC_PER_SEC, end % NSEC_PER_SEC };
	int failed = 0;

	while (s->busy > 0 && failed == 0)
		failed = pthread_cond_timedwait(&s->idle, &s->lock, &until);
	return s->busy == 0;
}

bool http_server_stop(struct http_server *s, int timeout_ms)
{
	struct connection *c;
	int fd = MHD_quiesce_daemon(s->daemon);

	close_p(&fd);
	pthread_mutex_lock(&s->lock);
	for (int state = 0; state < CONNECTION_GIVEN; state++)
		TAILQ_FOREACH(c, &s->lists[state], link)
	(void)shutdown(c->fd, SHUT_RDWR);
	bool idle = wait_until_idle(s, timeout_ms);
	pthread_mutex_unlock(&s->lock);
	if (!idle)
		return false;
	MHD_stop_daemon(s->daemon);
	server_free(s);
	return true;
}
