/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/fake/fake.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "instance/usage.h"

/* What the instance "web" uses: one process, a second of one processor. */

static int check(const char *ref, struct error *err)
{
	return strcmp(ref, "web") == 0 ? 0 : error_say(err, ENOENT, "No such container: %s", ref);
}

int manager_top(struct manager *m, const char *ref, const char *ps_args, struct process_table *ret,
		struct error *err)
{
	(void)m;
	(void)ps_args;
	int r = check(ref, err);
	if (r < 0)
		return r;
	ret->rows = xcalloc(1, sizeof(*ret->rows));
	ret->row_count = 1;
	strv_add(&ret->titles, "PID");
	strv_add(&ret->rows[0], "17");
	return 0;
}

void process_table_done(struct process_table *table)
{
	strv_done(&table->titles);
	for (size_t i = 0; i < table->row_count; i++)
		strv_done(&table->rows[i]);
	free(table->rows);
}

int manager_stats(struct manager *m, const char *ref, struct instance_stats *ret, struct error *err)
{
	(void)m;
	int r = check(ref, err);
	if (r < 0)
		return r;
	*ret = (struct instance_stats){
		.name = "web",
		.running = true,
		.read_ns = NSEC_PER_SEC,
		.online_cpus = 2,
		.host_memory_bytes = 1000,
		.usage = { .cpu_ns = NSEC_PER_SEC, .memory_limit_bytes = UINT64_MAX },
	};
	return 0;
}

int manager_update(struct manager *m, const char *ref, struct json_object *changes,
		   struct error *err)
{
	int64_t memory = 0;

	(void)m;
	int r = check(ref, err);
	if (r == 0)
		r = json_get_int(changes, "Memory", &memory, err);
	fake_asked.body_bytes = (size_t)memory;
	return r;
}
