/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"

/**
 * DOC: What a keeper keeps
 *
 * A backend is how an instance is isolated: by the shared kernel (container-backend.c) or by a
 * kernel of its own. The keeper gives it plans and sessions (session.h); it starts processes, gives
 * each session its streams as descriptors, and tells what becomes of them:
 *
 *	keeper ── start, exec, signal, resize, freeze, update, end ──► backend
 *	       ◄── session_started, session_failed, session_exited ──
 *
 * For each session exactly one of started and failed is told, and exited after started; from
 * within the call or later from the loop. A backend whose processes are not its children (they are
 * inside a guest) makes pipes and moves the bytes itself: so streams, logs, terminals and attached
 * clients are the same for every isolation.
 *
 * A verb that the isolation can not do fails with -EOPNOTSUPP and a text that says why.
 */
struct backend;
struct keeper;
struct plan;
struct session;

struct backend_ops {
	const char *name;
	/* Starts the first process; @fds are the plan's descriptors, borrowed for the call. */
	int (*start)(struct backend *b, const struct plan *plan, const int *fds, struct session *s,
		     struct error *err);
	/* Starts one more. A failure that is returned was not told to the session. */
	int (*exec)(struct backend *b, const struct plan *plan, struct session *s,
		    struct error *err);
	/* Sends a signal to the session's process, or with @all to every process. */
	int (*signal)(struct backend *b, struct session *s, int signal, bool all,
		      struct error *err);
	/* Only called for a session with a terminal that runs. */
	int (*resize)(struct backend *b, struct session *s, uint16_t rows, uint16_t cols,
		      struct error *err);
	int (*freeze)(struct backend *b, bool freeze, struct error *err);
	int (*update)(struct backend *b, const struct plan *plan, struct error *err);
	/* True where the kernel killed something in the instance for want of memory. */
	bool (*oom)(struct backend *b);
	/* After the first process exited: nothing of the instance may be left in the kernel. */
	int (*end)(struct backend *b, struct error *err);
	/* A session is about to be freed; its process has exited or failed. */
	void (*forget)(struct backend *b, struct session *s);
	void (*free)(struct backend *b);
	bool own_fds; /* the plan's descriptors are not the keeper's, but the backend's own matter */
};

/* First member of each backend's own struct. */
struct backend {
	const struct backend_ops *ops;
	struct keeper *keeper;
};

/* The backend for containers; plain memory, nothing is started. */
struct backend *container_backend_new(struct keeper *k);

/* The backend for virtual machines; its first descriptor is a struct machine (vm/machine.h). */
struct backend *vm_backend_new(struct keeper *k);

struct vm_spare;

/**
 * vm_spare_wait() - start a machine, let it practise, and wait for an instance
 * @ret: receives the machine; vm_spare_backend() takes it
 *
 * Return: 0 when there is an instance: its descriptors are in place; or a negative errno where the
 *         keeper is to end.
 */
must_check int vm_spare_wait(struct vm_spare **ret, struct error *err);

/* The backend of a machine that runs already. */
struct backend *vm_spare_backend(struct keeper *k, struct vm_spare *spare_take);

/**
 * vm_template_main() - boot a machine, freeze it when its guest is ready, leave its state
 *
 * Run instead of a keeper, with the machine at KEEPER_FD_FIRST. A struct error is written to
 * KEEPER_FD_CONTROL at the end: code 0 for success.
 *
 * Return: the program's exit status.
 */
int vm_template_main(void);

/**
 * vm_probe_main() - measure /dev/kvm and write a struct vm_probe to KEEPER_FD_CONTROL
 *
 * Return: the program's exit status.
 */
int vm_probe_main(void);
