/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

/**
 * DOC: Containers
 *
 * A `struct container` is one that runs: its first process, its control group, and what is needed
 * to start more processes in it. It is made by carrying out a launch plan (plan.h), by a keeper on
 * a host or by the guest of a virtual machine, both single-threaded programs: this code clones.
 *
 *	  caller (host root)                         new process
 *	  clone3 ────────────────────────────────►   waits for its id maps
 *	  writes the maps ───────────────────────►   makes proc, sysfs, tmpfs, ... detached
 *	  makes cgroup, overlay, /dev, binds         (at the same time)
 *	  sends the mounts ──────────────────────►   enters the root, puts everything in place,
 *	  waits for the end of the status socket     finds the user, confines itself, execve()
 *
 * The new process tells a failure as a struct error over a socket that execve() closes, so the end
 * of the stream means that the program runs. It is killed when the caller dies. No path of the
 * image's tree is ever given to the kernel as a string: see sys/rootfs.h.
 */

struct cgroup;
struct plan;
struct container;

/* Ends of streams that a process gets as 0, 1 and 2; negative: Berth's own /dev/null. */
struct container_streams {
	int fds[3];
};

/* Instants of a start, CLOCK_MONOTONIC nanoseconds; 0: did not happen. */
enum container_phase {
	CONTAINER_PHASE_CLONED,   /* process and namespaces exist */
	CONTAINER_PHASE_MAPPED,   /* id maps written */
	CONTAINER_PHASE_CGROUP,   /* groups made, limits set, process in them */
	CONTAINER_PHASE_ROOT,     /* root made, sources of mounts opened */
	CONTAINER_PHASE_VIEW,     /* inside: the kernel's file systems made */
	CONTAINER_PHASE_MOUNTED,  /* inside: root entered, everything in its place */
	CONTAINER_PHASE_CONFINED, /* inside: user, capabilities, seccomp */
	CONTAINER_PHASE_EXECUTED, /* the program runs */
	CONTAINER_PHASE_COUNT
};

/* A process that is being started, or runs. */
struct container_process {
	pid_t pid; /* as the caller sees it */
	int pidfd;
	int status_fd; /* readable when container_process_check() has something; -1: nothing will come */
	int console_fd; /* master of its terminal; -1 without, and until it has started */
	int left_fd;    /* for container_start() itself */
	int exit_code;  /* of a failed start: 125, 126 or 127, as Docker's */
	int64_t phase_ns[CONTAINER_PHASE_COUNT];
};

#define CONTAINER_PROCESS_NONE                                                                   \
	{                                                                                        \
		.pidfd = -1, .status_fd = -1, .console_fd = -1, .left_fd = -1, .exit_code = 125, \
	}

void container_process_done(struct container_process *p);
#define auto_container_process auto_(container_process_done) struct container_process

#define CONTAINER_PROCESS_PENDING 1

/**
 * container_start() - carry out a launch plan that has a root
 * @plan:    plan; borrowed for the call
 * @fds:     the descriptors that it names, plan->fd_count of them; stay the caller's
 * @streams: what the process gets as 0, 1 and 2; without meaning where the plan has a terminal
 * @process: receives the first process; container_process_done(); filled with exit_code on failure
 * @ret:     receives the container; container_free()
 *
 * Blocks until the program runs or has failed to; nothing is left behind by a failure.
 *
 * Return: 0 or a negative errno.
 */
must_check int container_start(const struct plan *plan, const int *fds,
			       const struct container_streams *streams,
			       struct container_process *process, struct container **ret,
			       struct error *err);

/**
 * container_exec() - start one more process in a container
 * @plan: plan without a root
 * @process: receives the process, which is still on its way: container_process_check() tells how
 *           it went
 *
 * Return: 0 or a negative errno; -ESRCH where the container's first process has ended.
 */
must_check int container_exec(struct container *c, const struct plan *plan,
			      const struct container_streams *streams,
			      struct container_process *process, struct error *err);

/**
 * container_process_check() - see how a start went
 *
 * To be called when @p->status_fd is readable. Does not block. After a final answer the caller stops
 * waiting for @p->status_fd and closes it, in this order: a process cloned meanwhile has a copy, so
 * an epoll instance would go on to tell of a descriptor that was closed first.
 *
 * Return: 0: the program runs, and console_fd is set where it has a terminal;
 *         CONTAINER_PROCESS_PENDING; or a negative errno: the start failed, exit_code is set, and
 *         the process has ended or will at once: it is to be reaped by pidfd_reap().
 */
int container_process_check(struct container_process *p, struct error *err);

/**
 * container_tidy() - let go of what only the start needed
 *
 * Takes some grace periods of the kernel's: to be called once everybody knows that the program runs.
 */
void container_tidy(struct container *c);

/* Sends a signal to every process of the container. */
must_check int container_signal_all(struct container *c, int signal, struct error *err);

/* Stops or continues every process of the container. */
must_check int container_freeze(struct container *c, bool freeze, struct error *err);

/* Sets the limits in the cgroup part of @plan on the container. */
must_check int container_update(struct container *c, const struct plan *plan, struct error *err);

/* Its control group, NULL where it has none of its own, and its first process. Borrowed. */
const struct cgroup *container_group(const struct container *c);
int container_pidfd(const struct container *c);

/* The caller's next children are the caller's own again, not born in the container. */
must_check int container_leave(struct container *c, struct error *err);

/* How often the kernel killed a process of it for want of memory. */
uint64_t container_oom_kills(struct container *c);

/**
 * container_end() - end every process that is left, and remove the control group
 *
 * Called after the first process was reaped.
 */
must_check int container_end(struct container *c, struct error *err);

/* Closes what the handle holds; the container itself is ended by container_end(). */
void container_free(struct container *c);
DEFINE_AUTO(struct container, container_free);
#define auto_container auto_(container_freep) struct container
