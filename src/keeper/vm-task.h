/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strbuf.h"
#include "keeper/loop.h"
#include "keeper/session.h"
#include "vm/channel.h"
#include "vm/guest-protocol.h"

/**
 * DOC: A process in the guest, as its keeper sees it
 *
 * A session (session.h) reads and writes descriptors; the process's bytes come and go as frames. So
 * a task makes pipes (or, for a terminal, a socket pair), gives the session one end and moves bytes
 * between the other and the channel. What the session does not take waits here, bounded by the
 * credit that the guest was given; what was taken is granted again.
 *
 *	guest ── OUTPUT ──► pending ──► pipe ──► session        (CREDIT when the pipe took it)
 *	guest ◄── INPUT ─────────────── pipe ◄── session        (as far as the guest's CREDIT goes)
 */

struct vm_task {
	struct session *session;
	struct channel *channel;
	uint32_t id;
	struct session_streams theirs; /* the session's ends, until it takes them */
	struct source input;           /* we read; fd -1 once it has ended */
	uint32_t input_window;
	bool input_ended; /* and the guest was told */
	struct vm_output {
		struct vm_task *task;
		struct source source; /* we write; fd -1 without */
		struct strbuf pending;
		uint32_t due; /* taken by the session, not yet granted */
	} outputs[2];
	bool exited; /* by the guest's word; the session is told when all is passed on */
	int exit_code;
	int signal;
};

/* Makes the pipes. @flush: see vm_task_flush_fn. */
struct vm_task *vm_task_new(struct session *s, struct channel *channel);
must_check int vm_task_open(struct vm_task *t, struct error *err);
void vm_task_free(struct vm_task *t);

/* The process runs: the session takes its streams. */
must_check int vm_task_started(struct vm_task *t, int pid, const int64_t *phase_ns,
			       struct error *err);

/* Bytes of a stream came; -EBADMSG for none, or where the guest went beyond its credit. */
must_check int vm_task_output(struct vm_task *t, enum guest_stream stream, const void *data,
			      size_t len);

/* The guest takes so many more bytes; -EBADMSG for none, or more than the window. */
must_check int vm_task_credit(struct vm_task *t, const struct guest_credit *credit);

/* The process has ended; told to the session once its output is passed on. */
void vm_task_exited(struct vm_task *t, int exit_code, int signal);
