/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/process.h"
#include "vm/accelerator.h"
#include "vm/guest-kernel.h"
#include "vm/template.h"

/**
 * DOC: What a template is made with
 *
 * Two things need a process of their own: booting a machine in its jail (the jail is entered by a
 * single-threaded program), and asking a /dev/kvm that may hang. Both are berth-keeper with another
 * word as its argument.
 */

struct template_boot {
	int keeper_fd;
	const char *qemu;
	enum qemu_accelerator accelerator;
	const struct guest_kernel *kernel;
	struct machine_shape shape;
};

/**
 * template_boot() - boot a machine and freeze it
 * @memory_fd: memory file of the shape's size; filled
 * @state_fd:  empty file; receives the devices' state
 */
must_check int template_boot(const struct template_boot *boot, int memory_fd, int state_fd,
			     struct channel_counts *ret_talk, struct error *err);

/**
 * template_freeze() - have a machine with make_template started and frozen
 * @fds: its descriptors in their places, its description among them; has room for two more
 *
 * Return: 0 when memory and state are filled, or a negative errno.
 */
must_check int template_freeze(int keeper_fd, struct process_fd *fds, size_t count,
			       struct channel_counts *ret_talk, struct error *err);

/* Measures /dev/kvm in a process that is killed where it hangs. */
void template_probe(int keeper_fd, struct vm_probe *ret);
