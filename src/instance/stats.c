/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "instance/manager-internal.h"
#include "instance/usage-internal.h"
#include "instance/usage.h"
#include "sys/cgroup.h"

#define TEXT_MAX (256u << 10)

int usage_open_cgroup(const struct record *r, struct cgroup **ret, struct error *err)
{
	auto_cgroup_layout layout = CGROUP_LAYOUT_NONE;
	auto_free char *path = xasprintf("berth/%s", r->id);

	int result = cgroup_layout_probe(CGROUP_ROOT, &layout, err);
	return result < 0 ? result : cgroup_open(&layout, path, ret, err);
}

/* Ticks that all processors spent on anything, idling included: the first line of /proc/stat. */
static uint64_t system_cpu_ns(void)
{
	auto_strbuf text = STRBUF_INIT(TEXT_MAX);
	uint64_t ticks[8] = {};
	uint64_t sum = 0;

	if (read_file_at(AT_FDCWD, "/proc/stat", TEXT_MAX, &text, NULL) < 0)
		return 0;
	(void)sscanf(strbuf_text(&text),
		     "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		     " %" SCNu64 " %" SCNu64,
		     &ticks[0], &ticks[1], &ticks[2], &ticks[3], &ticks[4], &ticks[5], &ticks[6],
		     &ticks[7]);
	for (size_t i = 0; i < ARRAY_SIZE(ticks); i++)
		sum += ticks[i];
	return sum * (uint64_t)(NSEC_PER_SEC / sysconf(_SC_CLK_TCK));
}

static void read_networks(pid_t pid, struct instance_stats *s)
{
	auto_strbuf text = STRBUF_INIT(TEXT_MAX);
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/net/dev", (int)pid);
	if (read_file_at(AT_FDCWD, path, TEXT_MAX, &text, NULL) < 0)
		return;
	for (const char *line = strbuf_text(&text); line && *line; line = strchr(line, '\n')) {
		struct instance_network n = {};
		line += *line == '\n';
		if (sscanf(line,
			   " %31[^: ]: %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
			   " %*u %*u %*u %*u %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
			   n.name, &n.rx_bytes, &n.rx_packets, &n.rx_errors, &n.rx_dropped,
			   &n.tx_bytes, &n.tx_packets, &n.tx_errors, &n.tx_dropped) == 9 &&
		    strcmp(n.name, "lo") != 0 && s->network_count < INSTANCE_NETWORKS_MAX)
			s->networks[s->network_count++] = n;
	}
}

static bool has_own_network(const struct record *r)
{
	const char *mode = r->request.network_mode;

	return !r->vm && (!mode || (strcmp(mode, "host") != 0 && strcmp(mode, "none") != 0));
}

int container_usage(struct manager *m, struct record *r, struct cgroup_usage *ret,
		    struct error *err)
{
	auto_cgroup *cg = NULL;

	(void)m;
	int result = usage_open_cgroup(r, &cg, err);
	if (result == 0)
		cgroup_usage_read(cg, ret);
	return result;
}

int manager_stats(struct manager *m, const char *ref, struct instance_stats *ret, struct error *err)
{
	auto_record *r = NULL;
	struct sysinfo host = {};
	pid_t pid = 0;

	int result = roster_find(&m->roster, ref, &r, err);
	if (result == 0)
		result = verb_check(m, r, VERB_STATS, err);
	if (result < 0)
		return result;
	*ret = (struct instance_stats){};
	memcpy(ret->id, r->id, sizeof(ret->id));
	{
		auto_roster held = roster_lock(&m->roster);
		(void)snprintf(ret->name, sizeof(ret->name), "%s", r->name);
		if (state_has_keeper(r->state))
			pid = r->pid;
	}
	if (pid == 0 || isolation_of(r)->usage(m, r, &ret->usage, NULL) < 0)
		return 0;
	(void)sysinfo(&host);
	ret->running = true;
	ret->read_ns = clock_now();
	ret->system_cpu_ns = system_cpu_ns();
	ret->online_cpus = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
	ret->host_memory_bytes = (uint64_t)host.totalram * host.mem_unit;
	if (has_own_network(r))
		read_networks(pid, ret);
	return 0;
}
