/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

/**
 * DOC: Control groups
 *
 * A `struct cgroup` is one group as an instance sees it: on version 2 one folder, on version 1 (and
 * on hybrid hosts, whose version 2 tree has no controllers of use) one folder in each controller's
 * hierarchy. Which of both a host has is probed at /sys/fs/cgroup, never taken from a version. All
 * acts go through descriptors of the group's folders; the group's path is Berth's own, made of
 * plain components, and nothing in it is a link.
 *
 * Limits that were not asked for are left as the kernel has them. A limit that was asked for and
 * can not be had is a failure that names it.
 */

enum cgroup_controller {
	CGROUP_CPU,
	CGROUP_CPUACCT,
	CGROUP_CPUSET,
	CGROUP_MEMORY,
	CGROUP_DEVICES,
	CGROUP_FREEZER,
	CGROUP_BLKIO,
	CGROUP_PIDS,
	CGROUP_CONTROLLER_COUNT
};

#define CGROUP_ROOT "/sys/fs/cgroup"

/* Where the hierarchies are. Version 2: @unified_fd. Version 1: @fds, equal ones where comounted.
 */
struct cgroup_layout {
	bool unified;
	int unified_fd;                   /* -1 on version 1 */
	int fds[CGROUP_CONTROLLER_COUNT]; /* -1 where there is no such hierarchy */
	dev_t devs[CGROUP_CONTROLLER_COUNT];
};

/**
 * cgroup_layout_probe() - find the hierarchies
 * @root: where they are mounted, CGROUP_ROOT but in tests
 *
 * Return: 0; -ENOENT where no control groups are mounted there.
 */
must_check int cgroup_layout_probe(const char *root, struct cgroup_layout *ret, struct error *err);
/* True where CGROUP_ROOT is a version 2 hierarchy. */
bool cgroup_host_is_unified(void);
void cgroup_layout_done(struct cgroup_layout *l);
#define auto_cgroup_layout auto_(cgroup_layout_done) struct cgroup_layout
#define CGROUP_LAYOUT_NONE                                                   \
	{                                                                    \
		.unified_fd = -1, .fds = { -1, -1, -1, -1, -1, -1, -1, -1 }, \
	}

struct cgroup;

/**
 * cgroup_make() - make a group, and the ones above it
 * @layout: hierarchies; copied as far as needed
 * @path:   below each hierarchy, of plain components ("berth/4f9c")
 *
 * Return: 0; -EEXIST where the group itself is there already.
 */
must_check int cgroup_make(const struct cgroup_layout *layout, const char *path,
			   struct cgroup **ret, struct error *err);

/**
 * cgroup_open() - open a group that exists
 *
 * Return: 0; -ENOENT where it is in no hierarchy (any more).
 */
must_check int cgroup_open(const struct cgroup_layout *layout, const char *path,
			   struct cgroup **ret, struct error *err);

/**
 * cgroup_rename() - give a group another name below the same parent
 * @path: its new path
 *
 * Return: 0; -EOPNOTSUPP on version 2, where groups keep their names.
 */
must_check int cgroup_rename(struct cgroup *cg, const char *path, struct error *err);

/* Moves another process into the group. */
must_check int cgroup_take(const struct cgroup *cg, pid_t pid, struct error *err);

/* Closes the descriptors; the group itself stays. */
void cgroup_free(struct cgroup *cg);
DEFINE_AUTO(struct cgroup, cgroup_free);
#define auto_cgroup auto_(cgroup_freep) struct cgroup

/* Descriptor for CLONE_INTO_CGROUP on version 2; -1 on version 1. */
int cgroup_clone_fd(const struct cgroup *cg);

/**
 * cgroup_enter() - move the calling process, which must be single-threaded, into the group
 *
 * A process that moves another one, or a whole process by its number, waits on version 1 for a grace
 * period of the kernel's: 5 to 15 ms where nobody did so just before. A thread that moves itself
 * does not, so there is no function here to move somebody else.
 */
must_check int cgroup_enter(const struct cgroup *cg, struct error *err);

/**
 * cgroup_open_entries() - open what cgroup_enter_by() writes to
 * @ret: receives the descriptors
 *
 * For a process that has no right of its own to enter: the right is the opener's.
 *
 * Return: how many, or a negative errno.
 */
int cgroup_open_entries(const struct cgroup *cg, int ret[CGROUP_CONTROLLER_COUNT],
			struct error *err);

/* As cgroup_enter() by such descriptors. */
must_check int cgroup_enter_by(const int *entries, size_t count, struct error *err);

#define CGROUP_LIMIT_NONE INT64_MIN /* leave it */
#define CGROUP_LIMIT_MAX (-1)       /* no limit */

struct cgroup_limits {
	int64_t memory_bytes;
	int64_t memory_swap_bytes; /* memory and swap together */
	int64_t memory_low_bytes;
	int64_t cpu_quota_us;
	int64_t cpu_period_us;
	int64_t cpu_shares;
	int64_t pids;
	int64_t blkio_weight;
	int64_t memory_swappiness; /* 0..100; version 1 only */
	const char *cpuset_cpus;   /* NULL: leave it */
	const char *cpuset_mems;
	bool oom_kill_disable;
};

#define CGROUP_LIMITS_NONE                                                                 \
	{                                                                                  \
		.memory_bytes = CGROUP_LIMIT_NONE, .memory_swap_bytes = CGROUP_LIMIT_NONE, \
		.memory_low_bytes = CGROUP_LIMIT_NONE, .cpu_quota_us = CGROUP_LIMIT_NONE,  \
		.cpu_period_us = CGROUP_LIMIT_NONE, .cpu_shares = CGROUP_LIMIT_NONE,       \
		.pids = CGROUP_LIMIT_NONE, .blkio_weight = CGROUP_LIMIT_NONE,              \
		.memory_swappiness = CGROUP_LIMIT_NONE,                                    \
	}

must_check int cgroup_limit(struct cgroup *cg, const struct cgroup_limits *limits,
			    struct error *err);

struct device_rule;

/* Puts the group's processes under a device policy: only what @rules allow; see device-filter.h. */
must_check int cgroup_filter_devices(struct cgroup *cg, const struct device_rule *rules,
				     size_t count, struct error *err);

/* Stops or continues every process of the group; returns when it is done. */
must_check int cgroup_freeze(struct cgroup *cg, bool freeze, struct error *err);

/* Sends @signal to every process in the group and the groups below it. */
must_check int cgroup_signal(struct cgroup *cg, int signal, struct error *err);

/**
 * cgroup_kill() - end every process in the group and the groups below it
 *
 * Returns when they have ended, or with -ETIMEDOUT after @timeout_ms.
 */
must_check int cgroup_kill(struct cgroup *cg, int timeout_ms, struct error *err);

/**
 * cgroup_clear() - end every process of a group that was left half-made, or half-removed, and remove it
 * @path: as of cgroup_open(); it may be in some of the hierarchies only, or in none
 *
 * On version 1 a process may have entered one folder of the group and not yet the next.
 *
 * Return: 0; -ETIMEDOUT where processes are still there after @timeout_ms.
 */
must_check int cgroup_clear(const struct cgroup_layout *layout, const char *path, int timeout_ms,
			    struct error *err);

/* Removes the group and what was made below it. It must hold no process. */
must_check int cgroup_remove(struct cgroup *cg, struct error *err);

/* How often the kernel killed a process of the group for want of memory; 0 where it can not tell.
 */
uint64_t cgroup_oom_kills(struct cgroup *cg);

/* The group's folder in a controller's hierarchy (version 2: the only one); -1 without. Borrowed.
 */
int cgroup_folder(const struct cgroup *cg, enum cgroup_controller controller);

bool cgroup_is_unified(const struct cgroup *cg);
