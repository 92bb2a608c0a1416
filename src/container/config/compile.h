/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "container/config/default-config.h"
#include "container/plan/plan.h"
#include "container/seccomp/seccomp.h"
#include "oci/runtime-config.h"

/**
 * DOC: From a configuration to a launch plan
 *
 * Compiling decides everything that can be decided before a process exists: option words become
 * flags, words become numbers, a rule of the specification becomes a line of the plan. What a plan
 * has no place for is refused by name; nothing that a configuration asks for is left out.
 *
 * A configuration does not say where the root's layers, the log or the terminal's window come from.
 * The caller fills these parts of the plan itself afterwards: id, root.type, root.layers,
 * root.state_fd, root.is_volatile, files, streams (but the terminal), init, stop_signal,
 * stop_timeout_ms. Descriptors that the plan names by index are collected in one list.
 */

/* The descriptors of a plan, in the order of their indexes; owned. */
struct plan_fds {
	int items[PLAN_FDS_MAX];
	uint32_t count;
};

void plan_fds_done(struct plan_fds *fds);
#define auto_plan_fds auto_(plan_fds_done) struct plan_fds

/**
 * plan_fds_add_take() - append a descriptor
 * Return: its index in the plan; -ENOSPC where the list is full: then the caller keeps @fd.
 */
int32_t plan_fds_add_take(struct plan_fds *fds, int fd);

/**
 * container_compile() - the plan of a container's first process
 * @config:   accepted by runtime_config_check()
 * @identity: who runs the program, resolved inside; NULL: the numbers of process.user
 * @seccomp:  the program of linux.seccomp; NULL where the configuration has none
 * @fds:      appended to: descriptors of namespaces to join
 * @ret:      receives the plan; fd_count is set, to be set again by a caller that adds descriptors
 *
 * Return: 0; -ENOTSUP for what cannot be done; -EINVAL; another errno where a namespace's file
 *         cannot be opened.
 */
must_check int container_compile(const struct runtime_config *config,
				 const struct container_identity *identity,
				 const struct seccomp_program *seccomp, struct plan_fds *fds,
				 struct plan **ret, struct error *err);

/**
 * container_compile_exec() - the plan of one more process in a running container
 * @process:  what to run, as container_exec_make() or a process.json has it
 * @identity: as above
 * @seccomp:  the container's own program; NULL for none
 */
must_check int container_compile_exec(const struct runtime_process *process,
				      const struct container_identity *identity,
				      const struct seccomp_program *seccomp, struct plan **ret,
				      struct error *err);
