/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

/**
 * DOC: From the kernel's hand-over to a machine that can be frozen
 *
 * What berth-guest finds as process 1 is the initramfs: itself, and the kernel's modules as numbered
 * files. The root of an initramfs can not be pivoted away from (pivot_root(2)), which every
 * container's start does; so a tmpfs takes its place once the modules are loaded.
 *
 * Nothing here may read random numbers or the boot identifier: whatever is drawn before the machine
 * is frozen is the same in every clone of it.
 */

/* Where the writable disk and the layers' disk are, as devices. */
struct boot_disks {
	char layers[32];
	char writable[32];
};

/* Mounts the kernel's file systems and loads the modules that lie in /modules, in their order. */
must_check int boot_prepare(struct error *err);

/* Replaces the root by a tmpfs with /dev, /proc, /sys and /sys/fs/cgroup. */
must_check int boot_switch_root(struct error *err);

/* Opens the port to the host, waiting for it to appear; a descriptor or a negative errno. */
int boot_open_port(struct error *err);

/* Finds the disks by the serial numbers that the host gave them. */
must_check int boot_find_disks(struct boot_disks *ret, struct error *err);

/* Brings "lo" up. */
must_check int boot_loopback(struct error *err);
