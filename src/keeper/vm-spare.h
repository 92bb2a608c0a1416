/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "keeper/vm-process.h"
#include "vm/channel.h"
#include "vm/machine.h"

/**
 * DOC: A machine that waits for an instance
 *
 * It has the image's layers and a writable disk of its own, and has carried out a plan once, so that
 * its emulated processor has translated the way already. See KEEPER_ARG_SPARE, and vm_spare_wait()
 * in backend.h.
 */
struct vm_spare {
	struct machine machine;
	struct vm_process process;
	struct channel channel;
};
