/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct plan;
struct plan_cgroup;

/**
 * guest_plan_adapt() - turn the plan of a container into the one that a guest carries out
 * @plan:        compiled, all but its root
 * @layer_count: how many layers the guest mounts
 * @is_volatile: the writable layer need not survive
 *
 * The guest's kernel is the instance's own: its network is the machine's, and no ids need to be
 * shifted, since 0 in the guest is nobody on the host. User, capabilities, seccomp, masked paths and
 * limits stay as they are; only what is measured in whole processors is the machine's. The guest has
 * version 2 control groups. Descriptors are named as guest/root.h orders them.
 *
 * Return: 0; -EOPNOTSUPP where the plan needs something of the host.
 */
must_check int guest_plan_adapt(struct plan *plan, uint32_t layer_count, bool is_volatile,
				struct error *err);

/* Leaves to the host's group what is measured in the host's processors and disks. */
void guest_plan_adapt_limits(struct plan_cgroup *limits);
