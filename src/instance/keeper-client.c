/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/keeper-client-inside.h"

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
#define RENEWAL_TIMEOUT_NS (5 * NSEC_PER_SEC)

void keeper_limit_sending(int fd)
{
	const struct timeval limit = { .tv_sec = SEND_TIMEOUT_S };
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

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
	keeper_limit_sending(fd);
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
	free(k->path);
	(void)pthread_cond_destroy(&k->changed);
	(void)pthread_mutex_destroy(&k->lock);
	free(k);
}

static uint32_t next_number(struct keeper *k, uint32_t *last)
{
	auto_held held = keeper_lock(k);

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

static bool is_renewed(const struct keeper *k, const void *generation)
{
	return k->generation != *(const uint32_t *)generation;
}

/* Waits for the reading thread to make a broken connection anew; what was not sent is not answered. */
static bool await_renewal(struct keeper *k, uint32_t generation, struct keeper_pending *pending)
{
	{
		auto_held held = keeper_lock(k);
		if (!keeper_is_renewable(k))
			return false;
	}
	if (keeper_await(k, is_renewed, &generation, false,
			 clock_monotonic() + RENEWAL_TIMEOUT_NS) < 0)
		return false;
	auto_held held = keeper_lock(k);
	if (pending)
		pending->answered = false;
	return true;
}

/* Sends a packet, a second time where the connection broke before it could be sent. */
static int send_whole(struct keeper *k, const void *packet, size_t len, const int *fds,
		      size_t fd_count, struct keeper_pending *pending)
{
	for (bool again = false;; again = true) {
		uint32_t generation;
		{
			auto_held held = keeper_lock(k);
			generation = k->generation;
		}
		ssize_t n = fd_send(k->fd, packet, len, fds, fd_count);
		if (n >= 0)
			return 0;
		if (again || (n != -EPIPE && n != -ECONNRESET) ||
		    !await_renewal(k, generation, pending))
			return (int)n;
	}
}

static int send_packet(struct keeper *k, const struct keeper_header *header, const void *payload,
		       size_t len, const void *more, size_t more_len, const int *fds,
		       size_t fd_count, struct keeper_pending *pending)
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
	return send_whole(k, packet, total, fds, fd_count, pending);
}

static const char *request_name(enum keeper_message_type type)
{
	static const char *const names[] = {
		[KEEPER_ATTACH] = "attach",
		[KEEPER_EXEC] = "exec",
		[KEEPER_RESIZE] = "resize",
		[KEEPER_SIGNAL] = "signal",
		[KEEPER_PAUSE] = "pause",
		[KEEPER_RESUME] = "unpause",
		[KEEPER_UPDATE] = "update",
		[KEEPER_STATUS] = "ask for the state",
		[KEEPER_HELLO] = "tell what it holds",
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
	int r = send_packet(k, &header, payload, len, more, more_len, fds, fd_count, NULL);
	return r < 0 ? error_set(err, r, "tell the keeper to %s", request_name(type)) : 0;
}

static bool is_answered(const struct keeper *k, const void *arg)
{
	(void)k;
	return ((const struct keeper_pending *)arg)->answered;
}

static void add_pending(struct keeper *k, struct keeper_pending *pending)
{
	auto_held held = keeper_lock(k);

	pending->next = k->pending;
	k->pending = pending;
}

static void drop_pending(struct keeper *k, struct keeper_pending *pending)
{
	auto_held held = keeper_lock(k);

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
	int r = send_packet(k, &header, payload, len, more, more_len, fds, fd_count, &pending);
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
	auto_held held = keeper_lock(k);

	client->next = k->clients;
	k->clients = client;
}

void keeper_unwatch_client(struct keeper *k, struct keeper_client *client)
{
	auto_held held = keeper_lock(k);

	for (struct keeper_client **at = &k->clients; *at; at = &(*at)->next) {
		if (*at == client) {
			*at = client->next;
			return;
		}
	}
}

void keeper_watch_exec(struct keeper *k, struct keeper_exec *exec)
{
	auto_held held = keeper_lock(k);

	exec->next = k->execs;
	k->execs = exec;
}

void keeper_unwatch_exec(struct keeper *k, struct keeper_exec *exec)
{
	auto_held held = keeper_lock(k);

	for (struct keeper_exec **at = &k->execs; *at; at = &(*at)->next) {
		if (*at == exec) {
			*at = exec->next;
			return;
		}
	}
}

void keeper_end_exec(struct keeper *k, struct keeper_exec *exec)
{
	keeper_unwatch_exec(k, exec);
	auto_held held = keeper_lock(k);
	keeper_presume_killed(exec);
	(void)pthread_cond_broadcast(&k->changed);
}

void keeper_exec_get(struct keeper *k, const struct keeper_exec *exec, struct keeper_exec *ret)
{
	auto_held held = keeper_lock(k);
	*ret = *exec;
}

static int await_by_reading(struct keeper *k, bool (*done)(const struct keeper *, const void *),
			    const void *arg, int64_t deadline_ns)
{
	for (;;) {
		bool closed;
		{
			auto_held held = keeper_lock(k);
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
	auto_held held = keeper_lock(k);
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
		auto_held held = keeper_lock(k);
		k->finished = true;
		(void)pthread_cond_broadcast(&k->changed);
	}
	(void)send_packet(k, &header, NULL, 0, NULL, 0, NULL, 0, NULL);
}

bool keeper_has_closed(struct keeper *k)
{
	auto_held held = keeper_lock(k);
	return k->closed;
}

bool keeper_has_cleared(struct keeper *k)
{
	auto_held held = keeper_lock(k);
	return k->cleared;
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
