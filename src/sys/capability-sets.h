/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/error.h"

/**
 * DOC: The capability sets of the calling thread, one bit a capability
 *
 * A set may name capabilities that this kernel does not know; those are left out, since nobody can
 * hold them.
 */

struct capability_sets {
	uint64_t bounding;
	uint64_t effective;
	uint64_t permitted;
	uint64_t inheritable;
	uint64_t ambient;
};

/* All capabilities that this kernel knows. */
uint64_t capability_all(void);

/* Drops from the bounding set what is not in @keep; needs CAP_SETPCAP. */
must_check int capability_bound(uint64_t keep, struct error *err);

/**
 * capability_apply() - set the sets other than the bounding one, and check that they hold
 *
 * Reads all five sets back and compares: what the kernel has is what was asked, or it failed.
 */
must_check int capability_apply(const struct capability_sets *sets, struct error *err);
