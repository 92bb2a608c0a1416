/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/macros.h"

struct plan;
struct credentials;

/**
 * confine() - give up everything that the plan does not leave to the process
 * @plan: limits, capabilities, seccomp filter
 * @who:  user and groups
 *
 * The order is the point: each step still needs what a later one takes away. What was set is read
 * back, and anything that is not as asked is a failure: the program must then not run.
 *
 *	rlimits, umask
 *	seccomp, where no_new_privs is off     needs CAP_SYS_ADMIN
 *	bounding set                           needs CAP_SETPCAP
 *	groups, gid, uid                       need CAP_SETGID, CAP_SETUID; permitted ones are kept
 *	the other capability sets
 *	death signal                           a change of ids takes it away
 *	no_new_privs, then seccomp             last, so that the filter need not allow the above
 */
must_check int confine(const struct plan *plan, const struct credentials *who, struct error *err);
