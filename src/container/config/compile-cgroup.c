/* SPDX-License-Identifier: Apache-2.0 */
#include "container/config/compile-parts.h"

#include <errno.h>
#include <string.h>

#include "base/path.h"

/* What the specification has and a plan has not. */
static int refuse_absent(const struct runtime_resources *r, struct error *err)
{
	const struct runtime_memory *m = r->memory;
	const struct runtime_cpu *c = r->cpu;
	const struct runtime_block_io *b = r->block_io;
	const struct {
		bool asked;
		const char *name;
	} parts[] = {
		{ m && m->kernel.set, "memory.kernel" },
		{ m && m->kernel_tcp.set, "memory.kernelTCP" },
		{ c && c->burst_us.set, "cpu.burst" },
		{ c && (c->realtime_period_us.set || c->realtime_runtime_us.set), "cpu.realtime" },
		{ c && c->idle.set, "cpu.idle" },
		{ b && b->leaf_weight.set, "blockIO.leafWeight" },
		{ b && b->weight_device_count > 0, "blockIO.weightDevice" },
		{ b && (b->read_bps.count || b->write_bps.count || b->read_iops.count ||
			b->write_iops.count),
		  "blockIO.throttle" },
		{ r->hugepage_limit_count > 0, "hugepageLimits" },
		{ r->network, "network" },
		{ r->unified, "unified" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (parts[i].asked)
			return error_say(err, ENOTSUP, "resources.%s is not supported",
					 parts[i].name);
	return 0;
}

static int64_t limit(struct optional_int value)
{
	if (!value.set)
		return PLAN_LIMIT_NONE;
	return value.value < 0 ? PLAN_LIMIT_MAX : value.value;
}

static int natural(struct optional_uint value, const char *name, int64_t *ret, struct error *err)
{
	if (!value.set)
		return 0;
	if (value.value > INT64_MAX)
		return error_say(err, EINVAL, "resources.%s is out of range", name);
	*ret = (int64_t)value.value;
	return 0;
}

static int compile_limits(const struct runtime_resources *r, struct plan *p, struct error *err)
{
	struct plan_cgroup *g = &p->cgroup;
	int result = 0;

	if (r->memory) {
		g->memory_bytes = limit(r->memory->limit);
		g->memory_swap_bytes = limit(r->memory->swap);
		g->memory_low_bytes = limit(r->memory->reservation);
		g->oom_kill_disable = r->memory->disable_oom_killer;
		result = natural(r->memory->swappiness, "memory.swappiness", &g->memory_swappiness,
				 err);
	}
	if (result == 0 && r->cpu) {
		g->cpu_quota_us = limit(r->cpu->quota_us);
		g->cpuset_cpus = plan_text(p, r->cpu->cpus);
		g->cpuset_mems = plan_text(p, r->cpu->mems);
		result = natural(r->cpu->shares, "cpu.shares", &g->cpu_shares, err);
		if (result == 0)
			result = natural(r->cpu->period_us, "cpu.period", &g->cpu_period_us, err);
	}
	if (r->pids)
		g->pids = r->pids->limit > 0 ? r->pids->limit : PLAN_LIMIT_MAX;
	if (result == 0 && r->block_io)
		result = natural(r->block_io->weight, "blockIO.weight", &g->blkio_weight, err);
	return result;
}

/* ---- device policy ----------------------------------------------------------------------- */

static uint32_t access_bits(const char *access)
{
	uint32_t bits = 0;

	if (!access || !*access)
		return PLAN_DEVICE_ALL;
	for (; *access; access++)
		bits |= *access == 'r'   ? PLAN_DEVICE_READ
			: *access == 'w' ? PLAN_DEVICE_WRITE
					 : PLAN_DEVICE_MKNOD;
	return bits;
}

static int64_t number(struct optional_int value)
{
	return value.set && value.value >= 0 ? value.value : PLAN_DEVICE_ANY;
}

static bool is_everything(const struct plan_device_rule *rule)
{
	return rule->type == 'a' && rule->major == PLAN_DEVICE_ANY &&
	       rule->minor == PLAN_DEVICE_ANY && rule->access == PLAN_DEVICE_ALL;
}

/* Not the host's console, 5:1: a container's /dev/console is its own terminal. */
static void add_default_rules(struct plan *p)
{
	static const int numbers[][2] = { { 1, 3 }, { 1, 5 }, { 1, 7 }, { 1, 8 },
					  { 1, 9 }, { 5, 0 }, { 5, 2 }, { 136, -1 } };

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		*plan_add(p, &p->cgroup.devices) = (struct plan_device_rule){
			.allow = true,
			.type = 'c',
			.major = numbers[i][0],
			.minor = numbers[i][1],
			.access = PLAN_DEVICE_ALL,
		};
}

/* The last rule that matches decides; an allowed "everything" at the end is no policy at all. */
static void compile_device_rules(const struct runtime_resources *r, struct plan *p)
{
	struct plan_cgroup *g = &p->cgroup;

	g->filter_devices = true;
	for (size_t i = 0; i < r->device_count; i++) {
		const struct runtime_device_rule *rule = &r->devices[i];
		struct plan_device_rule out = {
			.allow = rule->allow,
			.type = rule->type ? (uint32_t)rule->type : 'a',
			.major = number(rule->major),
			.minor = number(rule->minor),
			.access = access_bits(rule->access),
		};
		if (is_everything(&out)) {
			/* nothing before it matters any more */
			g->devices.count = 0;
			g->filter_devices = !rule->allow;
			continue;
		}
		/* after "allow everything" a denial has to be heard */
		if (!g->filter_devices && !out.allow) {
			g->filter_devices = true;
			*plan_add(p, &g->devices) = (struct plan_device_rule){
				.allow = true,
				.type = 'a',
				.major = PLAN_DEVICE_ANY,
				.minor = PLAN_DEVICE_ANY,
				.access = PLAN_DEVICE_ALL,
			};
		}
		if (g->filter_devices)
			*plan_add(p, &g->devices) = out;
	}
	if (g->filter_devices)
		add_default_rules(p);
}

int compile_cgroup(const struct runtime_linux *l, struct plan *p, struct error *err)
{
	static const struct runtime_resources none;
	const struct runtime_resources *r = l->resources ? l->resources : &none;

	if (l->cgroups_path) {
		const char *path = l->cgroups_path + (l->cgroups_path[0] == '/');
		if (!path_is_plain_relative(path))
			return error_say(err, EINVAL, "cgroupsPath '%s' is no plain path",
					 l->cgroups_path);
		p->cgroup.path = plan_text(p, path);
	}
	int result = refuse_absent(r, err);
	if (result == 0)
		result = compile_limits(r, p, err);
	if (result < 0)
		return result;
	compile_device_rules(r, p);
	return 0;
}
