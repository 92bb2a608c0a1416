/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "container/container.h"
#include "container/plan/plan.h"
#include "sys/cgroup.h"

struct handed;

/**
 * DOC: What both sides of a start know
 *
 * The caller's side (launch.c, launch-root.c) and the new process's side (launch-child.c and what it
 * calls) share this record: the second gets it by the clone. Its descriptors are the caller's and
 * are closed there; in the new process they all end with execve(), or with the closing that Berth's
 * own init does.
 */
struct launch {
	const struct plan *plan;
	const int *fds; /* the plan's descriptors */
	struct container_streams streams;
	int sync_fd;         /* of this side: messages of launch-sync.h */
	bool user_ns;        /* the process has a user namespace of its own */
	struct handed *left; /* mounts only needed on the way: closed by container_tidy() */
	int64_t phase_ns[CONTAINER_PHASE_COUNT];
};

/* Most mounts that the caller makes for one plan. */
#define HANDED_MAX 1024

/*
 * Mounts that only the caller can make: the root, then in the order of the plan's mounts one for
 * each that is a bind, a /dev, a sysfs of the host or of a joined network namespace, a proc of a
 * joined PID namespace, and as many as there are hierarchies for a cgroup mount. Behind them the group's entries.
 */
struct handed {
	int *fds;
	uint32_t count;
	uint32_t size;
	uint32_t cgroups;                           /* mounts for each cgroup mount of the plan */
	uint8_t cgroup_of[CGROUP_CONTROLLER_COUNT]; /* their first controllers; version 1 */
	uint32_t entries; /* descriptors at the end by which the process enters its group */
	bool unified;
};

void handed_add_take(struct handed *h, int fd);
void handed_done(struct handed *h);
#define auto_handed auto_(handed_done) struct handed

/* True where the caller, not the process itself, makes this mount. */
bool launch_is_handed(const struct launch *l, const struct plan_mount *m);

/**
 * launch_make_root() - make the mounts that only the caller can make
 * @userns_fd: the process's user namespace, or -1
 * @cg:        its group, or NULL
 * @ret:       receives the mounts
 */
must_check int launch_make_root(const struct launch *l, int userns_fd, struct cgroup *cg,
				struct handed *ret, struct error *err);

/**
 * launch_set_limits() - what of a process's limits takes a right that it loses
 * @pid: the process; 0 for the caller itself
 *
 * Raises hard limits where the caller may: the process sets the final values itself, last. What can
 * not be raised is cut there, or refused here where the user asked for it. Sets the score by which
 * the kernel chooses what to kill for memory.
 */
must_check int launch_set_limits(const struct plan *plan, pid_t pid, struct error *err);

/**
 * launch_child() - the new process's way to its program
 *
 * Does not return: it ends in execve(), in Berth's own init, or in _exit() after the failure was
 * told over @l->sync_fd.
 */
_Noreturn void launch_child(struct launch *l);

/**
 * launch_exec_child() - the way of a process that joins a running container
 * @init_pidfd: the container's first process
 * @namespaces: CLONE_NEW* to join
 * @cg:         group to enter, or NULL where the process was born in it
 */
_Noreturn void launch_exec_child(struct launch *l, int init_pidfd, int namespaces,
				 struct cgroup *cg);

/* Remembers when a phase was done. */
void launch_phase(struct launch *l, enum container_phase phase);
