/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/strbuf.h"
#include "sys/cgroup.h"
#include "vm/channel.h"
#include "vm/machine.h"
#include "vm/qmp.h"

/**
 * DOC: A QEMU process and what leads to it
 *
 * Started in its jail with four ends: its monitor, the guest channel, the guest's console and, for a
 * clone, the template's device state. The keeper is its parent: it dies with the keeper, and its
 * exit is reaped here.
 *
 * What the guest prints on its console is kept only as its last lines, which tell why a kernel
 * panicked: however much a guest prints, nothing grows.
 */

#define VM_CONSOLE_KEPT 4096

struct vm_process {
	pid_t pid;
	int pidfd;
	int qmp_fd;
	struct qmp *qmp;
	int channel_fd;
	int console_fd;
	char console[VM_CONSOLE_KEPT];
	size_t console_len;
	struct cgroup *cgroup;
	struct cgroup_limits limits; /* of it */
	/* What the monitor told of the machine's end. */
	bool shut_down; /* by the guest, or by a reset of it */
	bool reset;
};

#define VM_PROCESS_NONE                                                       \
	{                                                                     \
		.pidfd = -1, .qmp_fd = -1, .channel_fd = -1, .console_fd = -1 \
	}

/**
 * vm_process_start() - start QEMU and bring the machine to where its guest runs or boots
 * @p:       VM_PROCESS_NONE; released by vm_process_done() also after a failure
 * @machine: what to start; its descriptors are in place
 *
 * Return: 0 or a negative errno.
 */
must_check int vm_process_start(struct vm_process *p, const struct machine *machine,
				struct error *err);

/* Reads what the console printed. */
void vm_process_read_console(struct vm_process *p);

/**
 * vm_process_explain() - say why the machine ended, after its pidfd has become readable
 * @ret: receives a text such as "the guest's kernel panicked: ..."
 */
void vm_process_explain(struct vm_process *p, struct error *ret);

/**
 * vm_process_starved() - how long QEMU's threads have waited for a processor of the host
 *
 * Return: nanoseconds, of all its threads together since they began; 0 where nobody counts them.
 */
int64_t vm_process_starved(const struct vm_process *p);

/* Freezes or continues the machine's processors. */
must_check int vm_process_freeze(struct vm_process *p, bool freeze, struct error *err);

struct plan_cgroup;

/* Sets those limits that are measured in the host's processors and disks. */
must_check int vm_process_limit(struct vm_process *p, const struct plan_cgroup *limits,
				struct error *err);

/* Puts the machine into another control group, by another name of its own where that can be. */
must_check int vm_process_move(struct vm_process *p, const char *cgroup, struct error *err);

/* Kills QEMU where it runs, reaps it, and removes its control group. */
must_check int vm_process_end(struct vm_process *p, struct error *err);

/* The same, and releases everything. */
void vm_process_done(struct vm_process *p);
