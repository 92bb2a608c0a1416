/* SPDX-License-Identifier: Apache-2.0 */
#include "container/config/default-parts.h"

#include <string.h>
#include <strings.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "base/array.h"
#include "container/config/capabilities.h"

#define NOFILE_SOFT 1024
#define NOFILE_HARD 524288
#define CPU_PERIOD_US 100000

/* ---- limits of the process --------------------------------------------------------------- */

static uint64_t limit_value(int64_t value)
{
	return value < 0 ? UINT64_MAX : (uint64_t)value;
}

static void add_rlimit(struct runtime_process *process, int resource, uint64_t soft, uint64_t hard)
{
	struct runtime_rlimit *limit = array_add(process->rlimits, process->rlimit_count);

	limit->resource = resource;
	limit->soft = soft;
	limit->hard = hard;
}

void default_rlimits_add(const struct container_request *request,
			 const struct container_place *place, struct runtime_process *process)
{
	bool nofile = false;

	for (size_t i = 0; i < request->ulimit_count; i++) {
		const struct container_ulimit *u = &request->ulimits[i];
		for (const struct json_word *w = runtime_rlimit_words; w->word; w++) {
			if (strcasecmp(w->word + strlen("RLIMIT_"), u->name) != 0)
				continue;
			add_rlimit(process, (int)w->value, limit_value(u->soft),
				   limit_value(u->hard));
			nofile |= w->value == RLIMIT_NOFILE;
		}
	}
	if (nofile || !place->nofile_hard.set)
		return;

	uint64_t hard = NOFILE_HARD;
	if (place->nofile_hard.value < hard)
		hard = place->nofile_hard.value;
	add_rlimit(process, RLIMIT_NOFILE, hard < NOFILE_SOFT ? hard : NOFILE_SOFT, hard);
}

/* ---- limits of the control group --------------------------------------------------------- */

static struct runtime_memory *memory_limits(const struct container_request *request)
{
	if (request->memory_bytes == 0 && request->memory_reservation_bytes == 0 &&
	    request->memory_swap_bytes == 0 && !request->oom_kill_disable.value &&
	    (!request->memory_swappiness.set || request->memory_swappiness.value < 0))
		return NULL;

	struct runtime_memory *memory = xnew(struct runtime_memory);
	if (request->memory_bytes > 0) {
		memory->limit = (struct optional_int){ true, request->memory_bytes };
		/* Docker's rule: as much swap again as memory */
		int64_t twice;
		if (__builtin_mul_overflow(request->memory_bytes, 2, &twice))
			twice = -1;
		memory->swap = (struct optional_int){ true, twice };
	}
	if (request->memory_swap_bytes != 0)
		memory->swap = (struct optional_int){ true, request->memory_swap_bytes };
	if (request->memory_reservation_bytes > 0)
		memory->reservation =
			(struct optional_int){ true, request->memory_reservation_bytes };
	if (request->memory_swappiness.set && request->memory_swappiness.value >= 0)
		memory->swappiness =
			(struct optional_uint){ true, (uint64_t)request->memory_swappiness.value };
	memory->disable_oom_killer = request->oom_kill_disable.value;
	return memory;
}

static struct runtime_cpu *cpu_limits(const struct container_request *request)
{
	if (request->nano_cpus == 0 && request->cpu_shares == 0 && request->cpu_period_us == 0 &&
	    request->cpu_quota_us == 0 && !request->cpuset_cpus && !request->cpuset_mems)
		return NULL;

	struct runtime_cpu *cpu = xnew(struct runtime_cpu);
	if (request->cpu_shares > 0)
		cpu->shares = (struct optional_uint){ true, (uint64_t)request->cpu_shares };
	if (request->cpu_period_us > 0)
		cpu->period_us = (struct optional_uint){ true, (uint64_t)request->cpu_period_us };
	if (request->cpu_quota_us != 0)
		cpu->quota_us = (struct optional_int){ true, request->cpu_quota_us };
	if (request->nano_cpus > 0) {
		cpu->period_us = (struct optional_uint){ true, CPU_PERIOD_US };
		cpu->quota_us = (struct optional_int){ true, request->nano_cpus /
								     (1000000000 / CPU_PERIOD_US) };
	}
	cpu->cpus = xstrdup_or_null(request->cpuset_cpus);
	cpu->mems = xstrdup_or_null(request->cpuset_mems);
	return cpu;
}

/* ---- devices ----------------------------------------------------------------------------- */

static struct runtime_device_rule *add_rule(struct runtime_resources *r, bool allow, int type,
					    int64_t major, int64_t minor, const char *access)
{
	struct runtime_device_rule *rule = array_add(r->devices, r->device_count);

	rule->allow = allow;
	rule->type = type;
	rule->major = (struct optional_int){ major >= 0, major };
	rule->minor = (struct optional_int){ minor >= 0, minor };
	rule->access = xstrdup(access);
	return rule;
}

static const char *access_of(const struct container_request *request, const char *path)
{
	for (size_t i = 0; i < request->device_count; i++) {
		const struct container_device *d = &request->devices[i];
		const char *inside = d->path ? d->path : d->host_path;
		size_t len = strlen(inside);
		/* a folder stands for all that is in it */
		if (d->permissions && strncmp(path, inside, len) == 0 &&
		    (path[len] == '\0' || path[len] == '/'))
			return d->permissions;
	}
	return "rwm";
}

/* "c 1:3 rwm", whose grammar the request's check has seen. */
static void add_written_rule(struct runtime_resources *r, const char *text)
{
	const char *colon = strchr(text, ':');
	const char *access = strrchr(text, ' ');
	int64_t major = text[2] == '*' ? -1 : strtoll(text + 2, NULL, 10);
	int64_t minor = colon[1] == '*' ? -1 : strtoll(colon + 1, NULL, 10);

	(void)add_rule(r, true, text[0], major, minor, access + 1);
}

/* The standard devices are every configuration's, whatever it says: compile-cgroup.c adds them. */
static void add_device_rules(const struct container_request *request,
			     const struct container_place *place, uint64_t capabilities,
			     struct runtime_resources *r)
{
	if (request->privileged) {
		(void)add_rule(r, true, 'a', -1, -1, "rwm");
		return;
	}
	(void)add_rule(r, false, 'a', -1, -1, "rwm");
	if (capabilities & CAPABILITY_BIT(27)) { /* CAP_MKNOD: make any node, open none */
		(void)add_rule(r, true, 'c', -1, -1, "m");
		(void)add_rule(r, true, 'b', -1, -1, "m");
	}
	for (size_t i = 0; i < place->device_count; i++) {
		const struct runtime_device *d = &place->devices[i];
		(void)add_rule(r, true, d->type, d->major, d->minor, access_of(request, d->path));
	}
	for (size_t i = 0; i < request->device_cgroup_rules.count; i++)
		add_written_rule(r, request->device_cgroup_rules.items[i]);
}

static void copy_devices(const struct container_place *place, struct runtime_linux *l)
{
	for (size_t i = 0; i < place->device_count; i++) {
		struct runtime_device *d = array_add(l->devices, l->device_count);
		*d = place->devices[i];
		d->path = xstrdup(place->devices[i].path);
	}
}

void default_limits_add(const struct container_request *request,
			const struct container_place *place, struct runtime_config *config)
{
	struct runtime_linux *l = &config->linux_;
	struct runtime_resources *r = xnew(struct runtime_resources);

	l->resources = r;
	r->memory = memory_limits(request);
	r->cpu = cpu_limits(request);
	r->pids = xnew(struct runtime_pids);
	r->pids->limit = CONTAINER_PIDS_DEFAULT;
	/* Docker's clients send 0 for "not given", too */
	if (request->pids_limit.set && request->pids_limit.value != 0)
		r->pids->limit = request->pids_limit.value;
	if (request->blkio_weight > 0) {
		r->block_io = xnew(struct runtime_block_io);
		r->block_io->weight = (struct optional_uint){ true, request->blkio_weight };
	}
	add_device_rules(request, place, config->process->capabilities->bounding, r);
	copy_devices(place, l);
	l->cgroups_path = xstrdup_or_null(place->cgroups_path);
}
