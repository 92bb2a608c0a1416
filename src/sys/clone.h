/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/**
 * DOC: Children by clone3(2)
 *
 * Only single-threaded programs (keeper, guest, OCI runtime) may call this: the child is a copy as
 * by fork(2) and may go on to use memory as before.
 */

struct clone_request {
	uint64_t flags; /* CLONE_NEW*; CLONE_PIDFD is added */
	int cgroup_fd;  /* version 2 group to be born in; 0 or negative for none */
};

/**
 * clone_process() - make a child
 * @ret_pidfd: receives the child's pidfd in the parent
 *
 * Return: the child's process id in the parent, 0 in the child, or a negative errno.
 */
pid_t clone_process(const struct clone_request *request, int *ret_pidfd, struct error *err);
