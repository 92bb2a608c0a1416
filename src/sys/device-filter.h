/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/**
 * DOC: Device policies
 *
 * A policy is a list of rules over "nothing is allowed"; the last rule that matches an access
 * decides. On version 1 the rules are lines of devices.allow and devices.deny, on version 2 a BPF
 * program of the type CGROUP_DEVICE that is put together here, instruction by instruction.
 */

enum device_access {
	DEVICE_ACCESS_READ = 1 << 0,
	DEVICE_ACCESS_WRITE = 1 << 1,
	DEVICE_ACCESS_MKNOD = 1 << 2,
	DEVICE_ACCESS_ALL = 7,
};

#define DEVICE_ANY (-1)

struct device_rule {
	bool allow;
	uint32_t type;   /* 'c', 'b' or 'a' for both */
	int64_t major;   /* DEVICE_ANY */
	int64_t minor;   /* DEVICE_ANY */
	uint32_t access; /* enum device_access */
};

/* Writes a rule as version 1's files want it: "c 1:3 rwm". */
#define DEVICE_RULE_TEXT 64
void device_rule_format(const struct device_rule *rule, char ret[DEVICE_RULE_TEXT]);

struct bpf_insn;

/* Most instructions of a program that device_filter_compile() makes of @count rules. */
#define DEVICE_FILTER_MAX(count) ((count)*8 + 8)

/**
 * device_filter_compile() - make the BPF program of a policy
 * @ret: receives the instructions, room for DEVICE_FILTER_MAX(@count)
 *
 * Return: how many instructions.
 */
size_t device_filter_compile(const struct device_rule *rules, size_t count, struct bpf_insn *ret);

/**
 * device_filter_attach() - load a policy and attach it to a version 2 group
 * @cgroup_fd: the group's folder
 *
 * Kernels 6.17 to 7.2 write past a short attribute when they report on device programs, so every
 * bpf(2) call here gives the whole, zeroed union.
 */
must_check int device_filter_attach(int cgroup_fd, const struct device_rule *rules, size_t count,
				    struct error *err);
