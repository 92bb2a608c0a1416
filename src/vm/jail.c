/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/strbuf.h"
#include "sys/capability-sets.h"
#include "sys/clone.h"
#include "sys/mounts.h"
#include "sys/signals.h"

#define NAMESPACES \
	(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)
/* Descriptors on their way to their place are kept above this. */
#define ABOVE_PLACES 64
#define STATUS_TIMEOUT_MS 10000
#define STATUS_MAX 16384

enum part_kind { PART_DIR, PART_FILE };

/* What is bound into the empty root; a link of the host stays a link. */
static const struct part {
	const char *path;
	enum part_kind kind;
	bool optional;
} parts[] = {
	{ "usr", PART_DIR, false },
	{ "lib", PART_DIR, true },
	{ "lib64", PART_DIR, true },
	{ "etc/ld.so.cache", PART_FILE, true },
};

static int bind_part(int root, const char *path, enum part_kind kind, uint64_t attrs,
		     struct error *err)
{
	char source[PATH_MAX];
	(void)snprintf(source, sizeof(source), "/%s", path);
	auto_close int mounted = mount_clone(AT_FDCWD, source, false, err);
	if (mounted < 0)
		return mounted;
	struct mount_change change = { .set = attrs };
	int rc = mount_change(mounted, &change, err);
	if (rc < 0)
		return rc;

	if (kind == PART_DIR && mkdirat(root, path, 0755) < 0)
		return error_set(err, errno, "make %s", source);
	auto_close int target = kind == PART_DIR
					? openat(root, path, O_PATH | O_CLOEXEC)
					: openat(root, path, O_CREAT | O_WRONLY | O_CLOEXEC, 0444);
	if (target < 0)
		return error_set(err, errno, "make %s", source);
	return mount_attach(mounted, target, err);
}

static int add_part(int root, const struct part *part, struct error *err)
{
	char path[PATH_MAX], link[PATH_MAX];
	struct stat st;
	(void)snprintf(path, sizeof(path), "/%s", part->path);
	if (lstat(path, &st) < 0)
		return part->optional && errno == ENOENT
			       ? 0
			       : error_set(err, errno, "look at %s", path);
	if (!S_ISLNK(st.st_mode))
		return bind_part(root, part->path, part->kind,
				 MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, err);

	ssize_t n = readlink(path, link, sizeof(link) - 1);
	if (n < 0)
		return error_set(err, errno, "read the link %s", path);
	link[n] = '\0';
	if (symlinkat(link, root, part->path) < 0)
		return error_set(err, errno, "make the link %s", path);
	return 0;
}

static int add_proc(int root, struct error *err)
{
	static const char *const options[] = { "subset=pid", "hidepid=2" };
	auto_close int proc =
		mount_new("proc", options, ARRAY_SIZE(options),
			  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, err);
	if (proc < 0)
		return proc;
	auto_close int target = openat(root, "proc", O_PATH | O_CLOEXEC);
	if (target < 0)
		return error_set(err, errno, "open /proc");
	return mount_attach(proc, target, err);
}

static int fill_root(int root, bool use_kvm, struct error *err)
{
	static const char *const dirs[] = { "etc", "proc", "dev" };
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (mkdirat(root, dirs[i], 0755) < 0)
			return error_set(err, errno, "make /%s", dirs[i]);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		int rc = add_part(root, &parts[i], err);
		if (rc < 0)
			return rc;
	}
	int rc = add_proc(root, err);
	if (rc == 0)
		rc = bind_part(root, "dev/null", PART_FILE, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
			       err);
	if (rc == 0 && use_kvm)
		rc = bind_part(root, "dev/kvm", PART_FILE, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
			       err);
	return rc;
}

static int enter_root(bool use_kvm, struct error *err)
{
	static const char *const options[] = { "size=64k", "nr_inodes=64", "mode=0755" };

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_set(err, errno, "make mounts private");
	auto_close int root = mount_new("tmpfs", options, ARRAY_SIZE(options),
					MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, err);
	auto_close int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || old < 0)
		return root < 0 ? root : error_set(err, errno, "open /");
	int rc = mount_attach(root, old, err);
	if (rc == 0)
		rc = fill_root(root, use_kvm, err);
	if (rc < 0)
		return rc;

	struct mount_change read_only = { .set = MOUNT_ATTR_RDONLY };
	rc = mount_change(root, &read_only, err);
	if (rc < 0)
		return rc;
	if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return error_set(err, errno, "enter the jail's root");
	return 0;
}

/* Puts the descriptors in their places; all others will close with execve(). */
static int place_fds(const struct jail *jail, struct error *err)
{
	int moved[16];
	if (syscall(SYS_close_range, 3u, ~0u, 1u << 2 /* CLOSE_RANGE_CLOEXEC */) < 0)
		return error_set(err, errno, "close descriptors");

	size_t count = 0;
	for (size_t i = 0; i < jail->fd_count; i++) {
		const struct jail_fd *fd = &jail->fds[i];
		if (fd->ours == fd->inside)
			continue;
		if (count == ARRAY_SIZE(moved))
			return error_say(err, E2BIG, "too many descriptors to move");
		moved[count] = fcntl(fd->ours, F_DUPFD_CLOEXEC, ABOVE_PLACES);
		if (moved[count] < 0)
			return error_set(err, errno, "move a descriptor");
		count++;
	}
	count = 0;
	for (size_t i = 0; i < jail->fd_count; i++) {
		const struct jail_fd *fd = &jail->fds[i];
		int rc = fd->ours == fd->inside ? fd_set_cloexec(fd->inside, false)
						: dup2(moved[count++], fd->inside);
		if (rc < 0)
			return error_set(err, errno, "place descriptor %d", fd->inside);
	}
	return 0;
}

static int place_standard_fds(int log_fd, struct error *err)
{
	auto_close int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd < 0)
		return error_set(err, errno, "open /dev/null");
	if (dup2(null_fd, 0) < 0 || dup2(null_fd, 1) < 0 ||
	    dup2(log_fd >= 0 ? log_fd : null_fd, 2) < 0)
		return error_set(err, errno, "place standard streams");
	return 0;
}

static int drop_rights(const struct jail *jail, struct error *err)
{
	static const struct {
		int resource;
		rlim_t max;
	} limits[] = { { RLIMIT_CORE, 0 },
		       { RLIMIT_NOFILE, 1024 },
		       { RLIMIT_NPROC, 256 },
		       { RLIMIT_MEMLOCK, 0 },
		       { RLIMIT_MSGQUEUE, 0 } };
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct rlimit now;
		if (getrlimit((__rlimit_resource_t)limits[i].resource, &now) < 0)
			return error_set(err, errno, "get a limit");
		rlim_t max = limits[i].max < now.rlim_max ? limits[i].max : now.rlim_max;
		struct rlimit limit = { max, max };
		if (setrlimit((__rlimit_resource_t)limits[i].resource, &limit) < 0)
			return error_set(err, errno, "set a limit");
	}

	int rc = capability_bound(0, err);
	if (rc < 0)
		return rc;
	if (setgroups(0, NULL) < 0 || setresgid(jail->uid, jail->uid, jail->uid) < 0 ||
	    setresuid(jail->uid, jail->uid, jail->uid) < 0)
		return error_set(err, errno, "become user %u", jail->uid);
	static const struct capability_sets none = { 0 };
	rc = capability_apply(&none, err);
	if (rc < 0)
		return rc;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_set(err, errno, "forbid new privileges");
	/* QEMU asks for huge pages where it translates, and would hold half of them for nothing. */
	if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) < 0)
		return error_set(err, errno, "do without huge pages");
	return 0;
}

static int prepare_child(const struct jail *jail, int status_fd, struct error *err)
{
	int rc = signals_reset(err);
	if (rc == 0 && jail->cgroup)
		rc = cgroup_enter(jail->cgroup, err);
	if (rc == 0)
		rc = place_standard_fds(jail->log_fd, err);
	if (rc == 0)
		rc = enter_root(jail->use_kvm, err);
	if (rc == 0)
		rc = place_fds(jail, err);
	if (rc == 0)
		rc = drop_rights(jail, err);
	if (rc < 0)
		return rc;

	/* Changing the user clears it, so it comes last; a caller that died before is seen here. */
	char still_there;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
	    recv(status_fd, &still_there, 1, MSG_DONTWAIT) == 0)
		return error_say(err, EPIPE, "the keeper is gone");
	return 0;
}

static _Noreturn void child(const struct jail *jail, int status_fd)
{
	static char *const no_env[] = { NULL };
	struct error err = { 0 };
	if (prepare_child(jail, status_fd, &err) == 0) {
		(void)execve(jail->program, jail->argv, no_env);
		error_set(&err, errno, "execute %s", jail->program);
	}
	(void)send(status_fd, &err, sizeof(err), MSG_NOSIGNAL);
	_exit(127);
}

pid_t jail_start(const struct jail *jail, int *ret_pidfd, struct error *err)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set(err, errno, "make a socket pair");
	auto_close int ours = pair[0];
	auto_close int theirs = fcntl(pair[1], F_DUPFD_CLOEXEC, ABOVE_PLACES);
	(void)close(pair[1]);
	if (theirs < 0)
		return error_set(err, errno, "make a socket pair");

	struct clone_request request = { .flags = NAMESPACES };
	auto_close int pidfd = -1;
	pid_t pid = clone_process(&request, &pidfd, err);
	if (pid < 0)
		return pid;
	if (pid == 0) {
		(void)close(ours);
		child(jail, theirs);
	}
	close_p(&theirs);
	theirs = -1;

	struct timeval timeout = { .tv_sec = STATUS_TIMEOUT_MS / 1000 };
	(void)setsockopt(ours, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	struct error told = { 0 };
	ssize_t n = recv(ours, &told, sizeof(told), 0);
	if (n == 0) {
		*ret_pidfd = take_fd(pidfd);
		return pid;
	}
	(void)kill(pid, SIGKILL);
	siginfo_t info;
	(void)waitid(P_PID, (id_t)pid, &info, WEXITED);
	told.text[sizeof(told.text) - 1] = '\0';
	return n == (ssize_t)sizeof(told) ? error_say(err, told.code, "jail: %s", told.text)
					  : error_say(err, ETIMEDOUT, "the jail did not start");
}

int jail_verify(pid_t pid, uint32_t uid, struct error *err)
{
	char path[64], user[80];
	(void)snprintf(user, sizeof(user), "\nUid:\t%u\t%u\t%u\t%u\n", uid, uid, uid, uid);
	/* Lines of /proc/PID/status, see proc_pid_status(5). */
	const struct {
		const char *line;
		const char *what;
	} wanted[] = {
		{ user, "without a user of its own" },
		{ "\nCapPrm:\t0000000000000000\n", "with capabilities" },
		{ "\nCapEff:\t0000000000000000\n", "with capabilities" },
		{ "\nCapBnd:\t0000000000000000\n", "with capabilities in reach" },
		{ "\nNoNewPrivs:\t1\n", "with a way to new privileges" },
		{ "\nSeccomp:\t2\n", "without a seccomp sandbox" },
	};

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	auto_strbuf status = STRBUF_INIT(STATUS_MAX);
	int rc = read_file_at(AT_FDCWD, path, STATUS_MAX, &status, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!strstr(strbuf_text(&status), wanted[i].line))
			return error_say(err, EPERM, "the program runs %s", wanted[i].what);
	return 0;
}
