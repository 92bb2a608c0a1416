/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fd.h"
#include "container/plan/plan.h"
#include "guest/identity.h"
#include "guest/practice.h"
#include "guest/work.h"
#include "sys/process-fd.h"
#include "sys/pty.h"

#define OUT_CAP (4u << 20)
#define MESSAGE_MAX 2048u
/* What the guest keeps of its free memory: so much, and a sixteenth. */
#define MEMORY_KEPT (12LL << 20)

void guest_init(struct guest *g, int port_fd, const struct boot_disks *disks)
{
	*g = (struct guest){ .disks = *disks };
	channel_init(&g->channel, port_fd, OUT_CAP);
}

static struct session *find_session(struct guest *g, uint32_t id)
{
	for (struct session *s = g->sessions; s; s = s->next)
		if (s->id == id)
			return s;
	return NULL;
}

static void forget_session(struct guest *g, struct session *gone)
{
	struct session **at = &g->sessions;
	while (*at && *at != gone)
		at = &(*at)->next;
	if (*at)
		*at = gone->next;
	session_free(gone);
}

static int send_failed(struct guest *g, uint32_t session, int exit_code, const struct error *why)
{
	struct guest_failed m = { .exit_code = exit_code, .error = *why };
	auto_strbuf out = STRBUF_INIT(MESSAGE_MAX);
	guest_failed_encode(&m, &out);
	return channel_send(&g->channel, GUEST_FAILED, session, out.data, out.len);
}

static int send_started(struct guest *g, const struct session *s)
{
	struct guest_started m = { .pid = s->process.pid, .received_ns = g->identified_ns };
	memcpy(m.phase_ns, s->process.phase_ns, sizeof(m.phase_ns));
	auto_strbuf out = STRBUF_INIT(MESSAGE_MAX);
	guest_started_encode(&m, &out);
	return channel_send(&g->channel, GUEST_STARTED, s->id, out.data, out.len);
}

static int handle_identity(struct guest *g, const struct frame *f, struct error *err)
{
	struct guest_identity identity;
	g->identified_ns = clock_monotonic();
	if ((g->state != GUEST_STATE_READY && g->state != GUEST_STATE_ROOTED) ||
	    guest_identity_decode(f->data, f->len, &identity) < 0)
		return error_say(err, EBADMSG, "wrong IDENTITY");
	int rc = identity_assume(&identity, err);
	if (rc == 0 && g->state == GUEST_STATE_READY)
		g->state = GUEST_STATE_NAMED;
	return rc;
}

static int handle_root(struct guest *g, const struct frame *f, struct error *err)
{
	static struct guest_root root;
	if (g->state != GUEST_STATE_NAMED || guest_root_decode(f->data, f->len, &root) < 0)
		return error_say(err, EBADMSG, "wrong ROOT");
	struct error why = { 0 };
	g->state = GUEST_STATE_ROOTED;
	int rc = root_mount(&g->disks, &root, &g->root, &why);
	if (rc < 0) {
		g->state = GUEST_STATE_ENDED;
		return send_failed(g, 0, 125, &why);
	}
	return 0;
}

static int handle_plan(struct guest *g, const struct frame *f, struct error *err)
{
	struct session *s = find_session(g, f->session);
	if (!s) {
		unsigned count = 0;
		for (struct session *other = g->sessions; other; other = other->next)
			count++;
		if (count >= GUEST_SESSIONS_MAX)
			return error_say(err, EBADMSG, "too many sessions");
		s = session_new(f->session);
		s->next = g->sessions;
		g->sessions = s;
	}
	if (s->state != SESSION_LOADING)
		return error_say(err, EBADMSG, "wrong PLAN");
	strbuf_add(&s->plan, f->data, f->len);
	return s->plan.overflow ? error_say(err, EBADMSG, "plan is too long") : 0;
}

/*
 * A machine that runs out of memory as a whole does little but look for some, for minutes, before
 * its kernel kills anything. So the workload gets a limit below what there is, and meets that first.
 */
static void limit_memory(struct plan *plan)
{
	struct sysinfo info;
	if (sysinfo(&info) < 0)
		return;
	int64_t most = (int64_t)info.freeram * info.mem_unit;
	most -= most / 16 + MEMORY_KEPT;
	if (most > 0 && (plan->cgroup.memory_bytes < 0 || plan->cgroup.memory_bytes > most))
		plan->cgroup.memory_bytes = most;
}

/* Starts the first process; the caller tells a failure. */
static int start_first(struct guest *g, struct session *s, const struct plan *plan,
		       struct error *err)
{
	if (plan->fd_count > g->root.count)
		return error_say(err, EBADMSG, "plan names disks that are not there");
	if (plan->own_work)
		return work_start(s, g->sessions, plan, &g->root, NULL, err);
	struct container_streams streams = { { -1, -1, -1 } };
	int rc = 0;
	if (!plan->streams.terminal)
		rc = session_open_streams(s, plan->streams.stdin_open, &streams, err);
	if (rc == 0)
		rc = container_start(plan, g->root.fds, &streams, &s->process, &g->container, err);
	session_close_streams(&streams);
	return rc;
}

static int now_running(struct guest *g, struct session *s, const struct plan *plan)
{
	s->state = SESSION_RUNNING;
	s->rows = s->rows ? s->rows : (uint16_t)plan->streams.rows;
	s->cols = s->cols ? s->cols : (uint16_t)plan->streams.cols;
	if (s->process.console_fd >= 0)
		session_take_terminal(s);
	return send_started(g, s);
}

static int handle_start(struct guest *g, const struct frame *f, struct error *err)
{
	struct session *s = find_session(g, 0);
	if (g->state == GUEST_STATE_ENDED)
		return 0; /* the root failed, and that was told */
	if (g->state != GUEST_STATE_ROOTED || f->session != 0 || !s || s->state != SESSION_LOADING)
		return error_say(err, EBADMSG, "wrong START");

	auto_plan *plan = NULL;
	struct error why = { 0 };
	int rc = plan_decode(s->plan.data, s->plan.len, &plan, &why);
	if (rc == 0)
		limit_memory(plan);
	if (rc == 0)
		rc = start_first(g, s, plan, &why);
	if (rc < 0) {
		g->state = GUEST_STATE_ENDED;
		rc = send_failed(g, 0, s->process.exit_code, &why);
		forget_session(g, s);
		return rc;
	}
	g->state = GUEST_STATE_RUNNING;
	return now_running(g, s, plan);
}

/* What fails here fails again at the start, where it is told. */
static int handle_practise(struct guest *g, const struct frame *f, struct error *err)
{
	struct session *s = find_session(g, 0);
	if (g->state != GUEST_STATE_ROOTED || f->session != 0 || !s || s->state != SESSION_LOADING)
		return error_say(err, EBADMSG, "wrong PRACTISE");
	auto_plan *plan = NULL;
	struct error ignored;
	if (plan_decode(s->plan.data, s->plan.len, &plan, &ignored) == 0 &&
	    plan->fd_count <= g->root.count)
		practise(plan, &g->root);
	forget_session(g, s);
	return channel_send(&g->channel, GUEST_PRACTISED, 0, NULL, 0);
}

static int start_exec(struct guest *g, struct session *s, const struct plan *plan,
		      struct error *err)
{
	struct container_streams streams = { { -1, -1, -1 } };
	int rc = 0;
	if (!plan->streams.terminal)
		rc = session_open_streams(s, plan->streams.stdin_open, &streams, err);
	if (rc == 0)
		rc = container_exec(g->container, plan, &streams, &s->process, err);
	session_close_streams(&streams);
	return rc;
}

static int handle_exec(struct guest *g, const struct frame *f, struct error *err)
{
	struct session *s = find_session(g, f->session);
	if (f->session == 0 || !s || s->state != SESSION_LOADING)
		return error_say(err, EBADMSG, "wrong EXEC");

	auto_plan *plan = NULL;
	struct error why = { 0 };
	int rc = plan_decode(s->plan.data, s->plan.len, &plan, &why);
	if (rc == 0 && (g->state != GUEST_STATE_RUNNING || !g->container))
		rc = error_say(&why, ESRCH, "the instance has ended");
	if (rc == 0 && plan->own_work) {
		rc = work_start(s, g->sessions, plan, &g->root, g->container, &why);
		if (rc == 0)
			return now_running(g, s, plan);
	} else if (rc == 0) {
		rc = start_exec(g, s, plan, &why);
	}
	if (rc < 0) {
		rc = send_failed(g, s->id, s->process.exit_code, &why);
		forget_session(g, s);
		return rc;
	}
	s->state = SESSION_STARTING;
	s->rows = s->rows ? s->rows : (uint16_t)plan->streams.rows;
	s->cols = s->cols ? s->cols : (uint16_t)plan->streams.cols;
	return 0;
}

int guest_check_start(struct guest *g, struct session *s)
{
	struct error why = { 0 };
	int rc = container_process_check(&s->process, &why);
	if (rc == CONTAINER_PROCESS_PENDING)
		return 0;
	close_p(&s->process.status_fd);
	if (rc < 0) {
		rc = send_failed(g, s->id, s->process.exit_code, &why);
		forget_session(g, s);
		return rc;
	}
	s->state = SESSION_RUNNING;
	if (s->process.console_fd >= 0)
		session_take_terminal(s);
	return send_started(g, s);
}

static int handle_signal(struct guest *g, const struct frame *f, struct error *err)
{
	struct guest_signal m;
	if (guest_signal_decode(f->data, f->len, &m) < 0)
		return error_say(err, EBADMSG, "wrong SIGNAL");
	struct session *s = find_session(g, f->session);
	if (m.all && g->container) {
		struct error why;
		int rc = container_signal_all(g->container, (int)m.signal, &why);
		(void)rc; /* a process that just ended is no fault */
	} else if (s && s->process.pidfd >= 0) {
		(void)pidfd_signal(s->process.pidfd, (int)m.signal);
	}
	return 0;
}

static int handle_resize(struct guest *g, const struct frame *f, struct error *err)
{
	struct guest_resize m;
	if (guest_resize_decode(f->data, f->len, &m) < 0)
		return error_say(err, EBADMSG, "wrong RESIZE");
	struct session *s = find_session(g, f->session);
	if (!s)
		return 0;
	s->rows = m.rows;
	s->cols = m.cols;
	if (s->terminal && s->outputs[0].fd >= 0)
		(void)pty_resize(s->outputs[0].fd, m.rows, m.cols);
	return 0;
}

static int handle_credit(struct guest *g, const struct frame *f, struct error *err)
{
	struct guest_credit m;
	if (guest_credit_decode(f->data, f->len, &m) < 0 || m.stream == GUEST_STREAM_INPUT)
		return error_say(err, EBADMSG, "wrong CREDIT");
	struct session *s = find_session(g, f->session);
	if (!s)
		return 0;
	uint32_t *window = &s->outputs[m.stream - GUEST_STREAM_OUTPUT].window;
	if (m.bytes > GUEST_WINDOW - *window)
		return error_say(err, EBADMSG, "too much CREDIT");
	*window += m.bytes;
	return 0;
}

static int handle_input(struct guest *g, const struct frame *f, struct error *err)
{
	struct session *s = find_session(g, f->session);
	if (!s)
		return 0; /* it has ended meanwhile */
	if (f->type == GUEST_INPUT_END)
		s->input_ended = true;
	else if (session_input(s, f->data, f->len) < 0)
		return error_say(err, EBADMSG, "input beyond its credit");
	return 0;
}

static int handle_ping(struct guest *g, const struct frame *f, struct error *err)
{
	struct guest_ping m;
	if (guest_ping_decode(f->data, f->len, &m) < 0)
		return error_say(err, EBADMSG, "wrong PING");
	identity_follow_clock(m.realtime_ns);
	return channel_send(&g->channel, GUEST_PONG, 0, NULL, 0);
}

int guest_handle(struct guest *g, const struct frame *f, struct error *err)
{
	switch (f->type) {
	case GUEST_IDENTITY:
		return handle_identity(g, f, err);
	case GUEST_ROOT:
		return handle_root(g, f, err);
	case GUEST_PLAN:
		return handle_plan(g, f, err);
	case GUEST_START:
		return handle_start(g, f, err);
	case GUEST_PRACTISE:
		return handle_practise(g, f, err);
	case GUEST_EXEC:
		return handle_exec(g, f, err);
	case GUEST_INPUT:
	case GUEST_INPUT_END:
		return handle_input(g, f, err);
	case GUEST_SIGNAL:
		return handle_signal(g, f, err);
	case GUEST_RESIZE:
		return handle_resize(g, f, err);
	case GUEST_CREDIT:
		return handle_credit(g, f, err);
	case GUEST_PING:
		return handle_ping(g, f, err);
	case GUEST_POWER_OFF:
		g->power_off = true;
		return 0;
	default:
		return error_say(err, EBADMSG, "unknown message %u", f->type);
	}
}

void guest_reap(struct guest *g)
{
	for (;;) {
		siginfo_t info = { 0 };
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
			return;
		struct session *s = g->sessions;
		while (s && s->process.pid != info.si_pid)
			s = s->next;
		if (!s || pidfd_reap(s->process.pidfd, &s->exit_code, &s->signal) < 0) {
			(void)waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG);
			continue;
		}
		if (s->state == SESSION_RUNNING)
			s->state = SESSION_EXITED;
	}
}

/* Whether the kernel of this machine, or a limit inside, killed for want of memory. */
static bool was_oom(struct guest *g)
{
	if (g->container && container_oom_kills(g->container) > 0)
		return true;
	auto_strbuf text = STRBUF_INIT(64u << 10);
	if (read_file_at(AT_FDCWD, "/proc/vmstat", text.cap, &text, NULL) < 0)
		return false;
	const char *line = strstr(strbuf_text(&text), "\noom_kill ");
	return line && strtoul(line + strlen("\noom_kill "), NULL, 10) > 0;
}

/*
 * The first process has ended, and all that it left with it: it was process 1 of their namespace. Its
 * control group stays where it is, for the machine itself ends next.
 */
static void end_container(struct guest *g)
{
	if (g->state != GUEST_STATE_RUNNING)
		return;
	g->oom = was_oom(g);
	g->state = GUEST_STATE_ENDED;
}

int guest_tell_exits(struct guest *g)
{
	for (struct session *s = g->sessions, *next; s; s = next) {
		next = s->next;
		if (s->state != SESSION_EXITED)
			continue;
		struct guest_exited m = { .exit_code = s->exit_code, .signal = s->signal };
		if (s->id == 0)
			end_container(g);
		if (!session_drain(s, &g->channel))
			continue;
		m.oom = s->id == 0 && g->oom;
		auto_strbuf out = STRBUF_INIT(MESSAGE_MAX);
		guest_exited_encode(&m, &out);
		int rc = channel_send(&g->channel, GUEST_EXITED, s->id, out.data, out.len);
		forget_session(g, s);
		if (rc < 0)
			return rc;
	}
	return 0;
}
