/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/path.h"
#include "sys/cgroup-folders.h"
#include "sys/cgroup-usage.h"
#include "sys/process-fd.h"

#define PROCS_MAX (16u << 20)
#define DEPTH_MAX 16
#define FREEZE_DEADLINE_MS 10000

/* What walk_processes() does with each process. */
struct visit {
	int signal;    /* to send; 0: none */
	int wait_ms;   /* then wait so long for the first one's end; 0: do not */
	size_t count;  /* processes seen */
	int first_err; /* of a signal that could not be sent */
	pid_t **list;  /* is told them; NULL: is not */
};

static void visit_process(pid_t pid, struct visit *v)
{
	if (v->list) {
		*v->list = xreallocarray(*v->list, v->count + 1, sizeof(pid_t));
		(*v->list)[v->count++] = pid;
		return;
	}
	auto_close int pidfd = pidfd_for(pid);
	if (pidfd < 0)
		return;
	v->count++;
	int r = v->signal ? pidfd_signal(pidfd, v->signal) : 0;
	if (r < 0 && r != -ESRCH && !v->first_err)
		v->first_err = r;
	if (v->wait_ms && pidfd_wait_end(pidfd, v->wait_ms) < 0)
		v->first_err = -ETIMEDOUT;
}

/* Visits every process of a folder and of the folders below it. */
static int walk_processes(int folder, struct visit *v, int depth)
{
	auto_strbuf text = STRBUF_INIT(PROCS_MAX);
	struct error err;
	int r = read_file_at(folder, "cgroup.procs", PROCS_MAX, &text, &err);
	if (r < 0)
		return r == -ENOENT || r == -ENODEV ? 0 : r;
	for (char *at = text.data; at && *at;) {
		char *end = NULL;
		long pid = strtol(at, &end, 10);
		if (end == at)
			break;
		if (pid > 0)
			visit_process((pid_t)pid, v);
		at = end + strspn(end, "\n");
	}
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return 0;
	for (struct dirent *e; depth < DEPTH_MAX && (e = readdir(dir));) {
		if (e->d_type != DT_DIR || !path_is_component(e->d_name))
			continue;
		auto_close int below =
			openat(fd, e->d_name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below >= 0)
			(void)walk_processes(below, v, depth + 1);
	}
	(void)closedir(dir);
	return 0;
}

/* The folder whose processes stand for the whole group. */
static int process_folder(const struct cgroup *cg)
{
	int folder = cgroup_folder(cg, CGROUP_PIDS);
	return folder >= 0 ? folder : cg->folders[0];
}

size_t cgroup_processes(const struct cgroup *cg, pid_t **ret)
{
	struct visit v = { .list = ret };

	*ret = NULL;
	(void)walk_processes(process_folder(cg), &v, 0);
	return v.count;
}

int cgroup_signal(struct cgroup *cg, int signal, struct error *err)
{
	struct visit v = { .signal = signal };
	int r = walk_processes(process_folder(cg), &v, 0);
	if (r == 0)
		r = v.first_err;
	return r < 0 ? error_set(err, r, "send a signal to cgroup '%s'", cg->path) : 0;
}

/* Asks for a thaw without waiting for it. */
static void thaw(struct cgroup *cg)
{
	int folder = cgroup_folder(cg, CGROUP_FREEZER);
	if (folder >= 0 && cg->unified)
		(void)write_text_at(folder, "cgroup.freeze", "0");
	else if (folder >= 0)
		(void)write_text_at(folder, "freezer.state", "THAWED");
}

/* Ends the processes of one of the group's folders. */
static int kill_in(struct cgroup *cg, int folder, int64_t end, struct error *err)
{
	for (;;) {
		/* A frozen process takes a signal only once it is thawed. */
		thaw(cg);
		struct visit v = { .signal = SIGKILL };
		int r = walk_processes(folder, &v, 0);
		if (r < 0)
			return error_set(err, r, "read the processes of cgroup '%s'", cg->path);
		if (v.count == 0)
			return 0;
		int64_t left = (end - clock_monotonic()) / NSEC_PER_MSEC;
		if (left <= 0)
			return error_set(err, ETIMEDOUT, "kill the processes of cgroup '%s'",
					 cg->path);
		struct visit wait = { .wait_ms = (int)left };
		(void)walk_processes(folder, &wait, 0);
	}
}

int cgroup_kill(struct cgroup *cg, int timeout_ms, struct error *err)
{
	if (cg->unified)
		(void)write_text_at(cg->folders[0], "cgroup.kill", "1");
	return kill_in(cg, process_folder(cg), clock_monotonic() + timeout_ms * NSEC_PER_MSEC, err);
}

int cgroup_clear(const struct cgroup_layout *layout, const char *path, int timeout_ms,
		 struct error *err)
{
	int64_t end = clock_monotonic() + timeout_ms * NSEC_PER_MSEC;
	auto_cgroup *cg = NULL;
	struct error why = {};

	int r = cgroup_open(layout, path, &cg, &why);
	if (r < 0) {
		if (err)
			*err = why;
		return r == -ENOENT ? 0 : r;
	}
	for (size_t i = 0; r == 0 && i < cg->folder_count; i++)
		r = kill_in(cg, cg->folders[i], end, err);
	return r < 0 ? r : cgroup_remove(cg, err);
}

/* True once the group's file says that it is in the state asked for. */
static bool freeze_done(struct cgroup *cg, int folder, bool freeze)
{
	auto_strbuf text = STRBUF_INIT(4096);
	struct error err;
	const char *name = cg->unified ? "cgroup.events" : "freezer.state";
	if (read_file_at(folder, name, 4096, &text, &err) < 0)
		return false;
	if (cg->unified)
		return strstr(strbuf_text(&text), freeze ? "frozen 1" : "frozen 0") != NULL;
	return strncmp(strbuf_text(&text), freeze ? "FROZEN" : "THAWED", 6) == 0;
}

int cgroup_freeze(struct cgroup *cg, bool freeze, struct error *err)
{
	int folder = cgroup_folder(cg, CGROUP_FREEZER);
	if (folder < 0)
		return error_say(err, EOPNOTSUPP, "this host has no freezer for cgroup '%s'",
				 cg->path);
	int64_t end = clock_monotonic() + FREEZE_DEADLINE_MS * NSEC_PER_MSEC;
	auto_close int events =
		cg->unified ? openat(folder, "cgroup.events", O_RDONLY | O_CLOEXEC) : -1;
	do {
		/* Version 1 goes on with a half-done freeze only when it is asked again. */
		int r = cg->unified
				? cgroup_write(cg, folder, "cgroup.freeze", freeze ? "1" : "0", err)
				: cgroup_write(cg, folder, "freezer.state",
					       freeze ? "FROZEN" : "THAWED", err);
		if (r < 0)
			return r;
		if (freeze_done(cg, folder, freeze))
			return 0;
		struct pollfd p = { .fd = events, .events = POLLPRI };
		(void)poll(&p, 1, 5);
	} while (clock_monotonic() < end);
	if (freeze)
		thaw(cg);
	return error_set(err, ETIMEDOUT, "%s cgroup '%s'", freeze ? "freeze" : "thaw", cg->path);
}
