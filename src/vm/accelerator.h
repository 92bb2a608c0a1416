/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/**
 * DOC: Whether this host's processor really helps
 *
 * /dev/kvm that opens proves nothing: on some hosts a guest behind it is emulated instruction by
 * instruction, slower than QEMU's own translator, or lacks instructions that every Linux needs. So
 * a tiny 64-bit guest runs a loop of a million turns, and one cmpxchg16b, and is timed. Hardware
 * takes about a millisecond. It uses nothing that some processors lack: memory and page tables are
 * made of pages of 4 KiB.
 *
 * A broken /dev/kvm may also hang. The probe therefore runs in a process of its own, which its
 * caller kills after ACCELERATOR_TIMEOUT_MS.
 */

#define ACCELERATOR_TURNS 1000000u
#define ACCELERATOR_TIMEOUT_MS 5000
#define ACCELERATOR_TRIES 3
/* Slower than this is no help: QEMU's translator needs some 5 ms. */
#define ACCELERATOR_LIMIT_NS 20000000LL

/**
 * accelerator_measure() - run the tiny guest
 * @device: "/dev/kvm"
 * @ret_ns: receives how long the loop took
 *
 * May hang; see above.
 *
 * Return: 0; -ENOENT where there is no device; -ENOTSUP where the guest did not get through; or
 *         another negative errno.
 */
must_check int accelerator_measure(const char *device, int64_t *ret_ns, struct error *err);

/* What the process of the probe writes to its caller. */
struct vm_probe {
	int64_t loop_ns;
	struct error error; /* code 0: the guest got through */
};

/**
 * accelerator_is_real() - judge what was measured
 * @reason: receives why, in words for `berth info`
 */
bool accelerator_is_real(const struct vm_probe *probe, char *reason, size_t size);

/**
 * accelerator_tsc_khz() - frequency of this processor's time stamp counter
 *
 * Measured against the monotonic clock over some milliseconds; 0 where it has none that is constant.
 */
uint32_t accelerator_tsc_khz(void);
