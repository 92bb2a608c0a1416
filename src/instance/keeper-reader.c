/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/keeper-client-inside.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

#define RENEWALS_MAX 64 /* of a keeper that says nothing in between */

void keeper_presume_killed(struct keeper_exec *exec)
{
	if (!exec->exited)
		exec->exit.exit_code = 128 + SIGKILL;
	exec->exited = true;
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
		struct keeper_present present;
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
		[KEEPER_PRESENT] = sizeof(struct keeper_present),
		[KEEPER_CLEARED] = 0,
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
		auto_held held = keeper_lock(k);
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

static bool is_listed(const uint32_t *numbers, uint32_t count, uint32_t number)
{
	for (uint32_t i = 0; i < count; i++)
		if (numbers[i] == number)
			return true;
	return false;
}

static uint32_t highest(const uint32_t *numbers, uint32_t count, uint32_t least)
{
	for (uint32_t i = 0; i < count; i++)
		if (numbers[i] > least)
			least = numbers[i];
	return least;
}

/* A process whose start, or whose end, the keeper told to nobody. */
static void presume_ended(struct keeper_exec *exec)
{
	if (exec->start == KEEPER_START_PENDING) {
		exec->start = KEEPER_START_FAILED;
		exec->failed.exit_code = 126;
		(void)error_say(&exec->failed.error, ECONNRESET,
				"the connection to the keeper broke");
	} else {
		keeper_presume_killed(exec);
	}
}

/*
 * What was in doubt ended where the keeper does not list it. New numbers are above those in use,
 * which another engine may have given.
 */
static void take_present(struct keeper *k, const struct keeper_present *p)
{
	uint32_t execs = p->exec_count < KEEPER_EXECS_MAX ? p->exec_count : KEEPER_EXECS_MAX;
	uint32_t clients =
		p->client_count < KEEPER_CLIENTS_MAX ? p->client_count : KEEPER_CLIENTS_MAX;

	for (struct keeper_client *c = k->clients; c; c = c->next) {
		if (c->doubtful && !c->done && !is_listed(p->clients, clients, c->number)) {
			c->end = KEEPER_ATTACH_END_CLOSED;
			c->done = true;
		}
		c->doubtful = false;
	}
	for (struct keeper_exec *e = k->execs; e; e = e->next) {
		if (e->doubtful && !is_listed(p->execs, execs, e->number))
			presume_ended(e);
		e->doubtful = false;
	}
	k->last_exec = highest(p->execs, execs, k->last_exec);
	k->last_client = highest(p->clients, clients, k->last_client);
}

static void take_event(struct keeper *k, const struct event *e)
{
	k->renewals = 0;
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

	auto_held held = keeper_lock(k);
	if (e->header.type == KEEPER_REPLY)
		take_reply(k, e->header.serial, &e->reply);
	else if (e->header.type == KEEPER_ATTACH_DONE)
		take_client_end(k, &e->attach_done);
	else if (e->header.type == KEEPER_STATE) {
		k->state = e->state;
		k->state_known = true;
	} else if (e->header.type == KEEPER_PRESENT)
		take_present(k, &e->present);
	else if (e->header.type == KEEPER_CLEARED)
		k->cleared = true;
	(void)pthread_cond_broadcast(&k->changed);
}

/* Nothing of the instance is left that could be told: what waits is answered. */
static void take_end(struct keeper *k)
{
	bool lost;
	bool ended;
	{
		auto_held held = keeper_lock(k);
		lost = !k->exited && k->start != KEEPER_START_FAILED;
		ended = k->exited;
		k->closed = true;
		k->lost |= lost;
		k->exited |= lost;
		for (struct keeper_client *c = k->clients; c; c = c->next)
			c->done = true;
		for (struct keeper_exec *e = k->execs; e; e = e->next)
			keeper_presume_killed(e);
		(void)pthread_cond_broadcast(&k->changed);
	}
	if (lost)
		k->callbacks->exited(k, NULL, k->owner);
	else if (ended)
		k->callbacks->ended(k, k->owner);
}

/* Nobody knows what became of what was under way. */
static void doubt(struct keeper *k)
{
	auto_held held = keeper_lock(k);

	for (struct keeper_client *c = k->clients; c; c = c->next)
		c->doubtful = true;
	for (struct keeper_exec *e = k->execs; e; e = e->next)
		e->doubtful = true;
	for (struct keeper_pending *p = k->pending; p; p = p->next) {
		(void)error_say(&p->answer, ECONNRESET, "the connection to the keeper broke");
		p->answered = true;
	}
	(void)pthread_cond_broadcast(&k->changed);
}

bool keeper_is_renewable(const struct keeper *k)
{
	return k->path && !k->exited && !k->closed && k->start == KEEPER_START_DONE;
}

static bool may_renew(struct keeper *k)
{
	auto_held held = keeper_lock(k);
	return keeper_is_renewable(k) && k->renewals < RENEWALS_MAX;
}

/*
 * Connects again and says so. A keeper that dies closes its descriptors one after the other, so a
 * connection may still be had from it: then that one ends, too.
 */
static bool renew(struct keeper *k)
{
	const struct keeper_header hello = { .type = KEEPER_HELLO };

	if (!may_renew(k))
		return false;
	auto_close int fd = unix_connect(k->path, SOCK_SEQPACKET | SOCK_NONBLOCK, NULL);
	if (fd < 0 || fd_send(fd, &hello, sizeof(hello), NULL, 0) < 0 ||
	    fd_set_nonblock(fd, false) < 0)
		return false;
	keeper_limit_sending(fd);
	doubt(k);
	k->renewals++;
	if (dup3(fd, k->fd, O_CLOEXEC) < 0)
		return false;
	auto_held held = keeper_lock(k);
	k->generation++;
	(void)pthread_cond_broadcast(&k->changed);
	return true;
}

static enum keeper_link end_or_renew(struct keeper *k)
{
	if (renew(k))
		return KEEPER_LINK_RENEWED;
	take_end(k);
	return KEEPER_LINK_ENDED;
}

enum keeper_link keeper_read(struct keeper *k)
{
	for (;;) {
		struct event e;
		ssize_t n = recv(k->fd, &e, sizeof(e), MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return KEEPER_LINK_OPEN;
		if (n <= 0)
			return end_or_renew(k);
		if ((size_t)n < sizeof(e.header) ||
		    (size_t)n != sizeof(e.header) + e.header.length ||
		    e.header.length != payload_size(e.header.type))
			continue;
		take_event(k, &e);
	}
}
