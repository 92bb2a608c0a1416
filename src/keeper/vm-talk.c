/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/vm-talk.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/ident.h"
#include "container/plan/plan.h"
#include "keeper/vm-process.h"
#include "vm/guest-protocol.h"

#define OUT_CAP (8u << 20)
#define MESSAGE_MAX 8192u

int vm_machine_read(int fd, struct machine *ret, struct error *err)
{
	struct stat st;
	if (fstat(fd, &st) < 0 || st.st_size <= 0 || st.st_size > MACHINE_BYTES_MAX)
		return error_say(err, EBADMSG, "the machine's description has no possible size");
	auto_free char *bytes = xmalloc((size_t)st.st_size);
	if (pread(fd, bytes, (size_t)st.st_size, 0) != st.st_size)
		return error_set(err, EIO, "read the machine's description");
	return machine_decode(bytes, (size_t)st.st_size, ret, err);
}

void vm_channel_open(struct channel *ret, const struct vm_process *process,
		     const struct machine *machine)
{
	channel_init(ret, process->channel_fd, OUT_CAP);
	ret->send_sequence = machine->talk.sent;
	ret->recv_sequence = machine->talk.received;
}

int vm_send_identity(struct channel *ch, const struct machine *m, struct error *err)
{
	struct guest_identity identity = { .realtime_ns = clock_now() };
	random_bytes(identity.entropy, sizeof(identity.entropy));
	(void)snprintf(identity.hostname, sizeof(identity.hostname), "%s", m->hostname);
	auto_strbuf out = STRBUF_INIT(MESSAGE_MAX);
	guest_identity_encode(&identity, &out);
	int rc = channel_send(ch, GUEST_IDENTITY, 0, out.data, out.len);
	return rc < 0 ? error_set(err, rc, "send the identity to the guest") : 0;
}

int vm_send_root(struct channel *ch, const struct machine *m, struct error *err)
{
	if (m->is_rooted)
		return 0;
	auto_strbuf out = STRBUF_INIT(MESSAGE_MAX);
	guest_root_encode(&m->root, &out);
	int rc = channel_send(ch, GUEST_ROOT, 0, out.data, out.len);
	return rc < 0 ? error_set(err, rc, "send the disks to the guest") : 0;
}

int vm_send_plan(struct channel *ch, uint32_t session, const struct plan *plan, struct error *err)
{
	auto_strbuf bytes = STRBUF_INIT(PLAN_BYTES_MAX);
	int rc = plan_encode(plan, &bytes, err);
	for (size_t at = 0; rc == 0 && at < bytes.len;) {
		size_t len =
			bytes.len - at < CHANNEL_PAYLOAD_MAX ? bytes.len - at : CHANNEL_PAYLOAD_MAX;
		rc = channel_send(ch, GUEST_PLAN, session, bytes.data + at, len);
		if (rc < 0)
			return error_set(err, rc, "send the launch plan to the guest");
		at += len;
	}
	return rc;
}

int vm_send_practice(struct channel *ch, const struct machine *m, const struct plan *plan,
		     struct error *err)
{
	int rc = vm_send_identity(ch, m, err);
	if (rc == 0)
		rc = vm_send_root(ch, m, err);
	if (rc == 0)
		rc = vm_send_plan(ch, 0, plan, err);
	if (rc == 0 && channel_send(ch, GUEST_PRACTISE, 0, NULL, 0) < 0)
		rc = error_say(err, ENOBUFS, "the guest does not practise");
	return rc;
}
