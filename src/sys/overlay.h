/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/**
 * DOC: Overlay file systems from descriptors
 *
 * Layers are named by descriptors throughout. Where the kernel takes them as such (6.13) nothing
 * else is needed, and the layers may be detached mounts. Older kernels get their /proc/self/fd
 * names, for which a detached mount must be attached somewhere: overlay_takes_detached() tells.
 */

struct overlay {
	const int *layers; /* the uppermost first */
	size_t layer_count;
	int upper_fd;     /* folder; negative: read-only, then at least two layers are needed */
	int work_fd;      /* empty folder on the same file system as @upper_fd */
	bool is_volatile; /* skip every sync: a crash may lose or break the upper layer */
	uint64_t attrs;   /* MOUNT_ATTR_* */
};

/**
 * overlay_mount() - make an overlay
 *
 * Return: a detached mount's descriptor, or a negative errno.
 */
int overlay_mount(const struct overlay *o, struct error *err);

/* True where this kernel takes layers by descriptor; asked once, by trying. */
bool overlay_takes_detached(void);
