/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "vm/channel.h"
#include "vm/machine.h"

struct plan;
struct vm_process;

/**
 * DOC: What a machine is told before a process runs in it
 *
 * The same for a machine that is started for its instance and for one that waits for an instance.
 */

/* Reads the description in a memory file into @ret, which was initialised. */
must_check int vm_machine_read(int fd, struct machine *ret, struct error *err);

/* Opens the channel; of a clone it goes on where the template stopped. */
void vm_channel_open(struct channel *ret, const struct vm_process *process,
		     const struct machine *machine);

must_check int vm_send_identity(struct channel *ch, const struct machine *m, struct error *err);
/* Nothing where the template's guest has mounted the disks already. */
must_check int vm_send_root(struct channel *ch, const struct machine *m, struct error *err);
must_check int vm_send_plan(struct channel *ch, uint32_t session, const struct plan *plan,
			    struct error *err);

/* All of these, and the word to carry the plan out once; the guest answers GUEST_PRACTISED. */
must_check int vm_send_practice(struct channel *ch, const struct machine *m,
				const struct plan *plan, struct error *err);
