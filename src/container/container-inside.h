/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "container/container.h"
#include "container/launch.h"
#include "sys/cgroup.h"

/**
 * DOC: Inside of a container's handle; only launch.c and container.c include this
 */
struct container {
	int init_pidfd;
	int join;       /* CLONE_NEW* that the container has for itself */
	bool in_pid_ns; /* the caller's next children are born in the container's pid namespace */
	struct cgroup *cg;  /* NULL: none of its own */
	struct handed left; /* what container_tidy() closes */
};
