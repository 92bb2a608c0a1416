/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "container/plan/plan.h"
#include "keeper/backend.h"
#include "keeper/connection.h"
#include "keeper/journal-writer.h"
#include "keeper/keeper-inside.h"
#include "keeper/keeper.h"
#include "keeper/log-writer.h"
#include "keeper/loaded-plan.h"
#include "keeper/session.h"
#include "sys/signals.h"

/**
 * DOC: berth-keeper
 *
 * One process for each running instance: its parent, its log, its console, its exit status. Started
 * by the engine with the descriptors that instance/keeper-protocol.h lists, and outlives it.
 */

static void accept_ready(struct source *s, uint32_t events)
{
	struct keeper *k = container_of(s, struct keeper, listen);
	struct error err;
	(void)events;
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	if (connection_add(k, fd, &err) < 0)
		log_event(LOG_LEVEL_WARNING, "connection refused", "error", err.text, NULL);
}

static void signal_ready(struct source *s, uint32_t events)
{
	struct keeper *k = container_of(s, struct keeper, signals);
	struct signalfd_siginfo info;
	struct error err;
	(void)events;
	if (read(s->fd, &info, sizeof(info)) == sizeof(info) && keeper_stop(k, &err) < 0)
		log_event(LOG_LEVEL_WARNING, "cannot stop the instance", "error", err.text, NULL);
}

static void deadline_ready(struct source *s, uint32_t events)
{
	uint64_t count;
	(void)events;
	if (read(s->fd, &count, sizeof(count)) == sizeof(count))
		keeper_deadline(container_of(s, struct keeper, deadline));
}

static int add_source(struct keeper *k, struct source *source, int fd,
		      void (*ready)(struct source *s, uint32_t events), const char *what,
		      struct error *err)
{
	if (fd < 0)
		return error_set(err, errno, "make %s", what);
	*source = (struct source){ .fd = fd, .events = EPOLLIN, .ready = ready };
	return loop_add(k->loop, source, err);
}

/* SIGTERM and SIGINT ask for an orderly end; everything else keeps its meaning. */
static int catch_signals(struct keeper *k, struct error *err)
{
	sigset_t set;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return error_set(err, errno, "block signals");
	int r = signals_ignore(SIGPIPE, err);
	if (r == 0)
		r = signals_ignore(SIGHUP, err);
	if (r < 0)
		return r;
	return add_source(k, &k->signals, signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
			  signal_ready, "a descriptor for signals", err);
}

/* The descriptors were inherited on purpose; nothing that the keeper starts gets them. */
static int take_descriptors(struct keeper *k, struct error *err)
{
	for (int fd = KEEPER_FD_PLAN; fd < KEEPER_FD_FIRST; fd++) {
		if (fcntl(fd, F_GETFD) < 0)
			return error_set(err, errno, "use descriptor %d", fd);
	}
	while (fcntl(KEEPER_FD_FIRST + (int)k->given_fds, F_GETFD) >= 0)
		k->given_fds++;
	if (close_range(KEEPER_FD_PLAN, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		return error_set(err, errno, "keep descriptors back");
	return 0;
}

static int open_keeper(struct keeper *k, struct error *err)
{
	k->run_fd = KEEPER_FD_RUN;
	k->log_fd = KEEPER_FD_LOG;
	int r = take_descriptors(k, err);
	if (r < 0)
		return r;
	k->loop = loop_new(err);
	if (!k->loop)
		return err->code;
	r = catch_signals(k, err);
	if (r == 0)
		r = add_source(k, &k->deadline,
			       timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
			       deadline_ready, "a timer", err);
	if (r == 0)
		r = add_source(k, &k->listen, KEEPER_FD_LISTEN, accept_ready, "a listening socket",
			       err);
	if (r == 0)
		r = connection_add(k, KEEPER_FD_CONTROL, err);
	return r;
}

/* The session of the first process, as the plan wants its streams. */
static int make_first(struct keeper *k, const struct plan *plan, struct error *err)
{
	struct session *s = session_new(k, 0);
	const struct plan_streams *streams = &plan->streams;
	k->first = k->sessions = s;
	s->terminal = streams->terminal;
	s->stdin_open = streams->stdin_open;
	s->stdin_once = streams->stdin_once;
	if (streams->log == PLAN_LOG_FILE)
		return log_writer_open(k->log_fd, streams->log_max_bytes, streams->log_max_files,
				       &s->log, err);
	if (streams->log == PLAN_LOG_JOURNAL)
		return journal_writer_open(k->loop, JOURNAL_SOCKET, streams->journal_fields,
					   streams->journal_fields_len, &s->log, err);
	return 0;
}

/* Reads the plan, takes what engines have asked already, and starts the instance. */
static int start(struct keeper *k, struct error *err)
{
	struct loaded_plan file = LOADED_PLAN_NONE;
	int fds[PLAN_FDS_MAX];
	int r = loaded_plan_read(KEEPER_FD_PLAN, &file, err);
	if (r < 0) {
		k->first = k->sessions = session_new(k, 0);
		return r;
	}
	struct plan *plan = file.plan;
	k->stop_signal = plan->stop_signal;
	k->stop_timeout_ms = plan->stop_timeout_ms;
	for (uint32_t i = 0; i < plan->fd_count; i++)
		fds[i] = KEEPER_FD_FIRST + (int)i;
	r = make_first(k, plan, err);
	if (r == 0 && !k->backend->ops->own_fds && plan->fd_count > k->given_fds)
		r = error_say(err, EBADMSG, "the plan names %u descriptors, but %u were given",
			      plan->fd_count, k->given_fds);
	if (r == 0) {
		connections_serve(k);
		if (k->first->rows && k->first->cols) {
			plan->streams.rows = k->first->rows;
			plan->streams.cols = k->first->cols;
		}
		k->planned_ns = clock_monotonic();
		r = k->backend->ops->start(k->backend, plan, fds, k->first, err);
	}
	/* The instance holds what it needs of these. */
	if (k->given_fds)
		(void)close_range(KEEPER_FD_FIRST, KEEPER_FD_FIRST + k->given_fds - 1, 0);
	loaded_plan_done(&file);
	return r;
}

static int run(struct keeper *k, struct error *err)
{
	int r = start(k, err);
	if (r < 0 && k->first->state == SESSION_STARTING)
		session_failed(k->first, 125, err);
	else if (r < 0)
		return r;
	(void)close(KEEPER_FD_PLAN);
	r = 0;
	keeper_settle(k);
	while (r == 0 && !k->finished) {
		r = loop_turn(k->loop, -1, err);
		keeper_settle(k);
	}
	return r;
}

static void close_keeper(struct keeper *k)
{
	while (k->sessions) {
		struct session *s = k->sessions;
		k->sessions = s->next;
		k->backend->ops->forget(k->backend, s);
		session_free(s);
	}
	connections_end(k);
	k->backend->ops->free(k->backend);
	loop_free(k->loop);
}

/*
 * Another errand for the engine, which has threads and so can make no user namespace: be in a new one
 * until the other end of the socket, at the place of the plan, is closed.
 */
static int hold_user_namespace(void)
{
	char byte = 0;

	if (unshare(CLONE_NEWUSER) < 0)
		byte = (char)errno;
	if (write(KEEPER_FD_PLAN, &byte, 1) != 1)
		return 1;
	while (read(KEEPER_FD_PLAN, &byte, 1) < 0 && errno == EINTR)
		;
	return 0;
}

int main(int argc, char **argv)
{
	struct keeper k = { .spawned_ns = clock_monotonic() };
	struct error err = { 0 };
	const char *id = argc > 1 ? argv[1] : "?";
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return 1;
	if (argc == 2 && strcmp(id, KEEPER_ARG_TEMPLATE) == 0)
		return vm_template_main();
	if (argc == 2 && strcmp(id, KEEPER_ARG_PROBE) == 0)
		return vm_probe_main();
	if (argc == 2 && strcmp(id, KEEPER_ARG_USER_NAMESPACE) == 0)
		return hold_user_namespace();
	struct vm_spare *spare = NULL;
	if (argc == 3 && strcmp(argv[2], KEEPER_ARG_SPARE) == 0) {
		if (vm_spare_wait(&spare, &err) < 0)
			return 1;
		k.spawned_ns = clock_monotonic();
	}
	bool vm = argc == 3 && strcmp(argv[2], KEEPER_ARG_VM) == 0;
	if (argc != 2 && !vm && !spare) {
		(void)fprintf(stderr, "berth-keeper is started by berthd, not by hand\n");
		return 2;
	}
	(void)setsid();
	(void)umask(0);
	int r = open_keeper(&k, &err);
	if (r == 0) {
		k.backend = spare ? vm_spare_backend(&k, spare)
			    : vm  ? vm_backend_new(&k)
				  : container_backend_new(&k);
		r = run(&k, &err);
		close_keeper(&k);
	}
	if (r < 0)
		log_event(LOG_LEVEL_ERROR, "the keeper failed", "id", id, "error", err.text, NULL);
	return r < 0;
}
