/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "container/confine.h"
#include "container/init.h"
#include "container/launch-sync.h"
#include "container/program.h"
#include "container/user-lookup.h"
#include "container/view.h"
#include "sys/cgroup.h"
#include "sys/mounts.h"
#include "sys/pty.h"
#include "sys/root-switch.h"
#include "sys/rootfs.h"
#include "sys/signals.h"

#define CODE_ENGINE 125 /* what Docker says of a failure that is not the program's */

/*
 * Nobody looks into it, and it dies with the keeper. A change of ids takes both back: it makes the
 * process as dumpable as fs.suid_dumpable of the host says, and forgets the death signal.
 */
static int bind_to_keeper(struct error *err)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return error_set(err, errno, "prepare the process");
	return 0;
}

static int begin(struct error *err)
{
	int r = bind_to_keeper(err);
	if (r < 0)
		return r;
	(void)umask(0);
	/* What the keeper set for itself must not reach the program. */
	return signals_reset(err);
}

/* Becomes the container's root, so that what it makes belongs to that. */
static int become_root(struct error *err)
{
	if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return error_set(err, errno, "become root inside");
	return bind_to_keeper(err);
}

/* A session keyring of its own: the host's can not be reached from inside. */
static int leave_keyring(struct error *err)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS)
		return error_set(err, errno, "make a session keyring");
	return 0;
}

static int bring_loopback_up(struct error *err)
{
	struct ifreq request = { .ifr_flags = IFF_UP | IFF_RUNNING };
	memcpy(request.ifr_name, "lo", 3);
	auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		return error_set(err, errno, "bring up lo");
	return 0;
}

static int set_names(const struct plan *p, struct error *err)
{
	if (p->hostname && sethostname(p->hostname, strlen(p->hostname)) < 0)
		return error_set(err, errno, "set the host name");
	if (p->domainname && setdomainname(p->domainname, strlen(p->domainname)) < 0)
		return error_set(err, errno, "set the domain name");
	return 0;
}

/* Makes the terminal the process's own, and its standard streams. */
static int take_terminal(const struct launch *l, int ptmx_fd, int root_fd, bool console,
			 struct error *err)
{
	const struct plan_streams *s = &l->plan->streams;
	auto_close int peer = -1;
	int r = pty_open(ptmx_fd, &peer, err);
	if (r < 0)
		return r;
	if (s->rows && s->cols)
		(void)pty_resize(peer, (uint16_t)s->rows, (uint16_t)s->cols);
	if (ioctl(peer, TIOCSCTTY, 0) < 0)
		return error_set(err, errno, "take the terminal");
	if (console) {
		auto_close int copy = mount_clone(peer, "", false, err);
		auto_close int target =
			copy < 0 ? copy : rootfs_make_file(root_fd, "/dev/console", 0600, err);
		r = target < 0 ? target : mount_attach(copy, target, err);
		if (r < 0)
			return error_prefix(err, "mount /dev/console");
	}
	for (int i = 0; i < 3; i++) {
		if (dup2(peer, i) < 0)
			return error_set(err, errno, "take the terminal");
	}
	return sync_console(l->sync_fd, ptmx_fd, err);
}

static int take_streams(const struct launch *l, int null_fd, struct error *err)
{
	for (int i = 0; i < 3; i++) {
		int from = l->streams.fds[i] >= 0 ? l->streams.fds[i] : null_fd;
		if (from < 0)
			return error_say(err, ENODEV, "there is no /dev/null for stream %d", i);
		if (dup2(from, i) < 0)
			return error_set(err, errno, "take stream %d", i);
	}
	return 0;
}

/*
 * A terminal or pipe must be the user's, or /dev/stdout could not be opened again. Nothing else is
 * touched: a stream may be a device that others share.
 */
static int own_streams(const struct credentials *who, struct error *err)
{
	for (int i = 0; i < 3; i++) {
		struct stat st;
		if (fstat(i, &st) < 0)
			return error_set(err, errno, "look at stream %d", i);
		if (!S_ISFIFO(st.st_mode) && !isatty(i))
			continue;
		if (st.st_uid != who->uid && fchown(i, who->uid, (gid_t)-1) < 0 &&
		    errno != EINVAL && errno != EPERM)
			return error_set(err, errno, "give stream %d to the user", i);
	}
	return 0;
}

static int enter_folder(const struct plan *p, int root_fd, struct error *err)
{
	const char *cwd = p->cwd ? p->cwd : "/";
	auto_close int fd = p->cwd_create ? rootfs_make_dir(root_fd, cwd, 0755, err)
					  : rootfs_open(root_fd, cwd, O_PATH | O_DIRECTORY, err);
	if (fd < 0)
		return error_prefix(err, "working folder %s", cwd);
	if (fchdir(fd) < 0)
		return error_set(err, errno, "enter working folder %s", cwd);
	return 0;
}

/* From the finished view to the program: the same for a first process and for one that joins. */
static int run_program(struct launch *l, int root_fd, int *ret_exit_code, struct error *err)
{
	const struct plan *p = l->plan;
	static struct credentials who;
	int r = user_resolve_in(root_fd, &p->user, &who, err);
	if (r == 0)
		r = own_streams(&who, err);
	if (r == 0)
		r = leave_keyring(err);
	if (r == 0)
		r = confine(p, &who, err);
	if (r < 0)
		return r;
	launch_phase(l, CONTAINER_PHASE_CONFINED);
	r = sync_phases(l->sync_fd, l->phase_ns, err);
	if (r < 0)
		return r;
	if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		return error_set(err, errno, "close descriptors");
	if (p->init && p->root.type != PLAN_ROOT_NONE)
		return init_run(p, who.home, l->sync_fd, ret_exit_code, err);
	return program_execute(p, who.home, ret_exit_code, err);
}

static int build_view(struct launch *l, struct view *v, struct error *err)
{
	const struct plan *p = l->plan;
	auto_handed h = { 0 };
	int r = view_make(v, l, err);
	if (r == 0)
		r = set_names(p, err);
	if (r == 0 && p->loopback)
		r = bring_loopback_up(err);
	if (r == 0)
		r = view_write_sysctls(v, err);
	if (r < 0)
		return r;
	launch_phase(l, CONTAINER_PHASE_VIEW);
	r = sync_wait_mounts(l->sync_fd, &h, err);
	if (r < 0)
		return r;
	/* Only then is the group the root of the namespace. */
	r = cgroup_enter_by(h.fds + h.count - h.entries, h.entries, err);
	if (r < 0)
		return r;
	if (p->namespaces[PLAN_NS_CGROUP].mode == PLAN_NS_MODE_NEW && unshare(CLONE_NEWCGROUP) < 0)
		return error_set(err, errno, "make a cgroup namespace");
	r = view_enter(v, h.fds[0], err);
	return r < 0 ? r : view_place(v, &h, err);
}

static int first_process(struct launch *l, int *ret_exit_code, struct error *err)
{
	const struct plan *p = l->plan;
	struct view v = VIEW_NONE;
	int r = begin(err);
	if (r == 0 && l->user_ns)
		r = sync_wait_mapped(l->sync_fd, err);
	if (r == 0)
		r = become_root(err);
	if (r < 0)
		return r;
	(void)setsid();
	r = build_view(l, &v, err);
	if (r < 0)
		return r;
	if (p->streams.terminal) {
		int ptmx = openat(v.devpts_fd, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
		if (ptmx < 0)
			return error_set(err, errno, "open ptmx for the terminal");
		r = take_terminal(l, ptmx, v.root_fd, true, err);
	} else {
		r = take_streams(l, v.null_fd, err);
	}
	if (r == 0)
		r = enter_folder(p, v.root_fd, err);
	if (r == 0)
		r = view_seal(&v, err);
	if (r == 0 && v.files_fd >= 0)
		r = sync_left(l->sync_fd, v.files_fd, err);
	if (r < 0)
		return r;
	launch_phase(l, CONTAINER_PHASE_MOUNTED);
	return run_program(l, v.root_fd, ret_exit_code, err);
}

void launch_child(struct launch *l)
{
	struct error err = { 0 };
	int exit_code = CODE_ENGINE;
	(void)first_process(l, &exit_code, &err);
	sync_failed(l->sync_fd, exit_code, &err);
	_exit(exit_code);
}

/* The container's own null device, which must really be that. */
static int open_null(int root_fd, struct error *err)
{
	struct stat st;
	auto_close int fd = rootfs_open(root_fd, "/dev/null", O_PATH, err);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return error_say(err, ENODEV, "the container's /dev/null is not the null device");
	int null_fd = rootfs_open(root_fd, "/dev/null", O_RDWR | O_NOCTTY, err);
	if (null_fd >= 0 && (fstat(null_fd, &st) < 0 || st.st_rdev != makedev(1, 3))) {
		(void)close(null_fd);
		return error_say(err, ENODEV, "the container's /dev/null was exchanged");
	}
	return null_fd;
}

static int join_streams(const struct launch *l, int root_fd, struct error *err)
{
	if (l->plan->streams.terminal) {
		int ptmx = rootfs_open(root_fd, "/dev/pts/ptmx", O_RDWR | O_NOCTTY, err);
		return ptmx < 0 ? ptmx : take_terminal(l, ptmx, root_fd, false, err);
	}
	bool want_null = false;
	for (int i = 0; i < 3; i++)
		want_null = want_null || l->streams.fds[i] < 0;
	auto_close int null_fd = want_null ? open_null(root_fd, err) : -1;
	if (want_null && null_fd < 0)
		return null_fd;
	return take_streams(l, null_fd, err);
}

static int joining_process(struct launch *l, int init_pidfd, int namespaces, struct cgroup *cg,
			   int *ret_exit_code, struct error *err)
{
	int r = begin(err);
	if (r == 0 && cg)
		r = cgroup_enter(cg, err);
	/* Limits and score as the first process got them; only now is there a right to. */
	if (r == 0)
		r = launch_set_limits(l->plan, 0, err);
	if (r < 0)
		return r;
	if (namespaces && setns(init_pidfd, namespaces) < 0)
		return error_set(err, errno, "enter the container's namespaces");
	r = become_root(err);
	if (r < 0)
		return r;
	(void)setsid();
	auto_close int root_fd = root_open(err);
	if (root_fd < 0)
		return root_fd;
	r = join_streams(l, root_fd, err);
	if (r == 0)
		r = enter_folder(l->plan, root_fd, err);
	if (r < 0)
		return r;
	launch_phase(l, CONTAINER_PHASE_MOUNTED);
	return run_program(l, root_fd, ret_exit_code, err);
}

void launch_exec_child(struct launch *l, int init_pidfd, int namespaces, struct cgroup *cg)
{
	struct error err = { 0 };
	int exit_code = CODE_ENGINE;
	(void)joining_process(l, init_pidfd, namespaces, cg, &exit_code, &err);
	sync_failed(l->sync_fd, exit_code, &err);
	_exit(exit_code);
}
