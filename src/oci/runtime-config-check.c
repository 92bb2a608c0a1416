/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/runtime-config.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

static int check_process(const struct runtime_process *process, struct error *err)
{
	if (process->args.count == 0)
		return error_say(err, EINVAL, "args is empty");
	if (process->cwd[0] != '/')
		return error_say(err, EINVAL, "cwd '%s' is no absolute path", process->cwd);
	for (size_t i = 0; i < process->rlimit_count; i++) {
		const struct runtime_rlimit *limit = &process->rlimits[i];
		if (limit->soft > limit->hard)
			return error_say(err, EINVAL, "rlimits[%zu]: soft is above hard", i);
		for (size_t k = 0; k < i; k++)
			if (process->rlimits[k].resource == limit->resource)
				return error_say(err, EINVAL, "rlimits[%zu]: given twice", i);
	}
	if (process->user.umask.set && process->user.umask.value > 0777)
		return error_say(err, EINVAL, "umask has more than permission bits");
	if (process->oom_score_adj.set &&
	    (process->oom_score_adj.value < -1000 || process->oom_score_adj.value > 1000))
		return error_say(err, EINVAL, "oomScoreAdj is not within -1000 and 1000");
	return 0;
}

static bool overlap(uint32_t a, uint32_t b, const struct runtime_id_map *x,
		    const struct runtime_id_map *y)
{
	return (uint64_t)a < (uint64_t)b + y->size && (uint64_t)b < (uint64_t)a + x->size;
}

static int check_id_maps(const struct runtime_id_map *maps, size_t count, const char *what,
			 struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		const struct runtime_id_map *m = &maps[i];
		/* the last id is the kernel's word for "none" */
		if (m->size == 0 || (uint64_t)m->container_id + m->size > UINT32_MAX ||
		    (uint64_t)m->host_id + m->size > UINT32_MAX)
			return error_say(err, EINVAL, "%s[%zu]: no range of ids", what, i);
		for (size_t k = 0; k < i; k++)
			if (overlap(m->container_id, maps[k].container_id, m, &maps[k]) ||
			    overlap(m->host_id, maps[k].host_id, m, &maps[k]))
				return error_say(err, EINVAL, "%s[%zu]: overlaps with [%zu]", what,
						 i, k);
	}
	return 0;
}

static int check_namespaces(const struct runtime_config *config, struct error *err)
{
	const struct runtime_linux *l = &config->linux_;

	for (size_t i = 0; i < l->namespace_count; i++) {
		const struct runtime_namespace *ns = &l->namespaces[i];
		if (ns->path && ns->path[0] != '/')
			return error_say(err, EINVAL, "namespaces[%zu]: path is not absolute", i);
		if (runtime_config_namespace(config, ns->type) != ns)
			return error_say(err, EINVAL, "namespaces[%zu]: type given twice", i);
	}
	const struct runtime_namespace *user = runtime_config_namespace(config, CLONE_NEWUSER);
	bool maps = l->uid_map_count > 0 || l->gid_map_count > 0;
	if (maps && (!user || user->path))
		return error_say(err, EINVAL, "id mappings without a new user namespace");
	if (user && !user->path && (l->uid_map_count == 0 || l->gid_map_count == 0))
		return error_say(err, EINVAL, "a new user namespace without id mappings");
	if (config->hostname && !runtime_config_namespace(config, CLONE_NEWUTS))
		return error_say(err, EINVAL, "hostname without a uts namespace");
	if (l->time_offset_count > 0 && !runtime_config_namespace(config, CLONE_NEWTIME))
		return error_say(err, EINVAL, "timeOffsets without a time namespace");
	return 0;
}

static int check_paths(const struct strv *paths, const char *what, struct error *err)
{
	for (size_t i = 0; i < paths->count; i++)
		if (paths->items[i][0] != '/')
			return error_say(err, EINVAL, "%s[%zu]: path is not absolute", what, i);
	return 0;
}

static int check_mounts(const struct runtime_config *config, struct error *err)
{
	for (size_t i = 0; i < config->mount_count; i++) {
		const struct runtime_mount *m = &config->mounts[i];
		int r = check_id_maps(m->uid_maps, m->uid_map_count, "uidMappings", err);
		if (r == 0)
			r = check_id_maps(m->gid_maps, m->gid_map_count, "gidMappings", err);
		if (r < 0)
			return error_prefix(err, "mounts[%zu]", i);
	}
	return 0;
}

static int check_seccomp(const struct runtime_seccomp *seccomp, struct error *err)
{
	for (size_t i = 0; i < seccomp->rule_count; i++) {
		const struct runtime_seccomp_rule *rule = &seccomp->rules[i];
		if (rule->names.count == 0)
			return error_say(err, EINVAL, "syscalls[%zu]: names is empty", i);
		for (size_t k = 0; k < rule->arg_count; k++)
			if (rule->args[k].index > 5)
				return error_say(err, EINVAL,
						 "syscalls[%zu]: args[%zu]: a system call has "
						 "arguments 0 to 5",
						 i, k);
	}
	return 0;
}

static int check_device_rules(const struct runtime_resources *resources, struct error *err)
{
	for (size_t i = 0; i < resources->device_count; i++) {
		const char *access = resources->devices[i].access;
		if (access && strspn(access, "rwm") != strlen(access))
			return error_say(err, EINVAL, "resources: devices[%zu]: access '%s'", i,
					 access);
	}
	return 0;
}

static int check_linux(const struct runtime_config *config, struct error *err)
{
	const struct runtime_linux *l = &config->linux_;
	int r = check_namespaces(config, err);

	if (r == 0)
		r = check_id_maps(l->uid_maps, l->uid_map_count, "uidMappings", err);
	if (r == 0)
		r = check_id_maps(l->gid_maps, l->gid_map_count, "gidMappings", err);
	if (r == 0)
		r = check_paths(&l->masked_paths, "maskedPaths", err);
	if (r == 0)
		r = check_paths(&l->read_only_paths, "readonlyPaths", err);
	if (r == 0 && l->seccomp)
		r = check_seccomp(l->seccomp, err);
	if (r == 0 && l->resources)
		r = check_device_rules(l->resources, err);
	return r;
}

static int check_absent(const struct runtime_config *config, struct error *err)
{
	const struct {
		bool there;
		const char *name;
	} parts[] = {
		{ config->has_vm, "vm" },
		{ config->linux_.has_intel_rdt, "linux.intelRdt" },
		{ config->linux_.has_net_devices, "linux.netDevices" },
		{ config->linux_.has_memory_policy, "linux.memoryPolicy" },
		{ config->linux_.resources && config->linux_.resources->has_rdma,
		  "linux.resources.rdma" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (parts[i].there)
			return error_say(err, ENOTSUP, "config.json: %s is not supported",
					 parts[i].name);
	return 0;
}

int runtime_config_check(const struct runtime_config *config, struct error *err)
{
	if (strncmp(config->oci_version, "1.", 2) != 0)
		return error_say(err, EINVAL, "config.json: ociVersion '%s' is not known",
				 config->oci_version);
	int r = check_absent(config, err);
	if (r < 0)
		return r;
	if (config->process && check_process(config->process, err) < 0)
		return error_prefix(err, "config.json: process");
	if (check_mounts(config, err) < 0)
		return error_prefix(err, "config.json");
	if (check_linux(config, err) < 0)
		return error_prefix(err, "config.json: linux");
	return 0;
}
