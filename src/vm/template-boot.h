/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
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
			     struct error *err);

/* Measures /dev/kvm in a process that is killed where it hangs. */
void template_probe(int keeper_fd, struct vm_probe *ret);
