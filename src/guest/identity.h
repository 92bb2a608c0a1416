/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/error.h"

struct guest_identity;

/**
 * identity_assume() - become the machine that the host says this clone is
 *
 * Sets the clock, gives the host's entropy to the kernel and has it reseed at once, then sets the
 * name. A clone shares every byte of its template's memory, so all of this happens before anything
 * of the workload is touched. The kernel draws its boot identifier when it is first read, which is
 * after this.
 */
must_check int identity_assume(const struct guest_identity *identity, struct error *err);

/* Sets the clock where it is far from the host's: while the machine was paused, it stood still. */
void identity_follow_clock(int64_t realtime_ns);
