/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/vm-process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "container/plan/plan.h"
#include "sys/cgroup.h"
#include "sys/process-fd.h"
#include "vm/jail.h"

/* Of cpu.shares: next to nothing, and the kernel's default. */
#define SPARE_SHARES 2
#define INSTANCE_SHARES 1024
#define KILL_TIMEOUT_MS 5000
#define MONITOR_TIMEOUT_MS 10000
#define FREEZE_TIMEOUT_MS 5000
#define STATE_SEND_BYTES (4 << 20)
#define EXPLAIN_MAX 200
#define ENDING_MS 500
#define SCHEDSTAT_MAX 128
/* Pieces of the console that are read in one go: a guest may print without end. */
#define CONSOLE_PIECES 16

static void note_event(const char *name, struct json_object *data, void *arg)
{
	struct vm_process *p = arg;
	const char *reason = NULL;
	if (strcmp(name, "SHUTDOWN") != 0)
		return;
	p->shut_down = true;
	if (data && json_get_string(data, "reason", &reason, NULL) == 0 && reason)
		p->reset = strcmp(reason, "guest-reset") == 0 || strcmp(reason, "guest-panic") == 0;
}

static int make_pair(int *ret_ours, int *ret_theirs, struct error *err)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set(err, errno, "make a socket pair");
	*ret_ours = pair[0];
	*ret_theirs = pair[1];
	return fd_set_nonblock(pair[0], true);
}

/* Ends that QEMU gets, at places that are fixed. */
struct inside_ends {
	int qmp, channel, console, state, state_ours;
};

static void inside_ends_done(struct inside_ends *e)
{
	close_p(&e->qmp);
	close_p(&e->channel);
	close_p(&e->console);
	close_p(&e->state);
	close_p(&e->state_ours);
}

static int make_ends(struct vm_process *p, struct inside_ends *ends, struct error *err)
{
	int rc = make_pair(&p->qmp_fd, &ends->qmp, err);
	if (rc == 0)
		rc = make_pair(&p->channel_fd, &ends->channel, err);
	if (rc == 0)
		rc = make_pair(&ends->state_ours, &ends->state, err);
	if (rc < 0)
		return rc;
	int pipe_ends[2];
	if (pipe2(pipe_ends, O_CLOEXEC) < 0)
		return error_set(err, errno, "make a pipe");
	p->console_fd = pipe_ends[0];
	ends->console = pipe_ends[1];
	return fd_set_nonblock(p->console_fd, true);
}

static int make_cgroup(struct vm_process *p, const struct machine *m, struct error *err)
{
	auto_cgroup_layout layout = CGROUP_LAYOUT_NONE;
	if (!m->cgroup || !*m->cgroup)
		return 0;
	int rc = cgroup_layout_probe(CGROUP_ROOT, &layout, err);
	if (rc == 0)
		rc = cgroup_make(&layout, m->cgroup, &p->cgroup, err);
	if (rc < 0)
		return rc;
	struct cgroup_limits limits = CGROUP_LIMITS_NONE;
	if (m->memory_max_bytes > 0)
		limits.memory_bytes = m->memory_max_bytes;
	limits.cpu_quota_us = m->cpu_quota_us;
	limits.cpu_period_us = m->cpu_period_us;
	limits.cpu_shares = m->cpu_shares;
	limits.blkio_weight = m->blkio_weight;
	limits.cpuset_cpus = m->cpuset_cpus;
	limits.cpuset_mems = m->cpuset_mems;
	if (m->is_spare)
		limits.cpu_shares = SPARE_SHARES;
	p->limits = limits;
	return cgroup_limit(p->cgroup, &limits, err);
}

static int start_jailed(struct vm_process *p, const struct machine *m,
			const struct inside_ends *ends, struct error *err)
{
	auto_free struct jail_fd *fds = xcalloc(m->fd_count + 4, sizeof(*fds));
	size_t count = 0;
	fds[count++] = (struct jail_fd){ ends->qmp, MACHINE_FD_QMP };
	fds[count++] = (struct jail_fd){ ends->channel, MACHINE_FD_CHANNEL };
	fds[count++] = (struct jail_fd){ ends->console, MACHINE_FD_CONSOLE };
	fds[count++] = (struct jail_fd){ ends->state, MACHINE_FD_STATE };
	for (uint32_t i = 0; i < m->fd_count; i++)
		fds[count++] =
			(struct jail_fd){ MACHINE_FD_FIRST + (int)i, MACHINE_FD_FIRST + (int)i };
	struct jail jail = {
		.program = m->qemu,
		.argv = m->argv.items,
		.uid = m->uid,
		.use_kvm = m->use_kvm,
		.cgroup = p->cgroup,
		.fds = fds,
		.fd_count = count,
		.log_fd = ends->console,
	};
	p->pid = jail_start(&jail, &p->pidfd, err);
	return p->pid < 0 ? p->pid : 0;
}

/* Gives a clone its template's device state; it runs as soon as it has taken that in. */
static int restore(struct vm_process *p, const struct machine *m, int state_fd, struct error *err)
{
	static const char capabilities[] =
		"{\"capabilities\":[{\"capability\":\"x-ignore-shared\",\"state\":true}]}";
	auto_free char *arguments = xasprintf("{\"uri\":\"fd:%d\"}", MACHINE_FD_STATE);
	int size = STATE_SEND_BYTES;
	(void)setsockopt(state_fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	int rc = write_full(state_fd, m->state.data, m->state.len);
	if (rc < 0)
		return error_set(err, rc, "give QEMU the template's state");
	rc = qmp_execute(p->qmp, "migrate-set-capabilities", capabilities, -1, MONITOR_TIMEOUT_MS,
			 NULL, err);
	if (rc == 0)
		rc = qmp_execute(p->qmp, "migrate-incoming", arguments, -1, MONITOR_TIMEOUT_MS,
				 NULL, err);
	return rc;
}

int vm_process_start(struct vm_process *p, const struct machine *m, struct error *err)
{
	auto_(inside_ends_done) struct inside_ends ends = { -1, -1, -1, -1, -1 };
	int rc = make_ends(p, &ends, err);
	if (rc == 0)
		rc = make_cgroup(p, m, err);
	if (rc == 0)
		rc = start_jailed(p, m, &ends, err);
	if (rc < 0)
		return rc;
	close_p(&ends.qmp);
	close_p(&ends.channel);
	close_p(&ends.console);
	close_p(&ends.state);
	ends.qmp = ends.channel = ends.console = ends.state = -1;

	p->qmp = qmp_new(p->qmp_fd, note_event, p);
	rc = qmp_negotiate(p->qmp, MONITOR_TIMEOUT_MS, err);
	if (rc == 0 && (rc = jail_verify(p->pid, m->uid, err)) < 0)
		return error_prefix(err, "%s is not locked in", m->qemu);
	if (rc == 0 && m->state.len > 0)
		rc = restore(p, m, ends.state_ours, err);
	/* The monitor's connection ends a moment before the process does. */
	if (rc < 0 && pidfd_wait_end(p->pidfd, ENDING_MS) == 0)
		vm_process_explain(p, err);
	return rc;
}

void vm_process_read_console(struct vm_process *p)
{
	char piece[1024];
	for (int i = 0; i < CONSOLE_PIECES; i++) {
		ssize_t n = read(p->console_fd, piece, sizeof(piece));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		size_t len = (size_t)n;
		if (p->console_len + len > VM_CONSOLE_KEPT) {
			size_t drop = p->console_len + len - VM_CONSOLE_KEPT;
			memmove(p->console, p->console + drop, p->console_len - drop);
			p->console_len -= drop;
		}
		memcpy(p->console + p->console_len, piece, len);
		p->console_len += len;
	}
}

/* The line of the console that tells most: of a panic, of the guest, of QEMU, else the last one. */
static void telling_line(const struct vm_process *p, char *ret, size_t size)
{
	static const char *const marks[] = { "Kernel panic", "berth-guest: ", "qemu" };
	const char *end = p->console + p->console_len, *found = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(marks) && !found; i++)
		found = memmem(p->console, p->console_len, marks[i], strlen(marks[i]));
	if (!found)
		found = p->console;
	size_t len = 0;
	while (found + len < end && found[len] != '\n' && found[len] != '\r' && len < size - 1)
		len++;
	for (size_t i = 0; i < len; i++)
		ret[i] = found[i] >= ' ' && found[i] < 127 ? found[i] : '?';
	ret[len] = '\0';
}

void vm_process_explain(struct vm_process *p, struct error *ret)
{
	char line[EXPLAIN_MAX];
	int code = 0, signal_number = 0;
	struct error ignored;
	if (p->qmp)
		(void)!qmp_pump(p->qmp, &ignored);
	vm_process_read_console(p);
	telling_line(p, line, sizeof(line));
	if (pidfd_reap(p->pidfd, &code, &signal_number) == 0)
		p->pid = 0;

	bool panicked = strncmp(line, "Kernel panic", 12) == 0;
	if (signal_number)
		error_say(ret, ECHILD, "QEMU was ended by signal %d", signal_number);
	else if (panicked)
		error_say(ret, ECHILD, "the guest's kernel panicked: %s", line);
	else if (p->reset)
		error_say(ret, ECHILD, "the guest reset itself%s%s", *line ? ": " : "", line);
	else if (p->shut_down)
		error_say(ret, ECHILD, "the guest switched itself off");
	else
		error_say(ret, ECHILD, "QEMU ended with status %d%s%s", code, *line ? ": " : "",
			  line);
}

/* The second number of schedstat, see sched-stats.rst of the kernel. */
static int64_t waited_ns(int task_dir, const char *thread)
{
	auto_free char *path = xasprintf("%s/schedstat", thread);
	auto_strbuf text = STRBUF_INIT(SCHEDSTAT_MAX);
	if (read_file_at(task_dir, path, SCHEDSTAT_MAX, &text, NULL) < 0)
		return 0;
	const char *second = strchr(strbuf_text(&text), ' ');
	return second ? strtoll(second, NULL, 10) : 0;
}

int64_t vm_process_starved(const struct vm_process *p)
{
	auto_free char *path = xasprintf("/proc/%d/task", (int)p->pid);
	int64_t sum_ns = 0;
	DIR *dir = opendir(path);
	if (!dir)
		return 0;
	for (struct dirent *e = readdir(dir); e; e = readdir(dir))
		if (e->d_name[0] != '.')
			sum_ns += waited_ns(dirfd(dir), e->d_name);
	(void)closedir(dir);
	return sum_ns;
}

int vm_process_freeze(struct vm_process *p, bool freeze, struct error *err)
{
	return qmp_execute(p->qmp, freeze ? "stop" : "cont", NULL, -1, FREEZE_TIMEOUT_MS, NULL,
			   err);
}

int vm_process_limit(struct vm_process *p, const struct plan_cgroup *from, struct error *err)
{
	const struct cgroup_limits limits = {
		.memory_bytes = CGROUP_LIMIT_NONE,
		.memory_swap_bytes = CGROUP_LIMIT_NONE,
		.memory_low_bytes = CGROUP_LIMIT_NONE,
		.pids = CGROUP_LIMIT_NONE,
		.cpu_quota_us = from->cpu_quota_us,
		.cpu_period_us = from->cpu_period_us,
		.cpu_shares = from->cpu_shares,
		.blkio_weight = from->blkio_weight,
		.cpuset_cpus = from->cpuset_cpus,
		.cpuset_mems = from->cpuset_mems,
	};
	return p->cgroup ? cgroup_limit(p->cgroup, &limits, err) : 0;
}

int vm_process_move(struct vm_process *p, const char *path, struct error *err)
{
	if (!p->cgroup)
		return 0;
	p->limits.cpu_shares = INSTANCE_SHARES;
	int rc = cgroup_rename(p->cgroup, path, err);
	if (rc == 0)
		return cgroup_limit(p->cgroup, &p->limits, err);
	if (rc != -EOPNOTSUPP)
		return rc;
	auto_cgroup_layout layout = CGROUP_LAYOUT_NONE;
	auto_cgroup *group = NULL;
	rc = cgroup_layout_probe(CGROUP_ROOT, &layout, err);
	if (rc == 0)
		rc = cgroup_make(&layout, path, &group, err);
	if (rc == 0)
		rc = cgroup_take(group, p->pid, err);
	if (rc == 0)
		rc = cgroup_limit(group, &p->limits, err);
	if (rc == 0)
		rc = cgroup_remove(p->cgroup, err);
	if (rc < 0)
		return rc;
	cgroup_free(p->cgroup);
	p->cgroup = take_ptr(group);
	return 0;
}

int vm_process_end(struct vm_process *p, struct error *err)
{
	int code, signal_number;
	if (p->pid > 0) {
		(void)pidfd_signal(p->pidfd, SIGKILL);
		int rc = pidfd_wait_end(p->pidfd, KILL_TIMEOUT_MS);
		if (rc < 0)
			return error_set(err, rc, "end QEMU");
		(void)pidfd_reap(p->pidfd, &code, &signal_number);
		p->pid = 0;
	}
	if (!p->cgroup)
		return 0;
	int rc = cgroup_remove(p->cgroup, err);
	cgroup_free(p->cgroup);
	p->cgroup = NULL;
	return rc;
}

void vm_process_done(struct vm_process *p)
{
	struct error ignored;
	(void)!vm_process_end(p, &ignored);
	qmp_free(p->qmp);
	p->qmp = NULL;
	close_p(&p->pidfd);
	close_p(&p->qmp_fd);
	close_p(&p->channel_fd);
	close_p(&p->console_fd);
	p->pidfd = p->qmp_fd = p->channel_fd = p->console_fd = -1;
}
