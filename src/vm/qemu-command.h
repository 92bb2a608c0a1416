/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/strv.h"

/**
 * DOC: QEMU's command line
 *
 * One function makes the arguments of every machine: one that boots, one that becomes a template,
 * one that is cloned from it. What shapes the machine must be the same for a template and its clones
 * (processor, memory, devices and their order), or the device state does not fit; only the memory's
 * sharing, the disks' contents and the kernel differ.
 *
 * All files are descriptors (machine.h says which). Nothing of QEMU's defaults is left: no default
 * devices, no user configuration, no option ROMs, no memory that the host may merge with another
 * machine's (which would tell the one what the other holds); the machine has a serial console, a virtio-serial
 * port, and two virtio disks whose size in the template is a placeholder.
 *
 * The layers' disk is a VMDK descriptor that lists index and tar of each layer as flat extents, so
 * that any number of files is one disk without being copied.
 */

enum qemu_accelerator { QEMU_TCG, QEMU_KVM };

/* Size that both disks have for the guest, whatever lies behind them. */
#define QEMU_DISK_BYTES (16ULL << 40)

struct qemu_machine {
	const char *qemu; /* argv[0] */
	enum qemu_accelerator accelerator;
	uint64_t memory_bytes;
	uint32_t cpus;
	int memory_fd;
	bool keeps_memory; /* what it writes there is to stay: it becomes a template */
	/* To boot; -1 in a clone. */
	int kernel_fd;
	int initramfs_fd;
	uint32_t tsc_khz; /* of this host's processor, under TCG; 0: let the guest find out */
	/* -1 in a template. */
	int layers_fd;       /* VMDK descriptor */
	const int *file_fds; /* what it names, "/dev/fdset/<descriptor>" each */
	uint32_t file_count;
	int writable_fd;
	bool is_volatile; /* the writable disk need not survive a power cut */
};

/* Appends the arguments, argv[0] first. */
void qemu_command(const struct qemu_machine *m, struct strv *ret);
