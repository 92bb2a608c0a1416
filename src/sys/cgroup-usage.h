/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

/**
 * DOC: What a control group uses
 *
 * The same numbers from version 1 and version 2. What a host does not count reads 0.
 */
struct cgroup;

#define CGROUP_DISKS_MAX 64

struct cgroup_disk {
	uint32_t major;
	uint32_t minor;
	uint64_t read_bytes;
	uint64_t written_bytes;
};

struct cgroup_usage {
	uint64_t cpu_ns;
	uint64_t cpu_user_ns;
	uint64_t cpu_kernel_ns;
	uint64_t periods; /* of a quota on the processors */
	uint64_t throttled_periods;
	uint64_t throttled_ns;
	uint64_t memory_bytes;
	uint64_t memory_max_bytes;    /* the most so far */
	uint64_t memory_limit_bytes;  /* UINT64_MAX: none */
	uint64_t inactive_file_bytes; /* of @memory_bytes, can be given back at once */
	uint64_t active_file_bytes;
	uint64_t anon_bytes;
	uint64_t page_faults;
	uint64_t processes;
	uint64_t process_limit; /* UINT64_MAX: none */
	struct cgroup_disk disks[CGROUP_DISKS_MAX];
	size_t disk_count;
};

void cgroup_usage_read(const struct cgroup *cg, struct cgroup_usage *ret);

/**
 * cgroup_processes() - every process in the group and the groups below it
 * @ret: receives a malloc'ed array
 *
 * Return: how many.
 */
size_t cgroup_processes(const struct cgroup *cg, pid_t **ret);
