/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "instance/isolation.h"

/**
 * DOC: What the plans of every isolation share
 *
 * The program, its user, its limits, its mounts and its streams are the same behind every isolation;
 * what differs is where the root comes from.
 */

struct plan;

/* Makes sure that @r->image is there. */
must_check int isolation_load_image(struct manager *m, struct record *r, struct error *err);

/**
 * isolation_make_plan() - the plan of an instance whose image is loaded, all but its root
 * @fds: appended to: descriptors of namespaces to join
 * @ret: receives the plan; fd_count is to be set when the root's descriptors are known
 */
must_check int isolation_make_plan(struct manager *m, const struct record *r, struct plan_fds *fds,
				   struct plan **ret, struct error *err);

/* The OCI runtime configuration that the plan is compiled from, as config.json. */
must_check int isolation_write_config(struct manager *m, struct record *r, struct json_object **ret,
				      struct error *err);

/* The plan as a sealed memory file. */
must_check int isolation_seal_plan(const struct plan *plan, int *ret, struct error *err);

/* struct isolation's exec: the same for all. */
must_check int isolation_exec(struct manager *m, struct record *r, struct json_object *request,
			      struct launch *ret, struct error *err);
