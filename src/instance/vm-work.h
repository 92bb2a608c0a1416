/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"
#include "store/tar/write.h"
#include "vm/guest-work.h"

/**
 * DOC: Work of a machine's guest, asked for by the engine
 *
 * See vm/guest-work.h. Where the instance runs, its keeper takes the work as an exec. Where it does not,
 * a keeper of its own is started with a machine for the work alone: it leaves nothing in the run
 * folder, and ends with its work or with the engine's connection.
 *
 * All calls are made with the record's @verbs held; of a machine that was started for the work they are
 * held until vm_work_free(), since two machines must not write to one disk.
 *
 * A guest that does not answer, or trickles, is not waited for without end: there is a limit to how long
 * nothing may come, and one to the whole where @verbs are held meanwhile.
 */

struct manager;
struct plan;
struct record;
struct vm_work;

/**
 * vm_work_begin() - start a piece of work and wait for its HEAD
 * @limits: the plan whose cgroup part goes along; NULL but for UPDATE
 * @head:   receives what the guest says of it; NULL is allowed
 *
 * Return: 0; the guest's own error; -ETIMEDOUT; -EBADMSG where it broke the protocol; -EBUSY where the
 *         machine stands still.
 */
must_check int vm_work_begin(struct manager *m, struct record *r, const struct guest_work *work,
			     const struct plan *limits, struct guest_answer *head,
			     struct vm_work **ret, struct error *err);
void vm_work_free(struct vm_work *w);
DEFINE_AUTO(struct vm_work, vm_work_free);
#define auto_vm_work auto_(vm_work_freep) struct vm_work

/* Whether a machine was started for it: see above. */
bool vm_work_is_exclusive(const struct vm_work *w);

/* Gives everything that comes to @sink, and waits for the END. */
must_check int vm_work_read(struct vm_work *w, tar_sink_fn sink, void *context, struct error *err);

/* Standard input; the guest may have ended the work meanwhile, then its error is the result. */
must_check int vm_work_write(struct vm_work *w, const void *data, size_t len, struct error *err);

/* The input is complete: waits for the END. */
must_check int vm_work_finish(struct vm_work *w, struct error *err);
