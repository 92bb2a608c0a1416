/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/ident.h"
#include "base/log.h"
#include "container/plan/plan.h"
#include "keeper/backend.h"
#include "keeper/keeper.h"
#include "keeper/vm-process.h"
#include "keeper/vm-spare.h"
#include "keeper/vm-talk.h"
#include "keeper/vm-task.h"
#include "keeper/vm-watch.h"
#include "vm/guest-protocol.h"

/**
 * DOC: Instances isolated by a kernel of their own
 *
 * The engine's first descriptor holds a struct machine; the others are QEMU's. The keeper starts
 * QEMU, gives the guest identity, disks and plan without waiting for a word between them, and from
 * then on moves frames.
 *
 *	STARTING ── STARTED ──► RUNNING ── EXITED of session 0 ──► ENDING
 *	    │                      │
 *	    └──────────────────────┴── QEMU ended, wrong frame, silence ──► BROKEN
 *
 * A broken machine is killed at once and every process in it is reported as ended with the reason.
 * What counts as silence is told in vm-watch.h. Every frame of the guest is paid for by something
 * that it was asked or granted, so none can be sent without end: output by credit, credit by input,
 * PONG by PING, and the others once for each process.
 */

#define POWER_OFF_MS 5000
#define EXIT_BROKEN 137

struct vm_backend {
	struct backend backend;
	struct machine machine;
	struct vm_process process;
	struct channel channel;
	struct source channel_source;
	struct source qmp_source;
	struct source console_source;
	struct source end_source;
	struct vm_watch watch;
	bool open;   /* the channel and the sources are there */
	bool ready;  /* the guest said READY: a clone's did long ago */
	bool broken; /* the machine was given up */
	bool oom;
	int64_t heard_ns; /* last frame of the guest */
};

static int vm_end(struct backend *b, struct error *err);

static struct vm_backend *cast(struct backend *b)
{
	return container_of(b, struct vm_backend, backend);
}

static struct vm_task *find_task(struct vm_backend *vm, uint32_t id)
{
	struct session *s = keeper_session(vm->backend.keeper, id);
	return s ? s->backend_data : NULL;
}

static void remove_sources(struct vm_backend *vm)
{
	loop_remove(&vm->channel_source);
	loop_remove(&vm->qmp_source);
	loop_remove(&vm->console_source);
	loop_remove(&vm->end_source);
	vm_watch_end(&vm->watch);
}

/* Ends the machine as it stands. */
static void drop_machine(struct vm_backend *vm)
{
	struct error ignored;
	vm->broken = true;
	remove_sources(vm);
	(void)!vm_process_end(&vm->process, &ignored);
}

/* Gives the machine up: every process in it has ended, for the reason told. */
static void give_up(struct vm_backend *vm, const struct error *why)
{
	if (vm->broken)
		return;
	drop_machine(vm);
	for (struct session *s = vm->backend.keeper->sessions; s; s = s->next) {
		if (s->state == SESSION_STARTING)
			session_failed(s, 125, why);
		else if (s->state == SESSION_RUNNING)
			session_broken(s, EXIT_BROKEN, why);
	}
}

static void flush(struct vm_backend *vm)
{
	if (!vm->open || vm->broken)
		return;
	int rc = channel_flush(&vm->channel);
	if (rc >= 0)
		loop_watch(&vm->channel_source, EPOLLIN | (rc > 0 ? EPOLLOUT : 0));
	/* A failure shows as QEMU's end as well, which tells more. */
}

/* ---- What the guest says --------------------------------------------------------------------- */

static int wrong(struct error *err, const char *message)
{
	return error_say(err, EBADMSG, "the guest broke the protocol: wrong %s", message);
}

static int take_ready(struct vm_backend *vm, const struct frame *f, struct error *err)
{
	struct guest_ready m;
	if (vm->ready || guest_ready_decode(f->data, f->len, &m) < 0)
		return wrong(err, "READY");
	if (m.version != GUEST_PROTOCOL_VERSION)
		return error_say(err, EPROTO, "the guest speaks version %u of the protocol, not %u",
				 m.version, GUEST_PROTOCOL_VERSION);
	vm->ready = true;
	return 0;
}

static void phases_of(const struct vm_backend *vm, const struct guest_started *m,
		      int64_t ret[KEEPER_PHASE_COUNT])
{
	const struct keeper *k = vm->backend.keeper;
	memset(ret, 0, KEEPER_PHASE_COUNT * sizeof(*ret));
	ret[KEEPER_PHASE_SPAWNED] = k->spawned_ns;
	ret[KEEPER_PHASE_PLAN] = k->planned_ns;
	/* The guest's clock starts elsewhere: its instants are laid before the one when we heard. */
	int64_t last = m->phase_ns[CONTAINER_PHASE_EXECUTED];
	for (int i = 0; i < CONTAINER_PHASE_COUNT; i++)
		if (m->phase_ns[i] > 0 && last >= m->phase_ns[i])
			ret[KEEPER_PHASE_CLONED + i] = vm->heard_ns - (last - m->phase_ns[i]);
}

static int take_started(struct vm_backend *vm, struct vm_task *t, const struct frame *f,
			struct error *err)
{
	struct guest_started m;
	int64_t phase_ns[KEEPER_PHASE_COUNT];
	if (guest_started_decode(f->data, f->len, &m) < 0 || t->session->state != SESSION_STARTING)
		return wrong(err, "STARTED");
	phases_of(vm, &m, phase_ns);
	if (t->id == 0)
		vm_watch_started(&vm->watch);
	return vm_task_started(t, vm->process.pid, t->id == 0 ? phase_ns : NULL, err);
}

static int take_failed(struct vm_backend *vm, struct vm_task *t, const struct frame *f,
		       struct error *err)
{
	struct guest_failed m;
	if (guest_failed_decode(f->data, f->len, &m) < 0 || t->session->state != SESSION_STARTING)
		return wrong(err, "FAILED");
	if (m.error.code == 0)
		m.error.code = -EIO;
	if (t->id == 0)
		drop_machine(vm);
	session_failed(t->session, m.exit_code, &m.error);
	return 0;
}

/*
 * The first process has ended, and all its output is here. The machine ends before anybody is told:
 * whoever then starts the instance again finds nothing of it in the way.
 */
static void end_machine(struct vm_backend *vm)
{
	struct error err = { 0 };
	if (vm_end(&vm->backend, &err) < 0)
		log_event(LOG_LEVEL_ERROR, "something of the machine is left", "error", err.text,
			  NULL);
	for (struct session *s = vm->backend.keeper->sessions; s; s = s->next) {
		struct vm_task *t = s->backend_data;
		if (s->exec == 0 || !t)
			continue;
		error_say(&err, ESRCH, "the instance has ended");
		if (s->state == SESSION_STARTING)
			session_failed(s, 125, &err);
		else if (s->state == SESSION_RUNNING && !t->exited)
			vm_task_exited(t, EXIT_BROKEN, SIGKILL);
	}
}

static int take_exited(struct vm_backend *vm, struct vm_task *t, const struct frame *f,
		       struct error *err)
{
	struct guest_exited m;
	if (guest_exited_decode(f->data, f->len, &m) < 0 || t->exited ||
	    t->session->state != SESSION_RUNNING)
		return wrong(err, "EXITED");
	if (t->id == 0) {
		vm->oom = m.oom;
		end_machine(vm);
	}
	vm_task_exited(t, m.exit_code, m.signal);
	return 0;
}

static int take_credit(struct vm_task *t, const struct frame *f, struct error *err)
{
	struct guest_credit m;
	if (guest_credit_decode(f->data, f->len, &m) < 0 || vm_task_credit(t, &m) < 0)
		return wrong(err, "CREDIT");
	return 0;
}

static int take_output(struct vm_task *t, const struct frame *f, struct error *err)
{
	enum guest_stream stream =
		f->type == GUEST_OUTPUT ? GUEST_STREAM_OUTPUT : GUEST_STREAM_ERROR;
	if (t->session->state != SESSION_RUNNING || vm_task_output(t, stream, f->data, f->len) < 0)
		return wrong(err, "OUTPUT");
	return 0;
}

static int take_frame(struct vm_backend *vm, const struct frame *f, struct error *err)
{
	if (f->type == GUEST_READY)
		return take_ready(vm, f, err);
	if (f->type == GUEST_PONG)
		return vm_watch_pong(&vm->watch) < 0 ? wrong(err, "PONG") : 0;
	struct vm_task *t = find_task(vm, f->session);
	if (!t)
		return wrong(err, "session");
	switch (f->type) {
	case GUEST_STARTED:
		return take_started(vm, t, f, err);
	case GUEST_FAILED:
		return take_failed(vm, t, f, err);
	case GUEST_OUTPUT:
	case GUEST_ERROR_OUTPUT:
		return take_output(t, f, err);
	case GUEST_CREDIT:
		return take_credit(t, f, err);
	case GUEST_EXITED:
		return take_exited(vm, t, f, err);
	default:
		return wrong(err, "message");
	}
}

static void channel_ready(struct source *source, uint32_t events)
{
	struct vm_backend *vm = container_of(source, struct vm_backend, channel_source);
	struct error err = { 0 };
	struct frame frame;
	if (!(events & EPOLLIN)) {
		if (events & (EPOLLHUP | EPOLLERR))
			loop_remove(source); /* QEMU's end tells why */
		flush(vm);
		return;
	}
	int rc = channel_receive(&vm->channel);
	bool at_end = rc == -ENODATA;
	vm->heard_ns = clock_monotonic();
	while (!vm->broken && (rc = channel_next(&vm->channel, &frame, &err)) > 0) {
		rc = take_frame(vm, &frame, &err);
		if (rc < 0)
			break;
	}
	if (rc < 0) {
		give_up(vm, &err);
		return;
	}
	flush(vm);
	if (at_end)
		loop_remove(source);
}

/* ---- The machine's end ----------------------------------------------------------------------- */

static void end_ready(struct source *source, uint32_t events)
{
	struct vm_backend *vm = container_of(source, struct vm_backend, end_source);
	struct error why = { 0 };
	(void)events;
	vm_process_explain(&vm->process, &why);
	give_up(vm, &why);
}

static void qmp_ready(struct source *source, uint32_t events)
{
	struct vm_backend *vm = container_of(source, struct vm_backend, qmp_source);
	struct error err;
	(void)events;
	if (qmp_pump(vm->process.qmp, &err) < 0)
		loop_remove(source);
}

static void console_ready(struct source *source, uint32_t events)
{
	struct vm_backend *vm = container_of(source, struct vm_backend, console_source);
	vm_process_read_console(&vm->process);
	if (!(events & EPOLLIN))
		loop_remove(source);
}

static void ping_queued(struct vm_watch *w)
{
	flush(container_of(w, struct vm_backend, watch));
}

static void guest_silent(struct vm_watch *w, const struct error *why)
{
	give_up(container_of(w, struct vm_backend, watch), why);
}

/* ---- The keeper's verbs ----------------------------------------------------------------------- */

static int add_source(struct vm_backend *vm, struct source *source, int fd,
		      void (*ready)(struct source *s, uint32_t events), struct error *err)
{
	*source = (struct source){ .fd = fd, .events = EPOLLIN, .ready = ready };
	return loop_add(vm->backend.keeper->loop, source, err);
}

static int add_sources(struct vm_backend *vm, struct error *err)
{
	int rc = vm_watch_start(&vm->watch, vm->backend.keeper->loop, &vm->channel, &vm->process,
				vm->machine.cpu_quota_us, err);
	if (rc == 0)
		rc = add_source(vm, &vm->channel_source, vm->process.channel_fd, channel_ready,
				err);
	if (rc == 0)
		rc = add_source(vm, &vm->qmp_source, vm->process.qmp_fd, qmp_ready, err);
	if (rc == 0)
		rc = add_source(vm, &vm->console_source, vm->process.console_fd, console_ready,
				err);
	if (rc == 0)
		rc = add_source(vm, &vm->end_source, vm->process.pidfd, end_ready, err);
	return rc;
}

static struct vm_task *open_task(struct vm_backend *vm, struct session *s, struct error *err)
{
	struct vm_task *t = vm_task_new(s, &vm->channel);
	s->backend_data = t;
	return vm_task_open(t, err) < 0 ? NULL : t;
}

/* Starts the machine, up to where its guest has its disks. */
static int start_machine(struct vm_backend *vm, struct error *err)
{
	int rc = vm_machine_read(KEEPER_FD_FIRST, &vm->machine, err);
	if (rc < 0)
		return rc;
	if (vm->machine.fd_count + 1 > vm->backend.keeper->given_fds)
		return error_say(err, EBADMSG, "the machine's descriptors are missing");
	rc = vm_process_start(&vm->process, &vm->machine, err);
	if (rc < 0)
		return rc;
	vm_channel_open(&vm->channel, &vm->process, &vm->machine);
	vm->open = true;
	vm->ready = vm->machine.state.len > 0;
	rc = vm_send_identity(&vm->channel, &vm->machine, err);
	return rc == 0 ? vm_send_root(&vm->channel, &vm->machine, err) : rc;
}

static int vm_start(struct backend *b, const struct plan *plan, const int *fds, struct session *s,
		    struct error *err)
{
	struct vm_backend *vm = cast(b);
	(void)fds; /* the plan's are the guest's own */
	if (!open_task(vm, s, err))
		return err->code;
	int rc = vm->open ? vm_send_identity(&vm->channel, &vm->machine, err)
			  : start_machine(vm, err);
	vm->heard_ns = clock_monotonic();
	if (rc == 0)
		rc = vm_send_plan(&vm->channel, 0, plan, err);
	if (rc == 0 && channel_send(&vm->channel, GUEST_START, 0, NULL, 0) < 0)
		rc = error_say(err, ENOBUFS, "the guest does not take its plan");
	if (rc == 0)
		rc = add_sources(vm, err);
	flush(vm);
	return rc;
}

static int vm_exec(struct backend *b, const struct plan *plan, struct session *s, struct error *err)
{
	struct vm_backend *vm = cast(b);
	if (vm->broken)
		return error_say(err, ESRCH, "the machine has ended");
	if (!open_task(vm, s, err))
		return err->code;
	int rc = vm_send_plan(&vm->channel, s->exec, plan, err);
	if (rc == 0 && channel_send(&vm->channel, GUEST_EXEC, s->exec, NULL, 0) < 0)
		rc = error_say(err, ENOBUFS, "the guest does not take its plan");
	flush(vm);
	return rc;
}

static int vm_signal(struct backend *b, struct session *s, int signal, bool all, struct error *err)
{
	struct vm_backend *vm = cast(b);
	struct guest_signal m = { .signal = (uint32_t)signal, .all = all };
	auto_strbuf out = STRBUF_INIT(64);
	guest_signal_encode(&m, &out);
	if (vm->broken || channel_send(&vm->channel, GUEST_SIGNAL, s->exec, out.data, out.len) < 0)
		return error_say(err, ESRCH, "the guest takes no signals");
	if (signal == SIGKILL && s->exec == 0)
		vm_watch_killed(&vm->watch);
	flush(vm);
	return 0;
}

static int vm_resize(struct backend *b, struct session *s, uint16_t rows, uint16_t cols,
		     struct error *err)
{
	struct vm_backend *vm = cast(b);
	struct guest_resize m = { .rows = rows, .cols = cols };
	auto_strbuf out = STRBUF_INIT(64);
	guest_resize_encode(&m, &out);
	if (vm->broken || channel_send(&vm->channel, GUEST_RESIZE, s->exec, out.data, out.len) < 0)
		return error_say(err, ESRCH, "the guest takes no sizes");
	flush(vm);
	return 0;
}

static int vm_freeze(struct backend *b, bool freeze, struct error *err)
{
	struct vm_backend *vm = cast(b);
	int rc = vm_process_freeze(&vm->process, freeze, err);
	if (rc < 0) {
		give_up(vm, err);
		return rc;
	}
	vm_watch_freeze(&vm->watch, freeze);
	return 0;
}

/* The host's part: what is counted inside, the engine asks the guest to set. */
static int vm_update(struct backend *b, const struct plan *plan, struct error *err)
{
	return vm_process_limit(&cast(b)->process, &plan->cgroup, err);
}

static bool vm_oom(struct backend *b)
{
	return cast(b)->oom;
}

/* Waits until the guest has written everything back, or has had its time. */
static void power_off(struct vm_backend *vm)
{
	int64_t deadline = clock_monotonic() + POWER_OFF_MS * NSEC_PER_MSEC;
	struct error ignored;
	struct frame frame;
	if (channel_send(&vm->channel, GUEST_POWER_OFF, 0, NULL, 0) < 0)
		return;
	for (;;) {
		int queued = channel_flush(&vm->channel);
		int64_t left_ms = (deadline - clock_monotonic()) / NSEC_PER_MSEC;
		struct pollfd polls[] = {
			{ .fd = vm->channel.fd,
			  .events = (short)(POLLIN | (queued > 0 ? POLLOUT : 0)) },
			{ .fd = vm->process.pidfd, .events = POLLIN },
		};
		if (queued < 0 || left_ms <= 0 || poll(polls, 2, (int)left_ms) <= 0 ||
		    polls[1].revents || channel_receive(&vm->channel) < 0)
			return;
		int rc;
		while ((rc = channel_next(&vm->channel, &frame, &ignored)) > 0)
			if (frame.type == GUEST_BYE)
				return;
		if (rc < 0)
			return;
	}
}

static int vm_end(struct backend *b, struct error *err)
{
	struct vm_backend *vm = cast(b);
	remove_sources(vm);
	if (vm->open && !vm->broken && !vm->machine.is_volatile)
		power_off(vm);
	vm->broken = true;
	return vm_process_end(&vm->process, err);
}

static void vm_forget(struct backend *b, struct session *s)
{
	(void)b;
	vm_task_free(s->backend_data);
	s->backend_data = NULL;
}

static void vm_free(struct backend *b)
{
	struct vm_backend *vm = cast(b);
	remove_sources(vm);
	if (vm->open)
		channel_done(&vm->channel);
	vm_process_done(&vm->process);
	machine_done(&vm->machine);
	free(vm);
}

static const struct backend_ops vm_ops = {
	.name = "vm",
	.own_fds = true,
	.start = vm_start,
	.exec = vm_exec,
	.signal = vm_signal,
	.resize = vm_resize,
	.freeze = vm_freeze,
	.update = vm_update,
	.oom = vm_oom,
	.end = vm_end,
	.forget = vm_forget,
	.free = vm_free,
};

struct backend *vm_backend_new(struct keeper *k)
{
	struct vm_backend *vm = xnew(struct vm_backend);
	vm->backend.ops = &vm_ops;
	vm->backend.keeper = k;
	vm->process = (struct vm_process)VM_PROCESS_NONE;
	vm->watch = (struct vm_watch){ .timer = { .fd = -1 },
				       .queued = ping_queued,
				       .silent = guest_silent };
	machine_init(&vm->machine);
	return &vm->backend;
}

struct backend *vm_spare_backend(struct keeper *k, struct vm_spare *spare_take)
{
	struct vm_backend *vm = (struct vm_backend *)(void *)vm_backend_new(k);
	machine_done(&vm->machine);
	vm->machine = spare_take->machine;
	vm->process = spare_take->process;
	vm->channel = spare_take->channel;
	qmp_set_arg(vm->process.qmp, &vm->process);
	vm->open = vm->ready = true;
	free(spare_take);
	return &vm->backend;
}
