/* SPDX-License-Identifier: Apache-2.0 */
#include "container/config/default-config.h"
#include "instance/manager-internal.h"
#include "instance/usage-internal.h"
#include "instance/usage.h"
#include "sys/cgroup.h"

int container_processes(struct manager *m, struct record *r, const char *ps_args,
			struct process_table *ret, struct error *err)
{
	auto_cgroup *cg = NULL;
	uint32_t base = record_id_base(r);

	(void)m;
	int result = usage_open_cgroup(r, &cg, err);
	return result < 0 ? result
			  : process_table_read(cg, base, base ? CONTAINER_ID_COUNT : 0, ps_args,
					       ret, err);
}

int manager_top(struct manager *m, const char *ref, const char *ps_args, struct process_table *ret,
		struct error *err)
{
	auto_record *r = NULL;

	int result = roster_find(&m->roster, ref, &r, err);
	if (result == 0)
		result = verb_check(m, r, VERB_TOP, err);
	if (result == 0)
		result = isolation_of(r)->processes(m, r, ps_args, ret, err);
	if (result < 0)
		return result;
	manager_tell(m, r, "top", 0, 0, NULL);
	return 0;
}
