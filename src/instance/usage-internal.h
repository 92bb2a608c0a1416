/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "instance/record.h"

/**
 * DOC: What the files behind usage.h share
 */

struct cgroup;
struct cgroup_usage;
struct container_request;
struct plan;
struct process_table;

/* The control group of a running instance; cgroup_free() releases it. */
must_check int usage_open_cgroup(const struct record *r, struct cgroup **ret, struct error *err);

/* The container's; see struct isolation. */
must_check int container_processes(struct manager *m, struct record *r, const char *ps_args,
				   struct process_table *ret, struct error *err);
must_check int container_usage(struct manager *m, struct record *r, struct cgroup_usage *ret,
			       struct error *err);
must_check int container_limit(struct manager *m, struct record *r,
			       const struct container_request *request, struct plan *limits,
			       struct error *err);

/* Gives the keeper of a running instance the limits in the plan's cgroup part. */
must_check int usage_tell_keeper(struct manager *m, struct record *r, const struct plan *limits,
				 struct error *err);
