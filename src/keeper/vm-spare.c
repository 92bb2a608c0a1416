/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/vm-spare.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "container/plan/plan.h"
#include "instance/keeper-protocol.h"
#include "keeper/backend.h"
#include "keeper/loaded-plan.h"
#include "keeper/vm-talk.h"
#include "sys/signals.h"

#define PRACTICE_TIMEOUT_MS 60000
#define ADOPTED_FDS (KEEPER_FD_LOG - KEEPER_FD_PLAN + 1)

static void spare_free(struct vm_spare *spare)
{
	if (!spare)
		return;
	channel_done(&spare->channel);
	vm_process_done(&spare->process);
	machine_done(&spare->machine);
	free(spare);
}
DEFINE_AUTO(struct vm_spare, spare_free);

/* Starts the machine and asks for the practice; the guest's answer is awaited later. */
static int start_practice(struct vm_spare *spare, struct error *err)
{
	struct loaded_plan plan = LOADED_PLAN_NONE;
	int rc = vm_machine_read(KEEPER_FD_FIRST, &spare->machine, err);
	if (rc == 0)
		rc = vm_process_start(&spare->process, &spare->machine, err);
	/* QEMU has its descriptors. */
	(void)close_range(KEEPER_FD_FIRST, KEEPER_FD_FIRST + spare->machine.fd_count, 0);
	if (rc < 0)
		return rc;
	vm_channel_open(&spare->channel, &spare->process, &spare->machine);
	rc = loaded_plan_read(KEEPER_FD_PLAN, &plan, err);
	if (rc == 0)
		rc = vm_send_practice(&spare->channel, &spare->machine, plan.plan, err);
	loaded_plan_done(&plan);
	return rc;
}

/* Takes what the guest says: nothing but that it has practised, once. */
static int take_frames(struct vm_spare *spare, bool *practised, struct error *err)
{
	struct frame frame;
	int rc = channel_receive(&spare->channel);
	if (rc < 0)
		return error_set(err, rc, "read from the guest");
	while ((rc = channel_next(&spare->channel, &frame, err)) > 0) {
		if (frame.type != GUEST_PRACTISED || *practised)
			return error_say(err, EPROTO, "the guest could not practise");
		*practised = true;
	}
	return rc;
}

/* Takes the instance's descriptors, and gives the machine its control group. */
static int adopt(struct vm_spare *spare, struct error *err)
{
	struct keeper_adoption adoption;
	int fds[ADOPTED_FDS];
	size_t count = 0;
	ssize_t n =
		fd_recv(KEEPER_FD_CONTROL, &adoption, sizeof(adoption), fds, ADOPTED_FDS, &count);
	if (n != (ssize_t)sizeof(adoption) || count != ADOPTED_FDS)
		return error_say(err, EPIPE, "no instance wants the machine");
	/* Two steps: what was received may lie where another belongs. */
	for (size_t i = 0; i < count; i++) {
		int above = fcntl(fds[i], F_DUPFD_CLOEXEC, 64);
		if (above < 0)
			return error_set(err, errno, "move a descriptor");
		(void)close(fds[i]);
		fds[i] = above;
	}
	for (size_t i = 0; i < count; i++) {
		if (dup2(fds[i], KEEPER_FD_PLAN + (int)i) < 0)
			return error_set(err, errno, "place a descriptor");
		(void)close(fds[i]);
	}
	adoption.cgroup[sizeof(adoption.cgroup) - 1] = '\0';
	return vm_process_move(&spare->process, adoption.cgroup, err);
}

static int tell_ready(struct error *err)
{
	static const char ready = 1;
	ssize_t n = send(KEEPER_FD_CONTROL, &ready, sizeof(ready), MSG_NOSIGNAL);
	return n < 0 ? error_set(err, errno, "tell the engine") : 0;
}

/* Waits for the practice's end and for an instance, in this order. */
static int wait_for_instance(struct vm_spare *spare, struct error *err)
{
	bool practised = false;
	int64_t deadline = clock_monotonic() + PRACTICE_TIMEOUT_MS * NSEC_PER_MSEC;
	for (;;) {
		int queued = channel_flush(&spare->channel);
		struct pollfd polls[] = {
			{ .fd = spare->channel.fd,
			  .events = (short)(POLLIN | (queued > 0 ? POLLOUT : 0)) },
			{ .fd = spare->process.pidfd, .events = POLLIN },
			{ .fd = spare->process.console_fd, .events = POLLIN },
			{ .fd = KEEPER_FD_CONTROL, .events = (short)(practised ? POLLIN : 0) },
		};
		int64_t left_ms = (deadline - clock_monotonic()) / NSEC_PER_MSEC;
		if (queued < 0 || left_ms <= 0 || poll(polls, ARRAY_SIZE(polls), (int)left_ms) <= 0)
			return error_say(err, ETIMEDOUT, "nobody wants the machine");
		if (polls[1].revents)
			return error_say(err, ECHILD, "the machine ended");
		if (polls[2].revents)
			vm_process_read_console(&spare->process);
		if (practised && polls[3].revents)
			return adopt(spare, err);
		if (polls[3].revents & (POLLHUP | POLLERR))
			return error_say(err, EPIPE, "the engine is gone");
		bool before = practised;
		int rc = polls[0].revents ? take_frames(spare, &practised, err) : 0;
		if (rc < 0)
			return rc;
		if (practised && !before) {
			deadline = clock_monotonic() + KEEPER_SPARE_S * NSEC_PER_SEC;
			rc = tell_ready(err);
			if (rc < 0)
				return rc;
		}
	}
}

int vm_spare_wait(struct vm_spare **ret, struct error *err)
{
	if (signals_ignore(SIGPIPE, err) < 0)
		return err->code;
	if (close_range(KEEPER_FD_PLAN, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		return error_set(err, errno, "keep descriptors back");
	auto_(spare_freep) struct vm_spare *spare = xnew(struct vm_spare);
	spare->process = (struct vm_process)VM_PROCESS_NONE;
	machine_init(&spare->machine);
	int rc = start_practice(spare, err);
	if (rc == 0)
		rc = wait_for_instance(spare, err);
	if (rc < 0)
		return rc;
	strbuf_done(&spare->machine.state);
	*ret = take_ptr(spare);
	return 0;
}
