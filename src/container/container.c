/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "container/container-inside.h"
#include "container/launch-sync.h"
#include "sys/clone.h"
#include "sys/process-fd.h"

#define END_DEADLINE_MS 10000

void container_process_done(struct container_process *p)
{
	close_p(&p->pidfd);
	close_p(&p->status_fd);
	close_p(&p->console_fd);
	close_p(&p->left_fd);
	*p = (struct container_process)CONTAINER_PROCESS_NONE;
}

/* Takes over the instants that the process itself measured; a later clone's are its own. */
static void take_phases(struct container_process *p, const int64_t *phase_ns)
{
	for (int i = CONTAINER_PHASE_VIEW; i < CONTAINER_PHASE_EXECUTED; i++)
		p->phase_ns[i] = phase_ns[i];
	/* Marks that the process has come to the point of execve(). */
	p->phase_ns[CONTAINER_PHASE_EXECUTED] = 1;
}

static int end_of_status(struct container_process *p, struct error *err)
{
	if (!p->phase_ns[CONTAINER_PHASE_EXECUTED])
		return error_say(err, ECHILD, "the new process ended before it ran the program");
	p->phase_ns[CONTAINER_PHASE_EXECUTED] = clock_monotonic();
	return 0;
}

int container_process_check(struct container_process *p, struct error *err)
{
	struct sync_message m = { 0 };
	int fd = -1;
	size_t count = 0;
	ssize_t n = fd_recv(p->status_fd, &m, sizeof(m), &fd, 1, &count);
	/* A process that ended with words unread: told once, before its own words. */
	if (n == -EAGAIN || n == -ECONNRESET)
		return CONTAINER_PROCESS_PENDING;
	if (n == 0)
		return end_of_status(p, err);
	if (n < 0)
		return error_set(err, (int)n, "hear from the new process");
	if (m.kind == SYNC_LEFT && count == 1) {
		close_p(&p->left_fd);
		p->left_fd = fd;
		return CONTAINER_PROCESS_PENDING;
	}
	if (m.kind == SYNC_CONSOLE && count == 1) {
		close_p(&p->console_fd);
		p->console_fd = fd;
		return CONTAINER_PROCESS_PENDING;
	}
	close_p(&fd);
	if (m.kind == SYNC_PHASES) {
		take_phases(p, m.phase_ns);
		return CONTAINER_PROCESS_PENDING;
	}
	if (m.kind != SYNC_FAILED)
		return error_say(err, EBADMSG, "the new process said something unknown");
	p->exit_code = m.exit_code;
	m.error.text[ERROR_TEXT - 1] = '\0';
	return error_say(err, m.error.code ? m.error.code : EIO, "%s", m.error.text);
}

/* The caller's next children are born in the container's pid namespace: one clone does it all. */
static int enter_pid_namespace(struct container *c, struct error *err)
{
	if (!(c->join & CLONE_NEWPID) || c->in_pid_ns)
		return 0;
	if (setns(c->init_pidfd, CLONE_NEWPID) < 0)
		return error_set(err, errno, "enter the container's pid namespace");
	c->in_pid_ns = true;
	return 0;
}

int container_leave(struct container *c, struct error *err)
{
	if (!c->in_pid_ns)
		return 0;
	auto_close int self = pidfd_for(getpid());
	if (self < 0 || setns(self, CLONE_NEWPID) < 0)
		return error_set(err, self < 0 ? self : errno,
				 "leave the container's pid namespace");
	c->in_pid_ns = false;
	return 0;
}

const struct cgroup *container_group(const struct container *c)
{
	return c->cg;
}

int container_pidfd(const struct container *c)
{
	return c->init_pidfd;
}

int container_exec(struct container *c, const struct plan *plan,
		   const struct container_streams *streams, struct container_process *process,
		   struct error *err)
{
	struct launch l = { .plan = plan, .streams = *streams, .sync_fd = -1 };
	auto_container_process p = CONTAINER_PROCESS_NONE;
	auto_close int child_fd = -1;
	int pair[2];
	*process = (struct container_process)CONTAINER_PROCESS_NONE;
	if (plan->root.type != PLAN_ROOT_NONE || plan->own_work)
		return error_say(err, EINVAL, "a process that joins a container brings no root");
	if (pidfd_ended(c->init_pidfd))
		return error_say(err, ESRCH, "the container's first process has ended");
	int r = enter_pid_namespace(c, err);
	if (r == 0)
		r = sync_pair(pair, err);
	if (r < 0)
		return r;
	p.status_fd = pair[0];
	child_fd = pair[1];
	(void)fd_set_nonblock(p.status_fd, true);

	bool born_in_group = c->cg && cgroup_is_unified(c->cg);
	struct clone_request request = { .cgroup_fd = born_in_group ? cgroup_clone_fd(c->cg) : -1 };
	p.pid = clone_process(&request, &p.pidfd, err);
	if (p.pid == 0) {
		close_p(&p.status_fd); /* as in a start */
		l.sync_fd = child_fd;
		launch_exec_child(&l, c->init_pidfd, c->join & ~CLONE_NEWPID,
				  born_in_group ? NULL : c->cg);
	}
	if (p.pid < 0)
		return p.pid;
	p.phase_ns[CONTAINER_PHASE_CLONED] = clock_monotonic();
	*process = p;
	p = (struct container_process)CONTAINER_PROCESS_NONE;
	return 0;
}

int container_signal_all(struct container *c, int signal, struct error *err)
{
	if (!c->cg)
		return error_say(err, EOPNOTSUPP, "the container has no cgroup of its own");
	return cgroup_signal(c->cg, signal, err);
}

int container_freeze(struct container *c, bool freeze, struct error *err)
{
	if (!c->cg)
		return error_say(err, EOPNOTSUPP, "the container has no cgroup of its own");
	return cgroup_freeze(c->cg, freeze, err);
}

uint64_t container_oom_kills(struct container *c)
{
	return c->cg ? cgroup_oom_kills(c->cg) : 0;
}

int container_end(struct container *c, struct error *err)
{
	struct error ignored;
	if (!c->cg)
		return 0;
	/* As a rule nothing is left, and the folders go at once. */
	if (cgroup_remove(c->cg, &ignored) == 0)
		return 0;
	int r = cgroup_kill(c->cg, END_DEADLINE_MS, err);
	return r < 0 ? r : cgroup_remove(c->cg, err);
}

void container_tidy(struct container *c)
{
	handed_done(&c->left);
}

void container_free(struct container *c)
{
	if (!c)
		return;
	container_tidy(c);
	close_p(&c->init_pidfd);
	cgroup_free(c->cg);
	free(c);
}
