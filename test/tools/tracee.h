/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * DOC: The threads that a test follows, from system call to system call
 *
 * See ptrace(2). x86-64 only, as far as calls are denied.
 */

struct tracee {
	pid_t tid;
	pid_t process; /* its thread group */
	bool executed; /* it is another program than the one that was seized */
	bool stopping; /* what made it stop was not a call */
	int denied;    /* the call that it is in fails with this errno */
	int signal;    /* to be given to it when it goes on */
	uint64_t call; /* number and arguments of the call that it enters */
	uint64_t args[6];
	struct tracee *next;
};

enum tracee_event {
	TRACEE_ENTERS,  /* is about to make a call */
	TRACEE_STOPPED, /* for another reason */
	TRACEE_IDLE,    /* nothing happened within the time, or SIGTERM came */
	TRACEE_NONE,    /* there is nobody left to wait for */
};

enum tracee_reach {
	TRACEE_ITSELF,
	TRACEE_PROGRAMS, /* those that it starts as well, but not theirs */
	TRACEE_ALL,      /* whatever comes of it */
};

/* Follows every thread of @pid, those to come too, and what it starts; may be called for several. */
bool tracee_seize_all(pid_t pid, enum tracee_reach reach);

/* Waits for the next event; @timeout_ms below zero has no end. @ret is set for the first two. */
enum tracee_event tracee_wait(int timeout_ms, struct tracee **ret);

/* SIGTERM has come; it is blocked from tracee_seize_all() on. */
bool tracee_is_ending(void);

/* The call that @t enters is not made and fails with @error. */
void tracee_deny(struct tracee *t, int error);

void tracee_go_on(struct tracee *t);
