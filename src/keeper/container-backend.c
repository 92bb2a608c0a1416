/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "container/container.h"
#include "container/plan/plan.h"
#include "keeper/backend.h"
#include "keeper/keeper.h"
#include "keeper/session.h"
#include "sys/process-fd.h"
#include "sys/pty.h"

/**
 * DOC: Instances isolated by the shared kernel
 *
 * The processes are children of the keeper. Each session has a task: its process, and two sources:
 * how its start goes (for an exec), and its end.
 */
struct container_backend {
	struct backend backend;
	struct container *container;
	uint32_t root_uid; /* the host's id of the container's root */
	uint32_t root_gid;
};

struct task {
	struct session *session; /* NULL: forgotten, and only kept until the process is reaped */
	struct container_process process;
	struct session_streams streams; /* of a start on its way */
	struct source status;
	struct source end;
};

static struct container_backend *cast(struct backend *b)
{
	return container_of(b, struct container_backend, backend);
}

static void streams_done(struct session_streams *s)
{
	close_p(&s->input);
	close_p(&s->output);
	close_p(&s->error);
}

static void container_streams_done(struct container_streams *s)
{
	for (int i = 0; i < 3; i++)
		close_p(&s->fds[i]);
}

/* One pipe, whose inside end belongs to the container's root: that one gives it to its user. */
static int make_pipe(const struct container_backend *cb, bool input, int *ret_ours, int *ret_theirs,
		     struct error *err)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_set(err, errno, "make a pipe");
	*ret_ours = fds[input ? 1 : 0];
	*ret_theirs = fds[input ? 0 : 1];
	if ((cb->root_uid || cb->root_gid) && fchown(fds[0], cb->root_uid, cb->root_gid) < 0)
		return error_set(err, errno, "give a pipe its owner");
	return 0;
}

static int make_streams(const struct container_backend *cb, const struct session *s,
			struct session_streams *ours, struct container_streams *theirs,
			struct error *err)
{
	*ours = (struct session_streams){ -1, -1, -1 };
	*theirs = (struct container_streams){ { -1, -1, -1 } };
	if (s->terminal)
		return 0;
	int r = s->stdin_open ? make_pipe(cb, true, &ours->input, &theirs->fds[0], err) : 0;
	if (r == 0)
		r = make_pipe(cb, false, &ours->output, &theirs->fds[1], err);
	if (r == 0)
		r = make_pipe(cb, false, &ours->error, &theirs->fds[2], err);
	return r;
}

static void task_free(struct task *t)
{
	if (!t)
		return;
	loop_remove(&t->status);
	loop_remove(&t->end);
	container_process_done(&t->process);
	streams_done(&t->streams);
	free(t);
}

/* A terminal is read and written by the same master, with a source for each. */
static void use_console(struct task *t)
{
	if (t->process.console_fd < 0)
		return;
	t->streams.output = take_fd(t->process.console_fd);
	t->streams.input = fcntl(t->streams.output, F_DUPFD_CLOEXEC, 3);
}

static void phases_of(const struct task *t, int64_t ret[KEEPER_PHASE_COUNT])
{
	const struct keeper *k = t->session->keeper;
	memset(ret, 0, KEEPER_PHASE_COUNT * sizeof(*ret));
	ret[KEEPER_PHASE_SPAWNED] = t->session == k->first ? k->spawned_ns : 0;
	ret[KEEPER_PHASE_PLAN] = t->session == k->first ? k->planned_ns : 0;
	_Static_assert(KEEPER_PHASE_CLONED + CONTAINER_PHASE_COUNT == KEEPER_PHASE_COUNT,
		       "the phases of a container are the last ones of a keeper's");
	memcpy(ret + KEEPER_PHASE_CLONED, t->process.phase_ns, sizeof(t->process.phase_ns));
}

static void tell_started(struct task *t)
{
	int64_t phase_ns[KEEPER_PHASE_COUNT];
	use_console(t);
	session_set_streams_take(t->session, &t->streams);
	phases_of(t, phase_ns);
	session_started(t->session, t->process.pid, phase_ns);
	if (t->session->terminal && t->session->rows && t->session->cols)
		(void)pty_resize(t->session->outputs[0].source.fd, t->session->rows,
				 t->session->cols);
}

/* The start of an exec has come to something. */
static void check_status(struct task *t)
{
	struct error err = { 0 };
	int r;
	do {
		r = container_process_check(&t->process, &err);
	} while (r == CONTAINER_PROCESS_PENDING && pidfd_ended(t->process.pidfd));
	if (r == CONTAINER_PROCESS_PENDING)
		return;
	loop_remove(&t->status);
	close_p(&t->process.status_fd);
	if (r == 0)
		tell_started(t);
	else
		session_failed(t->session, t->process.exit_code, &err);
}

static void status_ready(struct source *s, uint32_t events)
{
	(void)events;
	check_status(container_of(s, struct task, status));
}

static void end_ready(struct source *s, uint32_t events)
{
	struct task *t = container_of(s, struct task, end);
	int code = 0, sig = 0;
	(void)events;
	while (t->session && t->session->state == SESSION_STARTING)
		check_status(t);
	loop_remove(&t->end);
	if (pidfd_reap(t->process.pidfd, &code, &sig) < 0)
		code = 255;
	if (!t->session)
		task_free(t);
	else if (t->session->state == SESSION_RUNNING)
		session_exited(t->session, code, sig);
}

static int watch_task(struct task *t, struct error *err)
{
	struct loop *loop = t->session->keeper->loop;
	t->end = (struct source){ .fd = t->process.pidfd, .events = EPOLLIN, .ready = end_ready };
	int r = loop_add(loop, &t->end, err);
	if (r < 0 || t->process.status_fd < 0)
		return r;
	t->status = (struct source){
		.fd = t->process.status_fd,
		.events = EPOLLIN,
		.ready = status_ready,
	};
	return loop_add(loop, &t->status, err);
}

static struct task *task_new(struct session *s)
{
	struct task *t = xnew(struct task);
	t->session = s;
	t->process = (struct container_process)CONTAINER_PROCESS_NONE;
	t->streams = (struct session_streams){ -1, -1, -1 };
	s->backend_data = t;
	return t;
}

static int backend_start(struct backend *b, const struct plan *plan, const int *fds,
			 struct session *s, struct error *err)
{
	struct container_backend *cb = cast(b);
	struct task *t = task_new(s);
	struct container_streams theirs;
	if (plan->uid_maps.count) {
		cb->root_uid = id_map_outside(plan->uid_maps.items, plan->uid_maps.count, 0);
		cb->root_gid = id_map_outside(plan->gid_maps.items, plan->gid_maps.count, 0);
	}
	int r = make_streams(cb, s, &t->streams, &theirs, err);
	if (r == 0)
		r = container_start(plan, fds, &theirs, &t->process, &cb->container, err);
	container_streams_done(&theirs);
	if (r < 0) {
		session_failed(s, t->process.exit_code, err);
		return 0;
	}
	tell_started(t);
	container_tidy(cb->container);
	return watch_task(t, err);
}

static int backend_exec(struct backend *b, const struct plan *plan, struct session *s,
			struct error *err)
{
	struct container_backend *cb = cast(b);
	struct task *t = task_new(s);
	struct container_streams theirs;
	int r = make_streams(cb, s, &t->streams, &theirs, err);
	if (r == 0)
		r = container_exec(cb->container, plan, &theirs, &t->process, err);
	container_streams_done(&theirs);
	return r < 0 ? r : watch_task(t, err);
}

static int backend_signal(struct backend *b, struct session *s, int signal, bool all,
			  struct error *err)
{
	struct task *t = s->backend_data;
	if (all)
		return container_signal_all(cast(b)->container, signal, err);
	int r = pidfd_signal(t->process.pidfd, signal);
	return r < 0 ? error_set(err, r, "send signal %d", signal) : 0;
}

static int backend_resize(struct backend *b, struct session *s, uint16_t rows, uint16_t cols,
			  struct error *err)
{
	(void)b;
	int r = pty_resize(s->outputs[0].source.fd, rows, cols);
	return r < 0 ? error_set(err, r, "resize the terminal") : 0;
}

static int backend_freeze(struct backend *b, bool freeze, struct error *err)
{
	return container_freeze(cast(b)->container, freeze, err);
}

static int backend_update(struct backend *b, const struct plan *plan, struct error *err)
{
	return container_update(cast(b)->container, plan, err);
}

static bool backend_oom(struct backend *b)
{
	return cast(b)->container && container_oom_kills(cast(b)->container) > 0;
}

static int backend_end(struct backend *b, struct error *err)
{
	return cast(b)->container ? container_end(cast(b)->container, err) : 0;
}

static void backend_forget(struct backend *b, struct session *s)
{
	struct task *t = s->backend_data;
	(void)b;
	s->backend_data = NULL;
	/* A process whose start failed may be on its last steps: the namespace waits for its reaping. */
	if (t && t->end.loop)
		t->session = NULL;
	else
		task_free(t);
}

static void backend_free(struct backend *b)
{
	container_free(cast(b)->container);
	free(cast(b));
}

static const struct backend_ops container_ops = {
	.name = "container",
	.start = backend_start,
	.exec = backend_exec,
	.signal = backend_signal,
	.resize = backend_resize,
	.freeze = backend_freeze,
	.update = backend_update,
	.oom = backend_oom,
	.end = backend_end,
	.forget = backend_forget,
	.free = backend_free,
};

struct backend *container_backend_new(struct keeper *k)
{
	struct container_backend *cb = xnew(struct container_backend);
	cb->backend.ops = &container_ops;
	cb->backend.keeper = k;
	return &cb->backend;
}
