/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/**
 * DOC: Overlay file systems from descriptors
 *
 * Layers are named by descriptors throughout. Kernels differ in how they want to hear of them: as
 * descriptors (6.13), one path after the other (6.7), or all of them in one text; each way is tried
 * in turn, the paths being /proc/self/fd names. Kernels before 6.15 refuse a layer that is a detached
 * mount, with -EINVAL: it has to be attached somewhere for the moment.
 */

struct overlay {
	const int *layers; /* the uppermost first */
	size_t layer_count;
	bool detached;    /* some are attached nowhere: do not try what can not take them */
	int upper_fd;     /* folder; negative: read-only, then at least two layers are needed */
	int work_fd;      /* empty folder on the same file system as @upper_fd */
	bool is_volatile; /* skip every sync: a crash may lose or break the upper layer */
	uint64_t attrs;   /* MOUNT_ATTR_* */
};

/**
 * overlay_mount() - make an overlay
 *
 * Return: a detached mount's descriptor, or a negative errno: -EINVAL also where this kernel does not
 *         take detached layers.
 */
int overlay_mount(const struct overlay *o, struct error *err);
