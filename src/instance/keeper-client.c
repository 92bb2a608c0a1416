/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/keeper-client.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"

#define REQUEST_TIMEOUT_NS (30 * NSEC_PER_SEC)
#define SEND_TIMEOUT_S 10

/* A request whose reply somebody waits for, on the waiting thread's stack. */
struct keeper_pending {
	uint32_t serial;
	bool answered;
	struct error answer;
	struct keeper_pending *next;
};

struct keeper *keeper_new(int fd, const struct keeper_callbacks *callbacks, void *owner)
{
	struct keeper *k = xnew(struct keeper);
	pthread_condattr_t attributes;

	*k = (struct keeper){
		.refs = 1, .fd = fd, .pidfd = -1, .callbacks = callbacks, .owner = owner
	};
	(void)pthread_mutex_init(&k->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&k->changed, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	/* A keeper that does not read must not hold a thread for ever. */
	const struct timeval limit = { .tv_sec = SEND_TIMEOUT_S };
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	return k;
}

struct keeper *keeper_ref(struct keeper *k)
{
	(void)__atomic_add_fetch(&k->refs, 1, __ATOMIC_RELAXED);
	return k;
}

void keeper_unref(struct keeper *k)
{
	if (!k || __atomic_sub_fetch(&k->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	k->callbacks->released(k->owner);
	close_p(&k->fd);
	close_p(&k->pidfd);
	(void)pthread_cond_destroy(&k->changed);
	(void)pthread_mutex_destroy(&k->lock);
	free(k);
}

static void unlock_p(pthread_mutex_t **lock)
{
	(void)pthread_mutex_unlock(*lock);
}

static pthread_mutex_t *lock_of(struct keeper *k)
{
	(void)pthread_mutex_lock(&k->lock);
	return &k->lock;
}

#define auto_held auto_(unlock_p) __attribute__((unused)) pthread_mutex_t *

static uint32_t next_number(struct keeper *k, uint32_t *last)
{
	auto_held held = lock_of(k);

	if (++*last == 0)
		*last = 1;
	return *last;
}

uint32_t keeper_next_client(struct keeper *k)
{
	return next_number(k, &k->last_client);
}

uint32_t keeper_next_exec(struct keeper *k)
{
	return next_number(k, &k->last_exec);
}

static int send_packet(struct keeper *k, const struct keeper_header *header, const void *payload,
		       size_t len, const void *more, size_t more_len, const int *fds,
		       size_t fd_count)
{
	if (len + more_len > KEEPER_PAYLOAD_MAX)
		return -EMSGSIZE;

	char small[1024];
	auto_free char *large = NULL;
	size_t total = sizeof(*header) + len + more_len;
	char *packet = small;
	if (total > sizeof(small))
		packet = large = xmalloc(total);
	memcpy(packet, header, sizeof(*header));
	if (len > 0)
		memcpy(packet + sizeof(*header), payload, len);
	if (more_len > 0)
		memcpy(packet + sizeof(*header) + len, more, more_len);
	ssize_t n = fd_send(k->fd, packet, total, fds, fd_count);
	return n < 0 ? (int)n : 0;
}

static const char *request_name(enum keeper_message_type type)
{
	static const char *const names[] = {
		[KEEPER_ATTACH] = "attach", [KEEPER_EXEC] = "exec",
		[KEEPER_RESIZE] = "resize", [KEEPER_SIGNAL] = "signal",
		[KEEPER_PAUSE] = "pause",   [KEEPER_RESUME] = "unpause",
		[KEEPER_UPDATE] = "update", [KEEPER_STATUS] = "ask for the state",
	};
	return type < ARRAY_SIZE(names) && names[type] ? names[type] : "request";
}

int keeper_send(struct keeper *k, enum keeper_message_type type, uint32_t exec, const void *payload,
		size_t len, const void *more, size_t more_len, const int *fds, size_t fd_count,
		struct error *err)
{
	const struct keeper_header header = {
		.type = type,
		.serial = next_number(k, &k->last_serial),
		.exec = exec,
		.length = (uint32_t)(len + more_len),
	};
	int r = send_packet(k, &header, payload, len, more, more_len, fds, fd_count);
	return r < 0 ? error_set(err, r, "tell the keeper to %s", request_name(type)) : 0;
}

static bool is_answered(const struct keeper *k, const void *arg)
{
	(void)k;
	return ((const struct keeper_pending *)arg)->answered;
}

static void add_pending(struct keeper *k, struct keeper_pending *pending)
{
	auto_held held = lock_of(k);

	pending->next = k->pending;
	k->pending = pending;
}

static void drop_pending(struct keeper *k, struct keeper_pending *pending)
{
	auto_held held = lock_of(k);

	for (struct keeper_pending **at = &k->pending; *at; at = &(*at)->next) {
		if (*at == pending) {
			*at = pending->next;
			return;
		}
	}
}

int keeper_request(struct keeper *k, enum keeper_message_type type, uint32_t exec,
		   const void *payload, size_t len, const void *more, size_t more_len,
		   const int *fds, size_t fd_count, struct error *err)
{
	struct keeper_pending pending = { .serial = next_number(k, &k->last_serial) };
	const struct keeper_header header = {
		.type = type,
		.serial = pending.serial,
		.exec = exec,
		.length = (uint32_t)(len + more_len),
	};

	add_pending(k, &pending);
	int r = send_packet(k, &header, payload, len, more, more_len, fds, fd_count);
	if (r == 0)
		r = keeper_await(k, is_answered, &pending, false,
				 clock_monotonic() + REQUEST_TIMEOUT_NS);
	drop_pending(k, &pending);

	if (r < 0)
		return error_set(err, r, "tell the keeper to %s", request_name(type));
	if (pending.answer.code != 0) {
		if (err)
			*err = pending.answer;
		return pending.answer.code;
	}
	return 0;
}

int keeper_signal(struct keeper *k, uint32_t exec, int signal, struct error *err)
{
	const struct keeper_signal payload = { .signal = (uint32_t)signal };
	return keeper_request(k, KEEPER_SIGNAL, exec, &payload, sizeof(payload), NULL, 0, NULL, 0,
			      err);
}

int keeper_resize(struct keeper *k, uint32_t exec, uint16_t rows, uint16_t cols, struct error *err)
{
	const struct keeper_resize payload = { .rows = rows, .cols = cols };
	return keeper_request(k, KEEPER_RESIZE, exec, &payload, sizeof(payload), NULL, 0, NULL, 0,
			      err);
}

int keeper_pause(struct keeper *k, struct error *err)
{
	return keeper_request(k, KEEPER_PAUSE, 0, NULL, 0, NULL, 0, NULL, 0, err);
}

int keeper_resume(struct keeper *k, struct error *err)
{
	return keeper_request(k, KEEPER_RESUME, 0, NULL, 0, NULL, 0, NULL, 0, err);
}

void keeper_watch_client(struct keeper *k, struct keeper_client *client)
{
	auto_held held = lock_of(k);

	client->next = k->clients;
	k->clients = client;
}

void keeper_unwatch_client(struct keeper *k, struct keeper_client *client)
{
	auto_held held = lock_of(k);

	for (struct keeper_client **at = &k->clients; *at; at = &(*at)->next) {
		if (*at == client) {
			*at = client->next;
			return;
		}
	}
}

void keeper_watch_exec(struct keeper *k, struct keeper_exec *exec)
{
	auto_held held = lock_of(k);

	exec->next = k->execs;
	k->execs = exec;
}

void keeper_unwatch_exec(struct keeper *k, struct keeper_exec *exec)
{
	auto_held held = lock_of(k);

	for (struct keeper_exec **at = &k->execs; *at; at = &(*at)->next) {
		if (*at == exec) {
			*at = exec->next;
			return;
		}
	}
}

static void presume_killed(struct keeper_exec *exec)
{
	if (!exec->exited)
		exec->exit.exit_code = 128 + SIGKILL;
	exec->exited = true;
}

void keeper_end_exec(struct keeper *k, struct keeper_exec *exec)
{
	keeper_unwatch_exec(k, exec);
	auto_held held = lock_of(k);
	presume_killed(exec);
	(void)pthread_cond_broadcast(&k->changed);
}

void keeper_exec_get(struct keeper *k, const struct keeper_exec *exec, struct keeper_exec *ret)
{
	auto_held held = lock_of(k);
	*ret = *exec;
}

static void take_reply(struct keeper *k, uint32_t serial, const struct error *answer)
{
	for (struct keeper_pending *p = k->pending; p; p = p->next) {
		if (p->serial != serial)
			continue;
		p->answer = *answer;
		p->answer.text[sizeof(p->answer.text) - 1] = '\0';
		p->answered = true;
		return;
	}
}

static void take_client_end(struct keeper *k, const struct keeper_attach_done *done)
{
	for (struct keeper_client *c = k->clients; c; c = c->next) {
		if (c->number == done->client) {
			c->end = done->end;
			c->done = true;
		}
	}
}

/* A packet whose length fits its type, payload copied out. */
struct event {
	struct keeper_header header;
	union {
		struct error reply;
		struct keeper_started started;
		struct keeper_failed failed;
		struct keeper_exit exit;
		struct keeper_attach_done attach_done;
		struct keeper_state state;
	};
};

static size_t payload_size(uint32_t type)
{
	static const size_t sizes[] = {
		[KEEPER_REPLY] = sizeof(struct error),
		[KEEPER_STARTED] = sizeof(struct keeper_started),
		[KEEPER_FAILED] = sizeof(struct keeper_failed),
		[KEEPER_EXITED] = sizeof(struct keeper_exit),
		[KEEPER_ATTACH_DONE] = sizeof(struct keeper_attach_done),
		[KEEPER_OOM] = 0,
		[KEEPER_STATE] = sizeof(struct keeper_state),
	};
	return type >= KEEPER_REPLY && type < ARRAY_SIZE(sizes) ? sizes[type] : SIZE_MAX;
}

static void end_text(struct error *error)
{
	error->text[sizeof(error->text) - 1] = '\0';
}

/* What an event says about the first process; true where it is its end. */
static bool note_first(struct keeper *k, const struct event *e)
{
	bool ended = e->header.type == KEEPER_EXITED && !k->exited;

	if (e->header.type == KEEPER_STARTED && k->start == KEEPER_START_PENDING) {
		k->started = e->started;
		k->start = KEEPER_START_DONE;
	}
	if (e->header.type == KEEPER_FAILED && k->start == KEEPER_START_PENDING) {
		k->failed = e->failed;
		end_text(&k->failed.error);
		k->start = KEEPER_START_FAILED;
	}
	if (ended) {
		k->exit = e->exit;
		end_text(&k->exit.error);
		k->exited = true;
	}
	return ended;
}

/* The same about an additional one; a copy of its new state in @ret, false where it is unknown. */
static bool note_exec(struct keeper *k, const struct event *e, struct keeper_exec *ret)
{
	struct keeper_exec *exec = k->execs;

	while (exec && exec->number != e->header.exec)
		exec = exec->next;
	if (!exec)
		return false;
	if (e->header.type == KEEPER_STARTED) {
		exec->started = e->started;
		exec->start = KEEPER_START_DONE;
	} else if (e->header.type == KEEPER_FAILED) {
		exec->failed = e->failed;
		end_text(&exec->failed.error);
		exec->start = KEEPER_START_FAILED;
	} else {
		exec->exit = e->exit;
		exec->exited = true;
	}
	*ret = *exec;
	return true;
}

/* Events that say something about one process. */
static void take_process_event(struct keeper *k, const struct event *e)
{
	struct keeper_exec exec;
	bool ended = false;
	bool changed = false;
	{
		auto_held held = lock_of(k);
		if (e->header.exec == 0)
			ended = note_first(k, e);
		else
			changed = note_exec(k, e, &exec);
		(void)pthread_cond_broadcast(&k->changed);
	}
	if (ended)
		k->callbacks->exited(k, &k->exit, k->owner);
	if (changed)
		k->callbacks->exec(k, &exec, k->owner);
}

static void take_event(struct keeper *k, const struct event *e)
{
	switch (e->header.type) {
	case KEEPER_STARTED:
	case KEEPER_FAILED:
	case KEEPER_EXITED:
		take_process_event(k, e);
		return;
	case KEEPER_OOM:
		k->callbacks->oom(k, k->owner);
		return;
	default:
		break;
	}

	auto_held held = lock_of(k);
	if (e->header.type == KEEPER_REPLY)
		take_reply(k, e->header.serial, &e->reply);
	else if (e->header.type == KEEPER_ATTACH_DONE)
		take_client_end(k, &e->attach_done);
	else if (e->header.type == KEEPER_STATE)
		k->state = e->state;
	(void)pthread_cond_broadcast(&k->changed);
}

/* Nothing of the instance is left that could be told: what waits is answered. */
static void take_end(struct keeper *k)
{
	bool lost;
	{
		auto_held held = lock_of(k);
		lost = !k->exited && k->start != KEEPER_START_FAILED;
		k->closed = true;
		k->lost |= lost;
		k->exited |= lost;
		for (struct keeper_client *c = k->clients; c; c = c->next)
			c->done = true;
		for (struct keeper_exec *e = k->execs; e; e = e->next)
			presume_killed(e);
		(void)pthread_cond_broadcast(&k->changed);
	}
	if (lost)
		k->callbacks->exited(k, NULL, k->owner);
}

bool keeper_read(struct keeper *k)
{
	for (;;) {
		struct event e;
		ssize_t n = recv(k->fd, &e, sizeof(e), MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n <= 0) {
			take_end(k);
			return false;
		}
		if ((size_t)n < sizeof(e.header) ||
		    (size_t)n != sizeof(e.header) + e.header.length ||
		    e.header.length != payload_size(e.header.type))
			continue;
		take_event(k, &e);
	}
}

static int await_by_reading(struct keeper *k, bool (*done)(const struct keeper *, const void *),
			    const void *arg, int64_t deadline_ns)
{
	for (;;) {
		bool closed;
		{
			auto_held held = lock_of(k);
			if (done(k, arg))
				return 0;
			closed = k->closed;
		}
		if (closed)
			return -ECONNRESET;

		int64_t left_ms = -1;
		if (deadline_ns) {
			left_ms = (deadline_ns - clock_monotonic()) / NSEC_PER_MSEC + 1;
			if (left_ms <= 0)
				return -ETIMEDOUT;
		}
		struct pollfd p = { .fd = k->fd, .events = POLLIN };
		if (poll(&p, 1, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms) > 0)
			(void)keeper_read(k);
	}
}

int keeper_await(struct keeper *k, bool (*done)(const struct keeper *, const void *),
		 const void *arg, bool reader, int64_t deadline_ns)
{
	if (reader)
		return await_by_reading(k, done, arg, deadline_ns);

	const struct timespec deadline = {
		.tv_sec = deadline_ns / NSEC_PER_SEC,
		.tv_nsec = deadline_ns % NSEC_PER_SEC,
	};
	auto_held held = lock_of(k);
	for (int r = 0;;) {
		if (done(k, arg))
			return 0;
		if (k->closed && done != keeper_is_finished)
			return -ECONNRESET;
		if (r == ETIMEDOUT)
			return -ETIMEDOUT;
		r = deadline_ns ? pthread_cond_timedwait(&k->changed, &k->lock, &deadline)
				: pthread_cond_wait(&k->changed, &k->lock);
	}
}

void keeper_finish(struct keeper *k)
{
	const struct keeper_header header = { .type = KEEPER_ACK_EXIT };
	{
		auto_held held = lock_of(k);
		k->finished = true;
		(void)pthread_cond_broadcast(&k->changed);
	}
	(void)send_packet(k, &header, NULL, 0, NULL, 0, NULL, 0);
}

bool keeper_start_known(const struct keeper *k, const void *unused)
{
	(void)unused;
	return k->start != KEEPER_START_PENDING;
}

bool keeper_is_finished(const struct keeper *k, const void *unused)
{
	(void)unused;
	return k->finished;
}
