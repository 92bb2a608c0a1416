/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "container/plan/plan.h"
#include "instance/isolation-vm.h"
#include "instance/manager-internal.h"
#include "instance/usage-internal.h"
#include "instance/usage.h"
#include "instance/vm-work.h"
#include "sys/cgroup.h"
#include "vm/guest-plan.h"

#define ROWS_MAX 65536u
#define TABLE_BYTES_MAX (16u << 20)

static int take_bytes(void *context, const void *data, size_t len, struct error *err)
{
	struct strbuf *bytes = context;

	strbuf_add(bytes, data, len);
	return bytes->overflow ? error_say(err, EBADMSG, "the guest says too much") : 0;
}

/* Everything that a piece of work answers. */
static int ask(struct manager *m, struct record *r, const struct guest_work *work,
	       const struct plan *limits, struct strbuf *ret, struct error *err)
{
	auto_vm_work *w = NULL;

	int result = vm_work_begin(m, r, work, limits, NULL, &w, err);
	return result < 0 ? result : vm_work_read(w, take_bytes, ret, err);
}

/* ---- Processes ------------------------------------------------------------------------------- */

static int read_table(struct strbuf *bytes, struct process_table *table, struct error *err)
{
	int r = guest_row_take(bytes, &table->titles, err);

	if (r == 0 || table->titles.count == 0)
		return r < 0 ? r : error_say(err, EBADMSG, "the guest's table is cut short");
	while (r > 0 && bytes->len > 0) {
		if (table->row_count == ROWS_MAX)
			return error_say(err, EFBIG, "the guest has too many processes");
		table->rows =
			xreallocarray(table->rows, table->row_count + 1, sizeof(*table->rows));
		struct strv *row = &table->rows[table->row_count++];
		*row = (struct strv){};
		r = guest_row_take(bytes, row, err);
		if (r == 0 || (r > 0 && row->count != table->titles.count))
			return error_say(err, EBADMSG, "the guest's table is cut short");
	}
	return r < 0 ? r : 0;
}

int vm_processes(struct manager *m, struct record *r, const char *ps_args,
		 struct process_table *ret, struct error *err)
{
	const struct guest_work work = {
		.kind = GUEST_WORK_PROCESSES,
		.name = r->name,
		.path = ps_args,
	};
	auto_strbuf bytes = STRBUF_INIT(TABLE_BYTES_MAX);
	auto_process_table table = {};

	int result = ask(m, r, &work, NULL, &bytes, err);
	if (result == 0)
		result = read_table(&bytes, &table, err);
	if (result == 0)
		*ret = take_struct(table);
	return result;
}

/* ---- Numbers --------------------------------------------------------------------------------- */

/*
 * Memory and processes are those inside; processor time and disks what the machine really costs. One
 * that stands still, or does not answer, is told by its host's numbers alone.
 */
int vm_usage(struct manager *m, struct record *r, struct cgroup_usage *ret, struct error *err)
{
	const struct guest_work work = { .kind = GUEST_WORK_USAGE, .name = r->name };
	auto_strbuf bytes = STRBUF_INIT(GUEST_USAGE_BYTES);

	int result = container_usage(m, r, ret, err);
	if (result < 0 || ask(m, r, &work, NULL, &bytes, NULL) < 0)
		return result;
	uint64_t machine_bytes = ret->memory_limit_bytes - (uint64_t)VM_QEMU_OVERHEAD;
	result = guest_usage_decode(bytes.data, bytes.len, ret, err);
	if (ret->memory_limit_bytes > machine_bytes)
		ret->memory_limit_bytes = machine_bytes;
	return result;
}

/* ---- Limits ---------------------------------------------------------------------------------- */

/* What the machine was given at its start can not become more. */
static int check_machine(struct manager *m, struct record *r,
			 const struct container_request *request, struct error *err)
{
	auto_free struct cgroup_usage *host = xnew(struct cgroup_usage);
	int64_t have = vm_whole_cpus(&r->request) ? vm_whole_cpus(&r->request) : 1;

	int result = container_usage(m, r, host, err);
	if (result < 0)
		return result;
	int64_t most = (int64_t)host->memory_limit_bytes - VM_QEMU_OVERHEAD - VM_MEMORY_OVERHEAD;
	if (request->memory_bytes > most)
		return error_say(
			err, EOPNOTSUPP,
			"more memory is not possible with isolation vm: a machine gets its "
			"memory when it starts");
	if (vm_whole_cpus(request) > have)
		return error_say(err, EOPNOTSUPP,
				 "more processors are not possible with isolation vm: a machine "
				 "gets its processors when it starts");
	return 0;
}

int vm_limit(struct manager *m, struct record *r, const struct container_request *request,
	     struct plan *limits, struct error *err)
{
	const struct guest_work work = { .kind = GUEST_WORK_UPDATE, .name = r->name };
	auto_strbuf nothing = STRBUF_INIT(1);

	int result = check_machine(m, r, request, err);
	if (result == 0)
		result = usage_tell_keeper(m, r, limits, err);
	if (result < 0)
		return result;
	guest_plan_adapt_limits(&limits->cgroup);
	return ask(m, r, &work, limits, &nothing, err);
}
