/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/guest-plan.h"

#include <errno.h>

#include "container/plan/plan.h"

static int check_host_free(const struct plan *plan, struct error *err)
{
	for (int i = 0; i < PLAN_NS_COUNT; i++)
		if (plan->namespaces[i].mode == PLAN_NS_MODE_FD)
			return error_say(err, EOPNOTSUPP,
					 "isolation vm cannot join a namespace of the host");
	for (uint32_t i = 0; i < plan->mounts.count; i++)
		if (plan->mounts.items[i].type == PLAN_MOUNT_BIND)
			return error_say(err, EOPNOTSUPP,
					 "mount %s: isolation vm shares no folders of the host",
					 plan->mounts.items[i].target);
	return 0;
}

void guest_plan_adapt_limits(struct plan_cgroup *limits)
{
	limits->cpu_quota_us = PLAN_LIMIT_NONE;
	limits->cpu_period_us = PLAN_LIMIT_NONE;
	limits->cpu_shares = PLAN_LIMIT_NONE;
	limits->blkio_weight = PLAN_LIMIT_NONE;
	limits->cpuset_cpus = NULL;
	limits->cpuset_mems = NULL;
}

int guest_plan_adapt(struct plan *plan, uint32_t layer_count, bool is_volatile, struct error *err)
{
	int rc = check_host_free(plan, err);
	if (rc < 0)
		return rc;

	plan->namespaces[PLAN_NS_USER].mode = PLAN_NS_MODE_HOST;
	/* The machine has these for itself alone. */
	plan->namespaces[PLAN_NS_NET].mode = PLAN_NS_MODE_HOST;
	plan->namespaces[PLAN_NS_IPC].mode = PLAN_NS_MODE_HOST;
	plan->namespaces[PLAN_NS_UTS].mode = PLAN_NS_MODE_HOST;
	plan->uid_maps.count = 0;
	plan->gid_maps.count = 0;
	plan->loopback = false; /* the guest brought it up */
	guest_plan_adapt_limits(&plan->cgroup);

	plan->root.type = PLAN_ROOT_OVERLAY;
	plan->root.idmap = false;
	plan->root.is_volatile = is_volatile;
	plan->root.layers.count = 0;
	for (uint32_t i = 0; i < layer_count; i++)
		*(int32_t *)plan_add(plan, &plan->root.layers) = (int32_t)i;
	plan->root.state_fd = (int32_t)layer_count;
	plan->fd_count = layer_count + 1;
	return 0;
}
