/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "instance/isolation.h"
#include "vm/template.h"

/**
 * DOC: What the files about machines share
 */

struct container_request;
struct manager;
struct record;

/* What QEMU needs beside the guest's memory, and what its group is limited to on top of that. */
#define VM_QEMU_OVERHEAD (320LL << 20)
/* What a guest's kernel needs beside a limit that was asked for. */
#define VM_MEMORY_OVERHEAD (96LL << 20)

/* An instance's writable disk, in its folder. */
#define VM_WRITABLE_NAME "writable.ext4"

/**
 * vm_launch_for_work() - a machine with the disks of an instance that does not run
 *
 * With @verbs held. The disk is made where it is missing. The plan of the launch is the caller's.
 *
 * Return: 0 or a negative errno; -EBUSY where another machine uses the disk.
 */
must_check int vm_launch_for_work(struct manager *m, struct record *r, struct launch *ret,
				  struct error *err);

/* The limits on processor time of a request, in whole processors; 0: none. */
int64_t vm_whole_cpus(const struct container_request *request);

/* struct isolation's. */
extern const struct isolation_files vm_files;
must_check int vm_processes(struct manager *m, struct record *r, const char *ps_args,
			    struct process_table *ret, struct error *err);
must_check int vm_usage(struct manager *m, struct record *r, struct cgroup_usage *ret,
			struct error *err);
must_check int vm_limit(struct manager *m, struct record *r,
			const struct container_request *request, struct plan *limits,
			struct error *err);

/* The machine that an instance with these limits gets. */
struct machine_shape isolation_vm_shape(const struct container_request *request);
