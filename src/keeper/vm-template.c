/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "instance/keeper-protocol.h"
#include "keeper/backend.h"
#include "keeper/loaded-plan.h"
#include "keeper/vm-process.h"
#include "keeper/vm-talk.h"
#include "sys/signals.h"
#include "vm/accelerator.h"
#include "vm/guest-protocol.h"
#include "vm/machine-names.h"
#include "vm/template.h"

#define BOOT_TIMEOUT_MS 60000
#define SAVE_TIMEOUT_MS 20000
#define STATE_NAME "state"

/* Waits until one of the machine's descriptors has something; 0, or a negative errno. */
static int wait_machine(struct vm_process *p, int fd, short events, int64_t deadline_ns,
			struct error *err)
{
	int64_t left_ms = (deadline_ns - clock_monotonic()) / NSEC_PER_MSEC;
	struct pollfd polls[] = {
		{ .fd = fd, .events = events },
		{ .fd = p->console_fd, .events = POLLIN },
		{ .fd = p->pidfd, .events = POLLIN },
	};
	if (left_ms <= 0 || poll(polls, ARRAY_SIZE(polls), (int)left_ms) == 0)
		return error_say(err, ETIMEDOUT, "the machine was not ready in time");
	if (polls[1].revents)
		vm_process_read_console(p);
	if (polls[2].revents) {
		vm_process_explain(p, err);
		return err->code;
	}
	return 0;
}

/* Writes what is queued, and waits for the guest's next frame. */
static int next_frame(struct vm_process *p, struct channel *channel, struct frame *ret,
		      struct error *err)
{
	int64_t deadline_ns = clock_monotonic() + BOOT_TIMEOUT_MS * NSEC_PER_MSEC;
	int rc;
	while ((rc = channel_next(channel, ret, err)) == 0) {
		int queued = channel_flush(channel);
		short events = (short)(POLLIN | (queued > 0 ? POLLOUT : 0));
		rc = wait_machine(p, p->channel_fd, events, deadline_ns, err);
		if (rc == 0)
			rc = channel_receive(channel);
		if (rc == -ENODATA)
			rc = 0; /* QEMU's end is seen by its pidfd */
		if (rc < 0)
			break;
	}
	return rc < 0 ? rc : 0;
}

static int wait_ready(struct vm_process *p, struct channel *channel, struct error *err)
{
	struct guest_ready ready;
	struct frame frame;
	int rc = next_frame(p, channel, &frame, err);
	if (rc == 0 &&
	    (frame.type != GUEST_READY || guest_ready_decode(frame.data, frame.len, &ready) < 0 ||
	     ready.version != GUEST_PROTOCOL_VERSION))
		rc = error_say(err, EPROTO, "the guest did not say that it is ready");
	return rc < 0 ? error_prefix(err, "boot") : 0;
}

/* Lets the guest mount the disks, and carry out a plan once: what it read from them stays there. */
static int mount_disks(struct vm_process *p, const struct machine *m, struct channel *channel,
		       struct error *err)
{
	struct loaded_plan plan = LOADED_PLAN_NONE;
	struct frame frame;
	int rc = loaded_plan_read(KEEPER_FD_PLAN, &plan, err);
	if (rc == 0)
		rc = vm_send_practice(channel, m, plan.plan, err);
	loaded_plan_done(&plan);
	if (rc == 0)
		rc = next_frame(p, channel, &frame, err);
	if (rc == 0 && frame.type != GUEST_PRACTISED)
		rc = error_say(err, EPROTO, "the guest could not mount the disks");
	return rc < 0 ? error_prefix(err, "prepare") : 0;
}

static int copy_state(struct vm_process *p, int from, int to, struct error *err)
{
	int64_t deadline_ns = clock_monotonic() + SAVE_TIMEOUT_MS * NSEC_PER_MSEC;
	size_t total = 0;
	for (;;) {
		char piece[65536];
		int rc = wait_machine(p, from, POLLIN, deadline_ns, err);
		if (rc < 0)
			return rc;
		ssize_t n = read(from, piece, sizeof(piece));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			return error_set(err, errno, "read the machine's state");
		if (n == 0)
			return total > 0 ? 0 : error_say(err, EIO, "the machine has no state");
		total += (size_t)n;
		if (total > MACHINE_STATE_MAX)
			return error_say(err, EFBIG, "the machine's state is too big");
		rc = write_full(to, piece, (size_t)n);
		if (rc < 0)
			return error_set(err, rc, "write the machine's state");
	}
}

/*
 * The memory stays in its file (x-ignore-shared); what comes out is the devices' state. The machine
 * is not stopped before: saving stops it, and one that was saved as running runs when it is restored.
 */
static int save(struct vm_process *p, int state_fd, struct error *err)
{
	static const char capabilities[] =
		"{\"capabilities\":[{\"capability\":\"x-ignore-shared\",\"state\":true},"
		"{\"capability\":\"events\",\"state\":true}]}";
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set(err, errno, "make a socket pair");
	auto_close int ours = pair[0];
	auto_close int theirs = pair[1];

	int rc = qmp_execute(p->qmp, "migrate-set-capabilities", capabilities, -1, SAVE_TIMEOUT_MS,
			     NULL, err);
	if (rc == 0)
		rc = qmp_execute(p->qmp, "getfd", "{\"fdname\":\"" STATE_NAME "\"}", theirs,
				 SAVE_TIMEOUT_MS, NULL, err);
	close_p(&theirs);
	theirs = -1;
	if (rc == 0)
		rc = qmp_execute(p->qmp, "migrate", "{\"uri\":\"fd:" STATE_NAME "\"}", -1,
				 SAVE_TIMEOUT_MS, NULL, err);
	if (rc == 0)
		rc = copy_state(p, ours, state_fd, err);
	if (rc == 0)
		rc = qmp_wait_event(p->qmp, "MIGRATION", "status", "completed", SAVE_TIMEOUT_MS,
				    err);
	return rc < 0 ? error_prefix(err, "freeze") : 0;
}

/*
 * QEMU does not freeze a machine that reads a VMDK, for the sake of images that are written. So its
 * place is taken by an empty disk of the same size: nothing is read any more, and clones bring theirs.
 */
static int let_go_of_layers(struct vm_process *p, const struct guest_root *root, struct error *err)
{
	static const char reopen[] =
		"{\"options\":[{\"driver\":\"raw\",\"node-name\":\"" MACHINE_LAYERS_SERIAL
		"\",\"read-only\":true,\"file\":\"gone\"}]}";
	const struct guest_extent *last = &root->layers[root->layer_count - 1].data;
	unsigned long long size = last->start + last->length;
	auto_free char *empty = xasprintf("{\"driver\":\"null-co\",\"node-name\":\"gone\","
					  "\"read-only\":true,\"size\":%llu}",
					  size);
	int rc = qmp_execute(p->qmp, "blockdev-add", empty, -1, SAVE_TIMEOUT_MS, NULL, err);
	if (rc == 0)
		rc = qmp_execute(p->qmp, "blockdev-reopen", reopen, -1, SAVE_TIMEOUT_MS, NULL, err);
	if (rc == 0)
		rc = qmp_execute(p->qmp, "blockdev-del",
				 "{\"node-name\":\"" MACHINE_FILES_NODE "\"}", -1, SAVE_TIMEOUT_MS,
				 NULL, err);
	return rc < 0 ? error_prefix(err, "freeze") : 0;
}

static int make_template(struct channel_counts *ret, struct error *err)
{
	auto_machine machine;
	machine_init(&machine);
	int rc = vm_machine_read(KEEPER_FD_FIRST, &machine, err);
	if (rc < 0)
		return rc;

	auto_(vm_process_done) struct vm_process process = VM_PROCESS_NONE;
	rc = vm_process_start(&process, &machine, err);
	if (rc < 0)
		return rc;
	struct channel channel;
	vm_channel_open(&channel, &process, &machine);
	rc = machine.state.len > 0 ? mount_disks(&process, &machine, &channel, err)
				   : wait_ready(&process, &channel, err);
	*ret = (struct channel_counts){ channel.send_sequence, channel.recv_sequence };
	channel_done(&channel);
	if (rc == 0 && machine.root.layer_count > 0)
		rc = let_go_of_layers(&process, &machine.root, err);
	return rc < 0 ? rc : save(&process, machine.template_fd, err);
}

int vm_template_main(void)
{
	struct machine_frozen frozen = { 0 };
	if (signals_ignore(SIGPIPE, &frozen.error) < 0 ||
	    close_range(KEEPER_FD_PLAN, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		return 1;
	int rc = make_template(&frozen.talk, &frozen.error);
	if (rc == 0)
		frozen.error = (struct error){ 0 };
	return write_full(KEEPER_FD_CONTROL, &frozen, sizeof(frozen)) < 0 || rc < 0;
}

int vm_probe_main(void)
{
	struct vm_probe probe = { 0 };
	if (accelerator_measure("/dev/kvm", &probe.loop_ns, &probe.error) == 0)
		probe.error = (struct error){ 0 };
	return write_full(KEEPER_FD_CONTROL, &probe, sizeof(probe)) < 0;
}
