/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "sys/cgroup.h"

/**
 * DOC: The jail around QEMU
 *
 * The guest's kernel belongs to an attacker, and QEMU is a large program that serves it. So QEMU
 * runs as a user of its own that owns nothing, without capabilities and without a way to get any
 * (no_new_privs), in its own mount, process, network, IPC, UTS and cgroup namespaces. Its root is an
 * empty read-only tmpfs into which only what is needed to execute it is bound, read-only: the
 * distribution's /usr, the linker's cache, and a /proc that shows nothing but itself. There is no
 * network, no device (but /dev/null, and /dev/kvm where it is used), nothing of the state folder: every file comes
 * in as an open descriptor. QEMU adds its own seccomp filter (-sandbox); whether it did, and whether
 * all the rest is in force, is read back from the kernel before a guest is spoken to.
 *
 * It dies with the keeper (PR_SET_PDEATHSIG), and with it everything that it could have started: it
 * is process 1 of its namespace.
 */

struct jail_fd {
	int ours;
	int inside;
};

struct jail {
	const char *program; /* absolute path on the host, below /usr */
	char *const *argv;
	uint32_t uid; /* and gid */
	bool use_kvm;
	struct cgroup *cgroup;     /* or NULL */
	const struct jail_fd *fds; /* every other descriptor is closed; 0 and 1 become /dev/null */
	size_t fd_count;
	int log_fd; /* standard error */
};

/**
 * jail_start() - start a program in a jail
 *
 * For single-threaded callers (clone3). Returns when the program was executed or has failed to.
 *
 * Return: the process id, or a negative errno.
 */
pid_t jail_start(const struct jail *jail, int *ret_pidfd, struct error *err);

/**
 * jail_verify() - read back what a jailed program may do
 * @uid: the user that it was started as
 *
 * Return: 0 where it has that user, no capabilities, no way to get any, and a seccomp filter; -EPERM
 *         with the first of these that it lacks, or another negative errno.
 */
must_check int jail_verify(pid_t pid, uint32_t uid, struct error *err);
