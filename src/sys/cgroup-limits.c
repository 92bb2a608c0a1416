/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "sys/cgroup-folders.h"
#include "sys/device-filter.h"

/*
 * Each limit is one line of a table for each version: the controller, the file, and where the
 * number lies in struct cgroup_limits. What is no plain number has a function of its own.
 */
struct limit_file {
	enum cgroup_controller controller;
	const char *name;
	size_t offset;
	const char *max; /* what the file wants for "no limit" */
};

#define LIMIT(controller, name, field, max)                                  \
	{                                                                    \
		controller, name, offsetof(struct cgroup_limits, field), max \
	}

static const struct limit_file version_1[] = {
	LIMIT(CGROUP_MEMORY, "memory.soft_limit_in_bytes", memory_low_bytes, "-1"),
	LIMIT(CGROUP_MEMORY, "memory.swappiness", memory_swappiness, "100"),
	LIMIT(CGROUP_CPU, "cpu.shares", cpu_shares, "1024"),
	LIMIT(CGROUP_CPU, "cpu.cfs_period_us", cpu_period_us, "100000"),
	LIMIT(CGROUP_CPU, "cpu.cfs_quota_us", cpu_quota_us, "-1"),
	LIMIT(CGROUP_PIDS, "pids.max", pids, "max"),
	LIMIT(CGROUP_BLKIO, "blkio.weight", blkio_weight, "500"),
};

static const struct limit_file version_2[] = {
	LIMIT(CGROUP_MEMORY, "memory.max", memory_bytes, "max"),
	LIMIT(CGROUP_MEMORY, "memory.low", memory_low_bytes, "max"),
	LIMIT(CGROUP_PIDS, "pids.max", pids, "max"),
};

static int write_limit(struct cgroup *cg, enum cgroup_controller controller, const char *name,
		       const char *text, struct error *err)
{
	int folder = cgroup_folder(cg, controller);
	if (folder < 0)
		return error_say(err, EOPNOTSUPP, "this host has no controller for %s", name);
	return cgroup_write(cg, folder, name, text, err);
}

static int write_number(struct cgroup *cg, enum cgroup_controller controller, const char *name,
			int64_t value, const char *max, struct error *err)
{
	char text[24];
	if (value == CGROUP_LIMIT_NONE)
		return 0;
	if (value == CGROUP_LIMIT_MAX)
		return write_limit(cg, controller, name, max, err);
	(void)snprintf(text, sizeof(text), "%lld", (long long)value);
	return write_limit(cg, controller, name, text, err);
}

static int write_table(struct cgroup *cg, const struct limit_file *table, size_t count,
		       const struct cgroup_limits *limits, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		int64_t value;
		memcpy(&value, (const char *)limits + table[i].offset, sizeof(value));
		int r = write_number(cg, table[i].controller, table[i].name, value, table[i].max,
				     err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int limit_cpusets(struct cgroup *cg, const struct cgroup_limits *limits, struct error *err)
{
	int r = 0;
	if (limits->cpuset_cpus)
		r = write_limit(cg, CGROUP_CPUSET, "cpuset.cpus", limits->cpuset_cpus, err);
	if (r == 0 && limits->cpuset_mems)
		r = write_limit(cg, CGROUP_CPUSET, "cpuset.mems", limits->cpuset_mems, err);
	return r;
}

/*
 * Version 1 wants memory.limit <= memory.memsw.limit at every moment: when both grow, the second is
 * set first.
 */
static int limit_memory_1(struct cgroup *cg, const struct cgroup_limits *l, struct error *err)
{
	static const char memory[] = "memory.limit_in_bytes";
	static const char swap[] = "memory.memsw.limit_in_bytes";
	struct error first = { 0 };
	int r = write_number(cg, CGROUP_MEMORY, memory, l->memory_bytes, "-1", &first);
	if (r < 0 && l->memory_swap_bytes == CGROUP_LIMIT_NONE)
		return error_say(err, r, "%s", first.text);
	if (l->memory_swap_bytes != CGROUP_LIMIT_NONE) {
		int s = write_number(cg, CGROUP_MEMORY, swap, l->memory_swap_bytes, "-1", err);
		if (s < 0)
			return s;
	}
	if (r < 0)
		r = write_number(cg, CGROUP_MEMORY, memory, l->memory_bytes, "-1", err);
	if (r == 0 && l->oom_kill_disable)
		r = write_limit(cg, CGROUP_MEMORY, "memory.oom_control", "1", err);
	return r;
}

static int limit_cpu_2(struct cgroup *cg, const struct cgroup_limits *l, struct error *err)
{
	char text[64];
	int r = 0;
	if (l->cpu_quota_us != CGROUP_LIMIT_NONE || l->cpu_period_us != CGROUP_LIMIT_NONE) {
		int64_t period = l->cpu_period_us > 0 ? l->cpu_period_us : 100000;
		if (l->cpu_quota_us > 0)
			(void)snprintf(text, sizeof(text), "%lld %lld", (long long)l->cpu_quota_us,
				       (long long)period);
		else
			(void)snprintf(text, sizeof(text), "max %lld", (long long)period);
		r = write_limit(cg, CGROUP_CPU, "cpu.max", text, err);
	}
	if (r == 0 && l->cpu_shares > 0) {
		/* The kernel's own conversion: 2..262144 shares to 1..10000. */
		int64_t shares = l->cpu_shares < 2 ? 2 : l->cpu_shares;
		shares = shares > 262144 ? 262144 : shares;
		r = write_number(cg, CGROUP_CPU, "cpu.weight", 1 + (shares - 2) * 9999 / 262142,
				 "100", err);
	}
	return r;
}

/* Version 2 counts swap alone. */
static int limit_swap_2(struct cgroup *cg, const struct cgroup_limits *l, struct error *err)
{
	if (l->memory_swap_bytes == CGROUP_LIMIT_NONE)
		return 0;
	if (l->memory_swap_bytes == CGROUP_LIMIT_MAX)
		return write_limit(cg, CGROUP_MEMORY, "memory.swap.max", "max", err);
	int64_t memory = l->memory_bytes > 0 ? l->memory_bytes : 0;
	if (l->memory_swap_bytes < memory)
		return error_say(err, EINVAL,
				 "the limit of memory and swap is below the one of memory");
	return write_number(cg, CGROUP_MEMORY, "memory.swap.max", l->memory_swap_bytes - memory,
			    "max", err);
}

/* blkio's 10..1000 as io.weight's 1..10000, or BFQ's own file where that scheduler is in use. */
static int limit_io_2(struct cgroup *cg, const struct cgroup_limits *l, struct error *err)
{
	if (l->blkio_weight == CGROUP_LIMIT_NONE || l->blkio_weight <= 0)
		return 0;
	if (write_number(cg, CGROUP_BLKIO, "io.bfq.weight", l->blkio_weight, "100", NULL) == 0)
		return 0;
	int64_t weight = 1 + (l->blkio_weight - 10) * 9999 / 990;
	char text[48];
	(void)snprintf(text, sizeof(text), "default %lld", (long long)weight);
	return write_limit(cg, CGROUP_BLKIO, "io.weight", text, err);
}

int cgroup_limit(struct cgroup *cg, const struct cgroup_limits *l, struct error *err)
{
	int r;
	if (!cg->unified) {
		r = limit_memory_1(cg, l, err);
		if (r == 0)
			r = write_table(cg, version_1, ARRAY_SIZE(version_1), l, err);
		return r < 0 ? r : limit_cpusets(cg, l, err);
	}
	if (l->oom_kill_disable)
		return error_say(err, EOPNOTSUPP,
				 "control groups of version 2 cannot do without the OOM killer");
	if (l->memory_swappiness != CGROUP_LIMIT_NONE)
		return error_say(err, EOPNOTSUPP,
				 "control groups of version 2 have no swappiness of their own");
	r = write_table(cg, version_2, ARRAY_SIZE(version_2), l, err);
	if (r == 0)
		r = limit_swap_2(cg, l, err);
	if (r == 0)
		r = limit_cpu_2(cg, l, err);
	if (r == 0)
		r = limit_io_2(cg, l, err);
	return r < 0 ? r : limit_cpusets(cg, l, err);
}

int cgroup_filter_devices(struct cgroup *cg, const struct device_rule *rules, size_t count,
			  struct error *err)
{
	if (cg->unified)
		return device_filter_attach(cg->folders[0], rules, count, err);
	int r = write_limit(cg, CGROUP_DEVICES, "devices.deny", "a", err);
	for (size_t i = 0; r == 0 && i < count; i++) {
		char text[DEVICE_RULE_TEXT];
		device_rule_format(&rules[i], text);
		r = write_limit(cg, CGROUP_DEVICES,
				rules[i].allow ? "devices.allow" : "devices.deny", text, err);
	}
	return r;
}

/* The number behind @key in a file of "key number" lines; 0 where it is not there. */
static uint64_t read_key(int folder, const char *name, const char *key)
{
	auto_strbuf text = STRBUF_INIT(8192);
	struct error err;
	unsigned long long n = 0;
	size_t len = strlen(key);
	if (folder < 0 || read_file_at(folder, name, 8192, &text, &err) < 0)
		return 0;
	for (const char *line = strbuf_text(&text); *line; line += strcspn(line, "\n") + 1) {
		if (strncmp(line, key, len) == 0 && line[len] == ' ')
			return sscanf(line + len, " %llu", &n) == 1 ? n : 0;
		if (!line[strcspn(line, "\n")])
			break;
	}
	return 0;
}

uint64_t cgroup_oom_kills(struct cgroup *cg)
{
	return read_key(cgroup_folder(cg, CGROUP_MEMORY),
			cg->unified ? "memory.events" : "memory.oom_control", "oom_kill");
}
