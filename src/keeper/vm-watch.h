/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "keeper/loop.h"

/**
 * DOC: Whether a guest still does what it is asked
 *
 * A guest may be dead, or pretend to live. So nothing that it sends by itself counts as a sign of
 * life; only the answer to a question does, and each question has a deadline:
 *
 *	START                          STARTED or FAILED
 *	PING, a second after PONG      PONG
 *	SIGKILL to the first process   EXITED
 *
 * At most one PING is open, and a PONG that nobody asked for is a fault. The deadlines count the
 * machine's own time: what QEMU's threads waited for a processor of a busy host is added to them,
 * up to WATCH_PATIENCE times the limit, so that a crowd of machines that start at once is not taken
 * for a crowd of dead ones. While the machine is paused only the answer to SIGKILL is awaited.
 */

struct channel;
struct vm_process;

#define WATCH_PATIENCE 3

enum vm_watch_kind { WATCH_ANSWER, WATCH_END, WATCH_KINDS };

struct vm_watch {
	struct source timer; /* fd -1 while nothing is watched */
	const struct vm_process *process;
	struct channel *channel;
	struct vm_question {
		const char *awaited; /* what the guest is to say; NULL: nothing is asked */
		int64_t asked_ns;
		int64_t limit_ns;
		int64_t starved_ns; /* QEMU's wait for processors so far, when first looked at; -1 */
		bool overdue;       /* once more is looked before the machine is given up */
	} questions[WATCH_KINDS];
	int64_t ping_ns; /* when the next PING is due; 0: none is */
	bool pinged;     /* and not answered yet */
	bool frozen;
	/* A PING was queued. */
	void (*queued)(struct vm_watch *w);
	/* A question was not answered in time; the watch has ended. */
	void (*silent)(struct vm_watch *w, const struct error *why);
};

/**
 * vm_watch_start() - begin with the answer to START
 * @w:     its functions are set, and its timer's descriptor is -1
 * @quota: of the machine's processors, in microseconds for 100 ms; 0: no limit
 *
 * Return: 0 or a negative errno.
 */
must_check int vm_watch_start(struct vm_watch *w, struct loop *loop, struct channel *channel,
			      const struct vm_process *process, int64_t quota, struct error *err);

/* START was answered. */
void vm_watch_started(struct vm_watch *w);

/* A PONG came; -EBADMSG where there was no PING. */
must_check int vm_watch_pong(struct vm_watch *w);

/* The first process was sent SIGKILL. */
void vm_watch_killed(struct vm_watch *w);

/* The machine was paused, or goes on: then its clock is behind, which a PING mends. */
void vm_watch_freeze(struct vm_watch *w, bool frozen);

/* Ends the watch; once more does nothing. */
void vm_watch_end(struct vm_watch *w);
