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
#include "keeper/vm-process.h"
#include "sys/signals.h"
#include "vm/accelerator.h"
#include "vm/guest-protocol.h"
#include "vm/template.h"

#define BOOT_TIMEOUT_MS 60000
#define SAVE_TIMEOUT_MS 20000
#define STATE_NAME "state"

/* Waits until one of the machine's descriptors has something; 0, or a negative errno. */
static int wait_machine(struct vm_process *p, int fd, int64_t deadline_ns, struct error *err)
{
	int64_t left_ms = (deadline_ns - clock_monotonic()) / NSEC_PER_MSEC;
	struct pollfd polls[] = {
		{ .fd = fd, .events = POLLIN },
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

static int wait_ready(struct vm_process *p, struct error *err)
{
	int64_t deadline_ns = clock_monotonic() + BOOT_TIMEOUT_MS * NSEC_PER_MSEC;
	struct channel channel;
	struct frame frame;
	channel_init(&channel, p->channel_fd, 0);
	int rc;
	while ((rc = channel_next(&channel, &frame, err)) == 0) {
		rc = wait_machine(p, p->channel_fd, deadline_ns, err);
		if (rc == 0)
			rc = channel_receive(&channel);
		if (rc == -ENODATA)
			rc = 0; /* QEMU's end is seen by its pidfd */
		if (rc < 0)
			break;
	}
	struct guest_ready ready;
	if (rc > 0 &&
	    (frame.type != GUEST_READY || guest_ready_decode(frame.data, frame.len, &ready) < 0 ||
	     ready.version != GUEST_PROTOCOL_VERSION))
		rc = error_say(err, EPROTO, "the guest did not say that it is ready");
	channel_done(&channel);
	return rc < 0 ? error_prefix(err, "boot") : 0;
}

static int copy_state(struct vm_process *p, int from, int to, struct error *err)
{
	int64_t deadline_ns = clock_monotonic() + SAVE_TIMEOUT_MS * NSEC_PER_MSEC;
	size_t total = 0;
	for (;;) {
		char piece[65536];
		int rc = wait_machine(p, from, deadline_ns, err);
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

static int make_template(struct error *err)
{
	struct stat st;
	if (fstat(KEEPER_FD_FIRST, &st) < 0 || st.st_size <= 0 || st.st_size > MACHINE_BYTES_MAX)
		return error_say(err, EBADMSG, "no description of a machine");
	auto_free char *bytes = xmalloc((size_t)st.st_size);
	if (pread(KEEPER_FD_FIRST, bytes, (size_t)st.st_size, 0) != st.st_size)
		return error_set(err, EIO, "read the machine's description");
	auto_machine machine;
	machine_init(&machine);
	int rc = machine_decode(bytes, (size_t)st.st_size, &machine, err);
	if (rc < 0)
		return rc;

	auto_(vm_process_done) struct vm_process process = VM_PROCESS_NONE;
	rc = vm_process_start(&process, &machine, err);
	if (rc == 0)
		rc = wait_ready(&process, err);
	if (rc == 0)
		rc = save(&process, machine.template_fd, err);
	return rc;
}

int vm_template_main(void)
{
	struct error err = { 0 };
	if (signals_ignore(SIGPIPE, &err) < 0 ||
	    close_range(KEEPER_FD_PLAN, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		return 1;
	int rc = make_template(&err);
	if (rc == 0)
		err = (struct error){ 0 };
	return write_full(KEEPER_FD_CONTROL, &err, sizeof(err)) < 0 || rc < 0;
}

int vm_probe_main(void)
{
	struct vm_probe probe = { 0 };
	if (accelerator_measure("/dev/kvm", &probe.loop_ns, &probe.error) == 0)
		probe.error = (struct error){ 0 };
	return write_full(KEEPER_FD_CONTROL, &probe, sizeof(probe)) < 0;
}
