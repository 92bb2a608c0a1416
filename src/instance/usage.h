/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/strv.h"
#include "sys/process-table.h"
#include "instance/manager.h"
#include "sys/cgroup-usage.h"

/**
 * DOC: What instances use
 *
 * A container's processes and numbers are read from the kernel by the engine: from /proc and from the
 * instance's control group. A machine's own kernel knows its processes and its memory; its guest reads
 * them by the same code, and what the machine costs is read from QEMU's control group. Nothing is
 * executed, neither on the host nor inside.
 */

struct instance_network {
	char name[32];
	uint64_t rx_bytes, rx_packets, rx_errors, rx_dropped;
	uint64_t tx_bytes, tx_packets, tx_errors, tx_dropped;
};
#define INSTANCE_NETWORKS_MAX 16

struct instance_stats {
	char id[INSTANCE_ID_LEN + 1];
	char name[256];
	bool running; /* else all that follows is 0 */
	int64_t read_ns;
	struct cgroup_usage usage;
	uint64_t system_cpu_ns; /* of all processors since the host's start */
	uint32_t online_cpus;
	uint64_t host_memory_bytes;
	struct instance_network networks[INSTANCE_NETWORKS_MAX];
	size_t network_count;
};

must_check int manager_stats(struct manager *m, const char *ref, struct instance_stats *ret,
			     struct error *err);

/**
 * manager_top() - the processes of a running instance
 * @ps_args: as for ps(1): "-ef" (also for "" and NULL), "aux", or "-o" with a list of columns; others
 *           are refused
 *
 * Process ids are the host's, or the guest's own; user ids are the instance's own.
 */
must_check int manager_top(struct manager *m, const char *ref, const char *ps_args,
			   struct process_table *ret, struct error *err);

/**
 * manager_update() - change limits, restart policy and labels
 * @changes: Docker's update document, with "Labels" as a create document has them; what is missing,
 *           and numbers that are 0, stay as they are
 *
 * A running instance has the new limits when this returns.
 */
must_check int manager_update(struct manager *m, const char *ref, struct json_object *changes,
			      struct error *err);
