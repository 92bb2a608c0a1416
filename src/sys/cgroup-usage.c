/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/cgroup-usage.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "sys/cgroup.h"

#define TEXT_MAX (1u << 20)
#define NS_PER_SEC UINT64_C(1000000000)
#define NS_PER_US 1000u
/* Version 1 says "no limit" by the largest number of pages. */
#define NO_LIMIT_1 (UINT64_C(1) << 62)

static void read_text(const struct cgroup *cg, enum cgroup_controller controller, const char *name,
		      struct strbuf *ret)
{
	int folder = cgroup_folder(cg, controller);

	if (folder >= 0)
		(void)!read_file_at(folder, name, TEXT_MAX, ret, NULL);
}

/* One number; "max" is UINT64_MAX, what is not there 0. */
static uint64_t read_number(const struct cgroup *cg, enum cgroup_controller controller,
			    const char *name)
{
	auto_strbuf text = STRBUF_INIT(TEXT_MAX);

	read_text(cg, controller, name, &text);
	return strncmp(strbuf_text(&text), "max", 3) == 0 ? UINT64_MAX
							  : strtoull(strbuf_text(&text), NULL, 10);
}

/* The number behind a word at the beginning of a line. */
static uint64_t find_number(const struct strbuf *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *line = strbuf_text(text); line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, word, len) == 0 && line[len] == ' ')
			return strtoull(line + len + 1, NULL, 10);
	}
	return 0;
}

static uint64_t find_either(const struct strbuf *text, const char *word, const char *other)
{
	uint64_t n = find_number(text, word);

	return n ? n : find_number(text, other);
}

/* ---- Processors ----------------------------------------------------------------------------- */

static void read_cpu_1(const struct cgroup *cg, struct cgroup_usage *u)
{
	auto_strbuf stat = STRBUF_INIT(TEXT_MAX);
	auto_strbuf quota = STRBUF_INIT(TEXT_MAX);
	uint64_t tick_ns = NS_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);

	u->cpu_ns = read_number(cg, CGROUP_CPUACCT, "cpuacct.usage");
	read_text(cg, CGROUP_CPUACCT, "cpuacct.stat", &stat);
	u->cpu_user_ns = find_number(&stat, "user") * tick_ns;
	u->cpu_kernel_ns = find_number(&stat, "system") * tick_ns;
	read_text(cg, CGROUP_CPU, "cpu.stat", &quota);
	u->periods = find_number(&quota, "nr_periods");
	u->throttled_periods = find_number(&quota, "nr_throttled");
	u->throttled_ns = find_number(&quota, "throttled_time");
}

static void read_cpu_2(const struct cgroup *cg, struct cgroup_usage *u)
{
	auto_strbuf stat = STRBUF_INIT(TEXT_MAX);

	read_text(cg, CGROUP_CPU, "cpu.stat", &stat);
	u->cpu_ns = find_number(&stat, "usage_usec") * NS_PER_US;
	u->cpu_user_ns = find_number(&stat, "user_usec") * NS_PER_US;
	u->cpu_kernel_ns = find_number(&stat, "system_usec") * NS_PER_US;
	u->periods = find_number(&stat, "nr_periods");
	u->throttled_periods = find_number(&stat, "nr_throttled");
	u->throttled_ns = find_number(&stat, "throttled_usec") * NS_PER_US;
}

/* ---- Memory --------------------------------------------------------------------------------- */

static void read_memory(const struct cgroup *cg, struct cgroup_usage *u)
{
	auto_strbuf stat = STRBUF_INIT(TEXT_MAX);
	bool v2 = cgroup_is_unified(cg);

	u->memory_bytes =
		read_number(cg, CGROUP_MEMORY, v2 ? "memory.current" : "memory.usage_in_bytes");
	u->memory_max_bytes =
		read_number(cg, CGROUP_MEMORY, v2 ? "memory.peak" : "memory.max_usage_in_bytes");
	u->memory_limit_bytes =
		read_number(cg, CGROUP_MEMORY, v2 ? "memory.max" : "memory.limit_in_bytes");
	if (u->memory_limit_bytes >= NO_LIMIT_1 || u->memory_limit_bytes == 0)
		u->memory_limit_bytes = UINT64_MAX;
	read_text(cg, CGROUP_MEMORY, "memory.stat", &stat);
	u->inactive_file_bytes = find_either(&stat, "total_inactive_file", "inactive_file");
	u->active_file_bytes = find_either(&stat, "total_active_file", "active_file");
	u->anon_bytes = find_either(&stat, "total_rss", "anon");
	u->page_faults = find_either(&stat, "total_pgfault", "pgfault");
}

/* ---- Disks ---------------------------------------------------------------------------------- */

static struct cgroup_disk *find_disk(struct cgroup_usage *u, uint32_t major, uint32_t minor)
{
	for (size_t i = 0; i < u->disk_count; i++) {
		if (u->disks[i].major == major && u->disks[i].minor == minor)
			return &u->disks[i];
	}
	if (u->disk_count == CGROUP_DISKS_MAX)
		return NULL;
	u->disks[u->disk_count] = (struct cgroup_disk){ .major = major, .minor = minor };
	return &u->disks[u->disk_count++];
}

/* Version 1: "8:0 Read 4096"; version 2: "8:0 rbytes=4096 wbytes=0 ...". */
static void read_disk_line(struct cgroup_usage *u, const char *line)
{
	uint32_t major;
	uint32_t minor;
	uint64_t value;
	uint64_t written;
	char word[16];

	if (sscanf(line, "%" SCNu32 ":%" SCNu32 " rbytes=%" SCNu64 " wbytes=%" SCNu64, &major,
		   &minor, &value, &written) == 4) {
		struct cgroup_disk *d = find_disk(u, major, minor);
		if (d) {
			d->read_bytes = value;
			d->written_bytes = written;
		}
		return;
	}
	if (sscanf(line, "%" SCNu32 ":%" SCNu32 " %15s %" SCNu64, &major, &minor, word, &value) !=
	    4)
		return;
	struct cgroup_disk *d = find_disk(u, major, minor);
	if (d && strcmp(word, "Read") == 0)
		d->read_bytes = value;
	else if (d && strcmp(word, "Write") == 0)
		d->written_bytes = value;
}

static void read_disks(const struct cgroup *cg, struct cgroup_usage *u)
{
	auto_strbuf text = STRBUF_INIT(TEXT_MAX);

	read_text(cg, CGROUP_BLKIO,
		  cgroup_is_unified(cg) ? "io.stat" : "blkio.throttle.io_service_bytes_recursive",
		  &text);
	for (const char *line = strbuf_text(&text); line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		read_disk_line(u, line);
	}
}

void cgroup_usage_read(const struct cgroup *cg, struct cgroup_usage *ret)
{
	*ret = (struct cgroup_usage){};
	if (cgroup_is_unified(cg))
		read_cpu_2(cg, ret);
	else
		read_cpu_1(cg, ret);
	read_memory(cg, ret);
	ret->processes = read_number(cg, CGROUP_PIDS, "pids.current");
	ret->process_limit = read_number(cg, CGROUP_PIDS, "pids.max");
	read_disks(cg, ret);
}
