/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "keeper/backend.h"
#include "keeper/client.h"
#include "keeper/connection.h"
#include "keeper/keeper-inside.h"
#include "keeper/session.h"

/* How long clients may take to read, and engines to acknowledge, once everything has ended. */
#define LINGER_S 60

void keeper_tell(struct keeper *k, uint32_t type, uint32_t exec, const void *payload, size_t len)
{
	for (struct connection *c = k->connections, *next; c; c = next) {
		next = connection_next(c);
		connection_send(c, type, 0, exec, payload, len);
	}
}

struct session *keeper_session(struct keeper *k, uint32_t exec)
{
	for (struct session *s = k->sessions; s; s = s->next) {
		if (s->exec == exec)
			return s;
	}
	return NULL;
}

void keeper_arm_deadline(struct keeper *k, uint32_t ms)
{
	struct itimerspec t = {
		.it_value = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 },
	};
	if (!ms)
		t.it_value.tv_nsec = 1;
	(void)timerfd_settime(k->deadline.fd, 0, &t, NULL);
}

void keeper_started(struct keeper *k, struct session *s)
{
	char text[16];
	if (s != k->first)
		return;
	int n = snprintf(text, sizeof(text), "%d\n", s->pid);
	auto_close int fd =
		openat(k->run_fd, KEEPER_PID_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write_full(fd, text, (size_t)n) < 0)
		log_event(LOG_LEVEL_WARNING, "cannot write the pid file", NULL);
	/* What the start needed is not needed again. */
	(void)malloc_trim(0);
}

static void fill_exit(const struct keeper *k, const struct session *s, const struct error *err,
		      struct keeper_exit *ret)
{
	*ret = (struct keeper_exit){
		.magic = KEEPER_EXIT_MAGIC,
		.exit_code = s->exit_code,
		.signal = s->signal,
		.oom = s == k->first && k->oom,
		.never_ran = s->state == SESSION_FAILED,
		.started_ns = s->started_ns,
		.finished_ns = clock_now(),
	};
	if (err)
		ret->error = *err;
}

/* The instance is over: that is written down before anybody is told. */
static void end_instance(struct keeper *k, const struct keeper_exit *record)
{
	struct error err = { 0 };
	if (write_file_at(k->run_fd, KEEPER_EXIT_NAME, record, sizeof(*record), 0600, false, &err) <
	    0)
		log_event(LOG_LEVEL_ERROR, "cannot write the exit record", "error", err.text, NULL);
	k->exit = *record;
	k->ended = true;
	keeper_arm_deadline(k, LINGER_S * 1000);
}

void keeper_ended(struct keeper *k, struct session *s, const struct error *err)
{
	struct keeper_exit record;
	struct error end = { 0 };
	bool first = s == k->first;
	bool ran = s->state != SESSION_FAILED;
	if (first && ran && k->backend->ops->oom)
		k->oom = k->backend->ops->oom(k->backend);
	fill_exit(k, s, err, &record);
	if (first)
		end_instance(k, &record);
	if (first && k->oom)
		keeper_tell(k, KEEPER_OOM, 0, NULL, 0);
	if (ran)
		keeper_tell(k, KEEPER_EXITED, s->exec, &record, sizeof(record));
	if (!first || !ran)
		return;
	k->cleared = k->backend->ops->end(k->backend, &end) == 0;
	if (k->cleared)
		keeper_tell(k, KEEPER_CLEARED, 0, NULL, 0);
	else
		log_event(LOG_LEVEL_ERROR, "something of the instance is left", "error", end.text,
			  NULL);
}

void keeper_settle(struct keeper *k)
{
	bool busy = false;
	for (struct session **at = &k->sessions; *at;) {
		struct session *s = *at;
		session_settle(s);
		if (s == k->first || !session_is_done(s)) {
			busy = busy || !session_is_done(s);
			at = &s->next;
			continue;
		}
		*at = s->next;
		k->backend->ops->forget(k->backend, s);
		session_free(s);
	}
	if (k->ended && !busy && (k->acknowledged || !k->connections))
		k->finished = true;
}

int keeper_stop(struct keeper *k, struct error *err)
{
	keeper_arm_deadline(k, k->stop_timeout_ms);
	if (k->first->state != SESSION_RUNNING)
		return 0;
	return k->backend->ops->signal(k->backend, k->first, (int)k->stop_signal, false, err);
}

void keeper_deadline(struct keeper *k)
{
	struct error err;
	if (!k->ended) {
		if (k->first->state == SESSION_RUNNING)
			(void)k->backend->ops->signal(k->backend, k->first, SIGKILL, false, &err);
		return;
	}
	/* Who has not read by now never will. */
	for (struct session *s = k->sessions; s; s = s->next) {
		while (s->clients)
			client_end(s->clients, KEEPER_ATTACH_END_CLOSED);
		session_drop_log(s);
	}
	k->acknowledged = true;
}
