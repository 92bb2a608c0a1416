/* SPDX-License-Identifier: Apache-2.0 */
#include "container/launch.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "container/container-inside.h"
#include "container/launch-sync.h"
#include "sys/clone.h"
#include "sys/device-filter.h"
#include "sys/namespaces.h"
#include "sys/process-fd.h"

static const int namespaces[PLAN_NS_COUNT] = {
	[PLAN_NS_USER] = CLONE_NEWUSER,     [PLAN_NS_MOUNT] = CLONE_NEWNS,
	[PLAN_NS_PID] = CLONE_NEWPID,       [PLAN_NS_NET] = CLONE_NEWNET,
	[PLAN_NS_IPC] = CLONE_NEWIPC,       [PLAN_NS_UTS] = CLONE_NEWUTS,
	[PLAN_NS_CGROUP] = CLONE_NEWCGROUP,
};

static int namespace_flags(const struct plan *p, enum plan_namespace_mode mode)
{
	int flags = 0;
	for (int i = 0; i < PLAN_NS_COUNT; i++) {
		if (p->namespaces[i].mode == mode)
			flags |= namespaces[i];
	}
	return flags;
}

/*
 * A process is born in its caller's namespaces. To be born in given ones, the caller goes there for
 * the moment of the clone: a process that already lost its rights over them could not join.
 */
struct visit {
	int own[PLAN_NS_COUNT]; /* the caller's, to come back; -1 where it did not leave */
};

static int visit_begin(struct visit *v, const struct plan *p, const int *fds, struct error *err)
{
	for (int i = 0; i < PLAN_NS_COUNT; i++)
		v->own[i] = -1;
	for (int i = 0; i < PLAN_NS_COUNT; i++) {
		if (p->namespaces[i].mode != PLAN_NS_MODE_FD)
			continue;
		v->own[i] = namespace_own(namespaces[i], err);
		if (v->own[i] < 0)
			return v->own[i];
		int r = namespace_join(fds[p->namespaces[i].fd], namespaces[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int visit_end(struct visit *v, struct error *err)
{
	int r = 0;
	for (int i = 0; i < PLAN_NS_COUNT; i++) {
		if (v->own[i] >= 0 && r == 0)
			r = namespace_join(v->own[i], namespaces[i], err);
		close_p(&v->own[i]);
	}
	return r;
}

static int raise_rlimits(const struct plan *p, pid_t pid, struct error *err)
{
	for (uint32_t i = 0; i < p->rlimits.count; i++) {
		const struct plan_rlimit *want = &p->rlimits.items[i];
		struct rlimit have;
		if (prlimit(pid, want->resource, NULL, &have) < 0)
			return error_set(err, errno, "read resource limit %u", want->resource);
		if (want->hard <= have.rlim_max)
			continue;
		have.rlim_max = want->hard;
		if (prlimit(pid, want->resource, &have, NULL) < 0 && want->required)
			return error_set(err, errno, "raise resource limit %u to %llu",
					 want->resource, (unsigned long long)want->hard);
	}
	return 0;
}

static int set_oom_score(const struct plan *p, pid_t pid, struct error *err)
{
	char path[64], text[16];
	if (!p->oom_score_adj_set)
		return 0;
	if (pid)
		(void)snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)pid);
	else
		(void)snprintf(path, sizeof(path), "/proc/self/oom_score_adj");
	(void)snprintf(text, sizeof(text), "%d", p->oom_score_adj);
	int r = write_text_at(AT_FDCWD, path, text);
	return r < 0 ? error_set(err, r, "set oom_score_adj to %s", text) : 0;
}

int launch_set_limits(const struct plan *plan, pid_t pid, struct error *err)
{
	int r = raise_rlimits(plan, pid, err);
	return r < 0 ? r : set_oom_score(plan, pid, err);
}

static void copy_limits(const struct plan_cgroup *from, struct cgroup_limits *to)
{
	static_assert(PLAN_LIMIT_NONE == CGROUP_LIMIT_NONE, "limits are given as they are");
	static_assert(PLAN_LIMIT_MAX == CGROUP_LIMIT_MAX, "limits are given as they are");
	*to = (struct cgroup_limits){
		.memory_bytes = from->memory_bytes,
		.memory_swap_bytes = from->memory_swap_bytes,
		.memory_low_bytes = from->memory_low_bytes,
		.cpu_quota_us = from->cpu_quota_us,
		.cpu_period_us = from->cpu_period_us,
		.cpu_shares = from->cpu_shares,
		.pids = from->pids,
		.blkio_weight = from->blkio_weight,
		.memory_swappiness = from->memory_swappiness,
		.cpuset_cpus = from->cpuset_cpus,
		.cpuset_mems = from->cpuset_mems,
		.oom_kill_disable = from->oom_kill_disable,
	};
}

static int filter_devices(const struct plan_cgroup *g, struct cgroup *cg, struct error *err)
{
	if (!g->filter_devices)
		return 0;
	auto_free struct device_rule *rules = xcalloc(g->devices.count + 1, sizeof(*rules));
	static_assert((int)PLAN_DEVICE_ALL == (int)DEVICE_ACCESS_ALL &&
			      PLAN_DEVICE_ANY == DEVICE_ANY,
		      "rules are given as they are");
	for (uint32_t i = 0; i < g->devices.count; i++) {
		const struct plan_device_rule *r = &g->devices.items[i];
		rules[i] = (struct device_rule){ r->allow, r->type, r->major, r->minor, r->access };
	}
	return cgroup_filter_devices(cg, rules, g->devices.count, err);
}

static int make_group(struct container *c, const struct plan *p, struct error *err)
{
	const struct plan_cgroup *g = &p->cgroup;
	auto_cgroup_layout layout = CGROUP_LAYOUT_NONE;
	struct cgroup_limits limits;
	if (!g->path)
		return 0;
	int r = cgroup_layout_probe(CGROUP_ROOT, &layout, err);
	if (r == 0)
		r = cgroup_make(&layout, g->path, &c->cg, err);
	if (r < 0)
		return r;
	copy_limits(g, &limits);
	r = cgroup_limit(c->cg, &limits, err);
	return r < 0 ? r : filter_devices(g, c->cg, err);
}

int container_update(struct container *c, const struct plan *plan, struct error *err)
{
	struct cgroup_limits limits;
	if (!c->cg)
		return error_say(err, EOPNOTSUPP, "the container has no cgroup of its own");
	copy_limits(&plan->cgroup, &limits);
	return cgroup_limit(c->cg, &limits, err);
}

static int write_maps(struct launch *l, pid_t pid, struct error *err)
{
	const struct plan *p = l->plan;
	if (!l->user_ns)
		return 0;
	int r = user_namespace_map(pid, p->uid_maps.items, p->uid_maps.count, p->gid_maps.items,
				   p->gid_maps.count, err);
	if (r == 0)
		r = sync_mapped(l->sync_fd, err);
	launch_phase(l, CONTAINER_PHASE_MAPPED);
	return r;
}

static int hand_entries(const struct cgroup *cg, struct handed *h, struct error *err)
{
	int entries[CGROUP_CONTROLLER_COUNT];
	int count = cgroup_open_entries(cg, entries, err);
	for (int i = 0; i < count; i++)
		handed_add_take(h, entries[i]);
	h->entries = count < 0 ? 0 : (uint32_t)count;
	return count < 0 ? count : 0;
}

/* Everything that the caller does between the clone and the word to go on. */
static int serve_child(struct launch *l, struct container *c, pid_t pid, struct error *err)
{
	const struct plan *p = l->plan;
	auto_handed h = { 0 };
	auto_close int userns_fd = -1;
	int r = write_maps(l, pid, err);
	if (r == 0 && !c->cg)
		r = make_group(c, p, err);
	if (r < 0)
		return r;
	launch_phase(l, CONTAINER_PHASE_CGROUP);
	if (l->user_ns) {
		userns_fd = namespace_of(pid, CLONE_NEWUSER, err);
		if (userns_fd < 0)
			return userns_fd;
	}
	r = launch_set_limits(p, pid, err);
	if (r == 0)
		r = launch_make_root(l, userns_fd, c->cg, &h, err);
	if (r == 0 && c->cg && !cgroup_is_unified(c->cg))
		r = hand_entries(c->cg, &h, err);
	if (r == 0)
		r = sync_hand_over(l->sync_fd, &h, err);
	launch_phase(l, CONTAINER_PHASE_ROOT);
	return r;
}

/* Version 2 lets a process be born in its group, so that has to be there before. */
static int make_group_before(struct container *c, const struct plan *p, struct error *err)
{
	return cgroup_host_is_unified() ? make_group(c, p, err) : 0;
}

static int clone_first(struct launch *l, struct container *c, int child_fd,
		       struct container_process *process, struct error *err)
{
	const struct plan *p = l->plan;
	struct clone_request request = {
		.flags = (uint64_t)(namespace_flags(p, PLAN_NS_MODE_NEW) & ~CLONE_NEWCGROUP),
		.cgroup_fd = c->cg ? cgroup_clone_fd(c->cg) : -1,
	};
	struct visit v;
	struct error back = { 0 };
	int r = visit_begin(&v, p, l->fds, err);
	pid_t pid = r < 0 ? r : clone_process(&request, &process->pidfd, err);
	if (pid == 0) {
		/* with a copy of the keeper's end it would not see the keeper go */
		close_p(&process->status_fd);
		l->sync_fd = child_fd;
		launch_child(l);
	}
	if (visit_end(&v, &back) < 0 && pid > 0)
		return error_say(err, back.code, "%s", back.text);
	if (pid < 0)
		return pid;
	process->pid = pid;
	launch_phase(l, CONTAINER_PHASE_CLONED);
	return 0;
}

/*
 * Serving a process that has failed meanwhile fails as well, in any of its steps: what the process
 * itself said is the reason then. Return: the code of what @err holds.
 */
static int prefer_child(struct container_process *process, struct error *err)
{
	enum { WORDS_MAX = 8 };
	struct error said = { 0 };
	int r = CONTAINER_PROCESS_PENDING;
	(void)fd_set_nonblock(process->status_fd, true);
	for (int i = 0; i < WORDS_MAX && r == CONTAINER_PROCESS_PENDING; i++)
		r = container_process_check(process, &said);
	if (r < 0 && r != -ECHILD)
		(void)error_say(err, r, "%s", said.text);
	return err->code;
}

static int start(struct launch *l, struct container *c, struct container_process *process,
		 struct error *err)
{
	auto_close int child_fd = -1;
	int pair[2];
	int r = make_group_before(c, l->plan, err);
	if (r == 0)
		r = sync_pair(pair, err);
	if (r < 0)
		return r;
	child_fd = pair[1];
	l->sync_fd = process->status_fd = pair[0];
	r = clone_first(l, c, child_fd, process, err);
	if (r < 0)
		return r;
	close_p(&child_fd);
	r = serve_child(l, c, process->pid, err);
	memcpy(process->phase_ns, l->phase_ns, sizeof(l->phase_ns));
	if (r < 0)
		return prefer_child(process, err);
	do {
		r = container_process_check(process, err);
	} while (r == CONTAINER_PROCESS_PENDING);
	close_p(&process->status_fd);
	return r;
}

/* Ends what a failed start left. */
static void undo_start(struct container *c, struct container_process *process)
{
	struct error ignored;
	if (process->pidfd >= 0) {
		(void)pidfd_signal(process->pidfd, SIGKILL);
		siginfo_t info;
		while (waitid(P_PIDFD, (id_t)process->pidfd, &info, WEXITED) < 0 && errno == EINTR)
			;
		close_p(&process->pidfd);
	}
	int r = container_end(c, &ignored);
	(void)r; /* the start's own failure is the one to tell */
}

int container_start(const struct plan *plan, const int *fds,
		    const struct container_streams *streams, struct container_process *process,
		    struct container **ret, struct error *err)
{
	auto_container *c = xnew(struct container);
	struct launch l = {
		.plan = plan,
		.fds = fds,
		.streams = *streams,
		.sync_fd = -1,
		.left = &c->left,
		.user_ns = plan->namespaces[PLAN_NS_USER].mode == PLAN_NS_MODE_NEW,
	};
	*process = (struct container_process)CONTAINER_PROCESS_NONE;
	c->init_pidfd = -1;
	if (plan->root.type == PLAN_ROOT_NONE ||
	    plan->namespaces[PLAN_NS_MOUNT].mode != PLAN_NS_MODE_NEW)
		return error_say(err, EINVAL,
				 "a container needs a root and a mount namespace of its own");
	int r = start(&l, c, process, err);
	if (r < 0) {
		undo_start(c, process);
		return r;
	}
	if (process->left_fd >= 0)
		handed_add_take(&c->left, take_fd(process->left_fd));
	c->init_pidfd = fcntl(process->pidfd, F_DUPFD_CLOEXEC, 3);
	c->join = namespace_flags(plan, PLAN_NS_MODE_NEW) | namespace_flags(plan, PLAN_NS_MODE_FD);
	*ret = take_ptr(c);
	return 0;
}
