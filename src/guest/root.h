/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "guest/boot.h"
#include "vm/guest-protocol.h"

/**
 * DOC: The instance's root, from block devices
 *
 * All layers lie one after another on one disk, whose size in the template is only a placeholder:
 * so a clone has nothing to hot-plug and the guest nothing to scan. The host says which part is
 * which; each part becomes a partition by BLKPG, and each layer an EROFS mount of its index with the
 * tar as second device. The writable disk holds an ext4 file system.
 *
 * The descriptors are in the order that the guest's launch plan names them: the layers, the
 * uppermost first, then the writable folder.
 */

struct root_disks {
	int fds[GUEST_LAYERS_MAX + 1];
	uint32_t count;
};

/* The mounts' descriptors are kept for good: the machine has one instance. */
must_check int root_mount(const struct boot_disks *disks, const struct guest_root *root,
			  struct root_disks *ret, struct error *err);

/* Writes everything back to the writable disk. */
void root_sync(const struct root_disks *disks);
