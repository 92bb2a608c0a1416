/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "container/container.h"
#include "container/plan/plan.h"
#include "guest/root.h"
#include "guest/session.h"

/**
 * DOC: What the guest does itself for the host
 *
 * See vm/guest-work.h. A piece of work is a child of the guest, so the guest goes on to answer; its
 * streams are those of a session. It sees a running instance's files through the instance's mount
 * namespace; in a machine that was started for the work alone it puts the root together by itself.
 */

/**
 * work_start() - start a piece of work
 * @s:         session whose plan it is; receives process and streams
 * @all:       every session of the guest, @s among them: the child lets go of their streams
 * @disks:     the instance's disks, mounted
 * @container: NULL where no program of the instance runs
 *
 * Return: 0 or a negative errno.
 */
must_check int work_start(struct session *s, struct session *all, const struct plan *plan,
			  const struct root_disks *disks, struct container *container,
			  struct error *err);
