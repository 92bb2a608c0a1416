/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "container/plan/plan.h"
#include "vm/wire.h"

#define MACHINE_MAGIC 0x314d5642u /* "BVM1" */
#define TEXT_MAX 4096

void machine_init(struct machine *m)
{
	*m = (struct machine){
		.template_fd = -1,
		.cpu_quota_us = PLAN_LIMIT_NONE,
		.cpu_period_us = PLAN_LIMIT_NONE,
		.cpu_shares = PLAN_LIMIT_NONE,
		.blkio_weight = PLAN_LIMIT_NONE,
	};
	strbuf_init(&m->state, MACHINE_STATE_MAX);
}

void machine_done(struct machine *m)
{
	free(m->qemu);
	free(m->cgroup);
	free(m->cpuset_cpus);
	free(m->cpuset_mems);
	strv_done(&m->argv);
	strbuf_done(&m->state);
}

int machine_encode(const struct machine *m, struct strbuf *out, struct error *err)
{
	wire_put_u32(out, MACHINE_MAGIC);
	wire_put_text(out, m->qemu);
	wire_put_u32(out, (uint32_t)m->argv.count);
	for (size_t i = 0; i < m->argv.count; i++)
		wire_put_text(out, m->argv.items[i]);
	wire_put_u32(out, m->uid);
	wire_put_u32(out, m->fd_count);
	wire_put_u8(out, m->use_kvm);
	wire_put_u8(out, m->make_template);
	wire_put_u32(out, (uint32_t)m->template_fd);
	wire_put_bytes(out, m->state.data, m->state.len);
	wire_put_u32(out, m->talk.sent);
	wire_put_u32(out, m->talk.received);
	wire_put_u8(out, m->is_rooted);
	wire_put_text(out, m->hostname);
	wire_put_text(out, m->cgroup);
	wire_put_u64(out, (uint64_t)m->memory_max_bytes);
	wire_put_u64(out, (uint64_t)m->cpu_quota_us);
	wire_put_u64(out, (uint64_t)m->cpu_period_us);
	wire_put_u64(out, (uint64_t)m->cpu_shares);
	wire_put_u64(out, (uint64_t)m->blkio_weight);
	wire_put_text(out, m->cpuset_cpus);
	wire_put_text(out, m->cpuset_mems);
	wire_put_u8(out, m->is_spare);
	wire_put_u8(out, m->is_volatile);
	guest_root_encode(&m->root, out);
	return out->overflow ? error_say(err, E2BIG, "the machine's description is too long") : 0;
}

static char *get_text(struct wire_reader *r)
{
	char text[TEXT_MAX];
	wire_get_text(r, text, sizeof(text));
	return xstrdup(text);
}

/* NULL for an empty one. */
static char *get_optional_text(struct wire_reader *r)
{
	auto_free char *text = get_text(r);
	return *text ? take_ptr(text) : NULL;
}

int machine_decode(const void *data, size_t len, struct machine *ret, struct error *err)
{
	struct wire_reader r;
	wire_reader_init(&r, data, len);
	if (wire_get_u32(&r) != MACHINE_MAGIC)
		return error_say(err, EBADMSG, "not a machine's description");

	ret->qemu = get_text(&r);
	uint32_t args = wire_get_u32(&r);
	for (uint32_t i = 0; i < args && !r.bad && i < MACHINE_ARGS_MAX; i++)
		strv_add_take(&ret->argv, get_text(&r));
	ret->uid = wire_get_u32(&r);
	ret->fd_count = wire_get_u32(&r);
	ret->use_kvm = wire_get_u8(&r) != 0;
	ret->make_template = wire_get_u8(&r) != 0;
	ret->template_fd = (int32_t)wire_get_u32(&r);
	size_t state_len;
	const void *state = wire_get_bytes(&r, MACHINE_STATE_MAX, &state_len);
	strbuf_add(&ret->state, state, state_len);
	ret->talk.sent = wire_get_u32(&r);
	ret->talk.received = wire_get_u32(&r);
	ret->is_rooted = wire_get_u8(&r) != 0;
	wire_get_text(&r, ret->hostname, sizeof(ret->hostname));
	ret->cgroup = get_text(&r);
	ret->memory_max_bytes = (int64_t)wire_get_u64(&r);
	ret->cpu_quota_us = (int64_t)wire_get_u64(&r);
	ret->cpu_period_us = (int64_t)wire_get_u64(&r);
	ret->cpu_shares = (int64_t)wire_get_u64(&r);
	ret->blkio_weight = (int64_t)wire_get_u64(&r);
	ret->cpuset_cpus = get_optional_text(&r);
	ret->cpuset_mems = get_optional_text(&r);
	ret->is_spare = wire_get_u8(&r) != 0;
	ret->is_volatile = wire_get_u8(&r) != 0;
	if (r.bad || ret->fd_count > MACHINE_FDS_MAX || ret->argv.count == 0 ||
	    guest_root_decode(r.at, r.left, &ret->root) < 0)
		return error_say(err, EBADMSG, "damaged description of a machine");
	return 0;
}
