/* SPDX-License-Identifier: Apache-2.0 */
#include "container/plan/text.h"

#include <inttypes.h>

static void print_process(const struct plan *p, struct strbuf *ret)
{
	for (uint32_t i = 0; i < p->argv.count; i++)
		strbuf_addf(ret, "argv '%s'\n", p->argv.items[i]);
	for (uint32_t i = 0; i < p->env.count; i++)
		strbuf_addf(ret, "env '%s'\n", p->env.items[i]);
	strbuf_addf(ret, "cwd %s%s\n", p->cwd, p->cwd_create ? " create" : "");
	strbuf_addf(ret, "user '%s' %u:%u umask %03o\n", p->user.user ? p->user.user : "",
		    p->user.uid, p->user.gid, p->umask);
	for (uint32_t i = 0; i < p->user.group_names.count; i++)
		strbuf_addf(ret, "group '%s'\n", p->user.group_names.items[i]);
	for (uint32_t i = 0; i < p->user.groups.count; i++)
		strbuf_addf(ret, "group %u\n", p->user.groups.items[i]);
	for (int i = 0; i < PLAN_CAPS_COUNT; i++)
		strbuf_addf(ret, "capabilities %d %" PRIx64 "\n", i, p->caps[i]);
	for (uint32_t i = 0; i < p->rlimits.count; i++) {
		const struct plan_rlimit *r = &p->rlimits.items[i];
		strbuf_addf(ret, "rlimit %u %" PRIu64 " %" PRIu64 "%s\n", r->resource, r->soft,
			    r->hard, r->required ? " required" : "");
	}
	if (p->oom_score_adj_set)
		strbuf_addf(ret, "oom_score_adj %d\n", p->oom_score_adj);
	if (p->no_new_privs)
		strbuf_adds(ret, "no_new_privs\n");
	if (p->seccomp)
		strbuf_addf(ret, "seccomp %u bytes, flags %x\n", p->seccomp_len, p->seccomp_flags);
	if (p->streams.terminal)
		strbuf_addf(ret, "terminal %ux%u\n", p->streams.rows, p->streams.cols);
}

static void print_namespaces(const struct plan *p, struct strbuf *ret)
{
	static const char *const kinds[] = {
		"user", "mount", "pid", "net", "ipc", "uts", "cgroup"
	};
	static const char *const modes[] = { "host", "new", "join" };

	for (int i = 0; i < PLAN_NS_COUNT; i++) {
		strbuf_addf(ret, "namespace %s %s", kinds[i], modes[p->namespaces[i].mode]);
		if (p->namespaces[i].mode == PLAN_NS_MODE_FD)
			strbuf_addf(ret, " %d", p->namespaces[i].fd);
		strbuf_addc(ret, '\n');
	}
	for (uint32_t i = 0; i < p->uid_maps.count; i++)
		strbuf_addf(ret, "uids %u %u %u\n", p->uid_maps.items[i].inside,
			    p->uid_maps.items[i].outside, p->uid_maps.items[i].count);
	for (uint32_t i = 0; i < p->gid_maps.count; i++)
		strbuf_addf(ret, "gids %u %u %u\n", p->gid_maps.items[i].inside,
			    p->gid_maps.items[i].outside, p->gid_maps.items[i].count);
	if (p->hostname)
		strbuf_addf(ret, "hostname %s\n", p->hostname);
	if (p->domainname)
		strbuf_addf(ret, "domainname %s\n", p->domainname);
	if (p->loopback)
		strbuf_adds(ret, "loopback\n");
}

static void print_mounts(const struct plan *p, struct strbuf *ret)
{
	static const char *const types[] = { "bind", "tmpfs", "dev",    "devpts",
					     "proc", "sysfs", "mqueue", "cgroup" };

	strbuf_addf(ret, "root%s%s propagation %x\n", p->root.read_only ? " ro" : "",
		    p->root.idmap ? " idmap" : "", p->root.propagation);
	for (uint32_t i = 0; i < p->mounts.count; i++) {
		const struct plan_mount *m = &p->mounts.items[i];
		strbuf_addf(ret, "mount %s %s", types[m->type], m->target);
		if (m->source)
			strbuf_addf(ret, " from %s", m->source);
		strbuf_addf(ret, " flags %x set %" PRIx64 " clear %" PRIx64 " propagation %x",
			    m->flags, m->attr_set, m->attr_clear, m->propagation);
		for (uint32_t k = 0; k < m->options.count; k++)
			strbuf_addf(ret, " %s", m->options.items[k]);
		strbuf_addc(ret, '\n');
	}
	for (uint32_t i = 0; i < p->masked.count; i++)
		strbuf_addf(ret, "masked %s\n", p->masked.items[i]);
	for (uint32_t i = 0; i < p->read_only.count; i++)
		strbuf_addf(ret, "read-only %s\n", p->read_only.items[i]);
	for (uint32_t i = 0; i < p->sysctls.count; i++)
		strbuf_addf(ret, "sysctl %s '%s'\n", p->sysctls.items[i].key,
			    p->sysctls.items[i].value);
}

static void print_devices(const struct plan *p, struct strbuf *ret)
{
	for (uint32_t i = 0; i < p->devices.count; i++) {
		const struct plan_device *d = &p->devices.items[i];
		strbuf_addf(ret, "device %s %o %u:%u %o %u:%u\n", d->path, d->type, d->major,
			    d->minor, d->mode, d->uid, d->gid);
	}
	if (!p->cgroup.filter_devices)
		strbuf_adds(ret, "every device\n");
	for (uint32_t i = 0; i < p->cgroup.devices.count; i++) {
		const struct plan_device_rule *r = &p->cgroup.devices.items[i];
		strbuf_addf(ret, "%s %c %" PRId64 ":%" PRId64 " %x\n", r->allow ? "allow" : "deny",
			    (int)r->type, r->major, r->minor, r->access);
	}
}

static void print_limit(struct strbuf *ret, const char *name, int64_t value)
{
	if (value == PLAN_LIMIT_MAX)
		strbuf_addf(ret, "%s max\n", name);
	else if (value != PLAN_LIMIT_NONE)
		strbuf_addf(ret, "%s %" PRId64 "\n", name, value);
}

static void print_cgroup(const struct plan *p, struct strbuf *ret)
{
	const struct plan_cgroup *g = &p->cgroup;

	if (g->path)
		strbuf_addf(ret, "cgroup %s\n", g->path);
	print_limit(ret, "memory", g->memory_bytes);
	print_limit(ret, "memory+swap", g->memory_swap_bytes);
	print_limit(ret, "memory low", g->memory_low_bytes);
	print_limit(ret, "cpu quota", g->cpu_quota_us);
	print_limit(ret, "cpu period", g->cpu_period_us);
	print_limit(ret, "cpu shares", g->cpu_shares);
	print_limit(ret, "pids", g->pids);
	print_limit(ret, "blkio weight", g->blkio_weight);
	print_limit(ret, "memory swappiness", g->memory_swappiness);
	if (g->cpuset_cpus)
		strbuf_addf(ret, "cpus %s\n", g->cpuset_cpus);
	if (g->cpuset_mems)
		strbuf_addf(ret, "mems %s\n", g->cpuset_mems);
	if (g->oom_kill_disable)
		strbuf_adds(ret, "no oom killer\n");
}

void plan_print(const struct plan *p, struct strbuf *ret)
{
	print_process(p, ret);
	print_namespaces(p, ret);
	print_mounts(p, ret);
	print_devices(p, ret);
	print_cgroup(p, ret);
	strbuf_addf(ret, "descriptors %u\n", p->fd_count);
}
