/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor under every container start: a program that makes only the system calls needed.
 *
 *	bench-floor ROOTFS SCRATCH PROGRAM [ARGUMENT...]
 *
 * One user, mount, process, network, IPC, name and cgroup namespace, a control group in each
 *version 1 hierarchy (or one in version 2), an overlay over ROOTFS with its upper folder in
 *SCRATCH, proc, sysfs, a small /dev, pts, shm and mqueue, the default's masked and read-only paths,
 *eleven capabilities, no_new_privs, a trivial seccomp filter, then PROGRAM; wait; remove all of it.
 *No error handling beyond stopping: it is a ruler, not a runtime.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ID_BASE 1879048192U

static const char *const hierarchies[] = { "cpu",     "cpuacct", "cpuset", "memory",
					   "devices", "freezer", "blkio",  "pids" };

static void must(long r, const char *what)
{
	if (r >= 0)
		return;
	(void)fprintf(stderr, "bench-floor: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	must(fd, path);
	must(write(fd, text, strlen(text)), path);
	(void)close(fd);
}

#define GROUPS (sizeof(hierarchies) / sizeof(hierarchies[0]))

static size_t group_path(size_t i, char path[96])
{
	int v2 = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;

	(void)snprintf(path, 96, "/sys/fs/cgroup/%s/bench-floor-%d", v2 ? "" : hierarchies[i],
		       getpid());
	return v2 ? 1 : GROUPS;
}

/*
 * Makes the control groups and opens their doors: the child goes in by itself, since moving another
 * process into a version 1 group waits for a grace period of the kernel's.
 */
static size_t make_groups(int doors[GROUPS])
{
	char group[96];
	char path[128];
	size_t count = group_path(0, group);

	for (size_t i = 0; i < count; i++) {
		(void)group_path(i, group);
		must(mkdir(group, 0755), group);
		if (count > 1 && strcmp(hierarchies[i], "cpuset") == 0) {
			(void)snprintf(path, sizeof(path), "%s/cpuset.cpus", group);
			put(path, "0");
			(void)snprintf(path, sizeof(path), "%s/cpuset.mems", group);
			put(path, "0");
		}
		(void)snprintf(path, sizeof(path), "%s/cgroup.procs", group);
		doors[i] = open(path, O_WRONLY | O_CLOEXEC);
		must(doors[i], path);
	}
	return count;
}

static void remove_groups(size_t count)
{
	char group[96];

	for (size_t i = 0; i < count; i++) {
		(void)group_path(i, group);
		must(rmdir(group), group);
	}
}

static void device(const char *name)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "dev/%s", name);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	must(fd, path);
	(void)close(fd);
	char host[64];
	(void)snprintf(host, sizeof(host), "/dev/%s", name);
	must(mount(host, path, NULL, MS_BIND, NULL), path);
}

static void mounts(void)
{
	static const char *const masked_files[] = { "proc/kcore", "proc/keys", "proc/timer_list",
						    "proc/interrupts" };
	static const char *const masked_folders[] = { "proc/acpi", "proc/scsi", "sys/firmware" };
	static const char *const read_only[] = { "proc/bus", "proc/fs", "proc/irq", "proc/sys",
						 "proc/sysrq-trigger" };

	must(mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "proc");
	must(mount("sysfs", "sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL),
	     "sysfs");
	must(mount("tmpfs", "dev", "tmpfs", MS_NOSUID, "mode=755,size=65536k"), "dev");
	device("null");
	device("zero");
	device("full");
	device("random");
	device("urandom");
	device("tty");
	must(mkdir("dev/pts", 0755), "dev/pts");
	must(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		   "newinstance,ptmxmode=0666,mode=0620"),
	     "devpts");
	must(mkdir("dev/shm", 01777), "dev/shm");
	must(mount("shm", "dev/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		   "mode=1777,size=65536k"),
	     "shm");
	must(mkdir("dev/mqueue", 0755), "dev/mqueue");
	must(mount("mqueue", "dev/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL),
	     "mqueue");
	for (size_t i = 0; i < sizeof(masked_files) / sizeof(masked_files[0]); i++)
		if (mount("dev/null", masked_files[i], NULL, MS_BIND, NULL) < 0 && errno != ENOENT)
			must(-1, masked_files[i]);
	for (size_t i = 0; i < sizeof(masked_folders) / sizeof(masked_folders[0]); i++)
		if (mount("tmpfs", masked_folders[i], "tmpfs", MS_RDONLY, "size=0k") < 0 &&
		    errno != ENOENT)
			must(-1, masked_folders[i]);
	for (size_t i = 0; i < sizeof(read_only) / sizeof(read_only[0]); i++) {
		if (mount(read_only[i], read_only[i], NULL, MS_BIND, NULL) < 0 && errno == ENOENT)
			continue;
		must(mount(NULL, read_only[i], NULL,
			   MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
			   NULL),
		     read_only[i]);
	}
}

static void confine(void)
{
	static const uint64_t kept =
		1U << CAP_CHOWN | 1U << CAP_DAC_OVERRIDE | 1U << CAP_FOWNER | 1U << CAP_FSETID |
		1U << CAP_KILL | 1U << CAP_NET_BIND_SERVICE | 1ULL << CAP_SETFCAP |
		1U << CAP_SETGID | 1U << CAP_SETPCAP | 1U << CAP_SETUID | 1U << CAP_SYS_CHROOT;
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_kexec_load, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(filter) / sizeof(filter[0]), .filter = filter };

	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (!(kept >> cap & 1))
			(void)prctl(PR_CAPBSET_DROP, cap);
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
	must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), "seccomp");
}

static void child(char **argv, int go, const int *doors, size_t door_count)
{
	char c;

	for (size_t i = 0; i < door_count; i++)
		must(write(doors[i], "0", 1), "enter a control group");
	must(read(go, &c, 1), "wait for the maps");
	must(setresgid(0, 0, 0), "group");
	must(setresuid(0, 0, 0), "user");
	must(unshare(CLONE_NEWCGROUP), "cgroup namespace");
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private mounts");
	char options[4096];
	(void)snprintf(options, sizeof(options),
		       "lowerdir=%s,upperdir=%s/upper,workdir=%s/work,userxattr", argv[1], argv[2],
		       argv[2]);
	char root[1024];
	(void)snprintf(root, sizeof(root), "%s/root", argv[2]);
	must(mount("overlay", root, "overlay", 0, options), "overlay");
	must(chdir(root), "chdir");
	mounts();
	must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	must(umount2(".", MNT_DETACH), "leave the old root");
	must(chdir("/"), "chdir");
	must(sethostname("floor", 5), "hostname");
	confine();
	(void)execv(argv[3], argv + 3);
	must(-1, argv[3]);
}

static void folder(const char *base, const char *name, int remove)
{
	char path[2048];

	(void)snprintf(path, sizeof(path), "%s/%s", base, name);
	if (remove) {
		(void)rmdir(path);
		return;
	}
	must(mkdir(path, 0755), path);
	must(chown(path, ID_BASE, ID_BASE), path);
}

int main(int argc, char **argv)
{
	static const char *const folders[] = { "upper", "work", "root" };

	if (argc < 4)
		return 2;
	for (size_t i = 0; i < 3; i++)
		folder(argv[2], folders[i], 0);

	int doors[GROUPS];
	size_t groups = make_groups(doors);
	int go[2];
	must(pipe2(go, O_CLOEXEC), "pipe");
	struct clone_args args = {
		.flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
			 CLONE_NEWUTS,
		.exit_signal = SIGCHLD,
	};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	must(pid, "clone3");
	if (pid == 0)
		child(argv, go[0], doors, groups);

	char path[64];
	char map[64];
	(void)snprintf(map, sizeof(map), "0 %u 65536", ID_BASE);
	(void)snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	put(path, map);
	(void)snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	put(path, map);
	must(write(go[1], "", 1), "go");

	int status;
	must(waitpid(pid, &status, 0), "wait");
	remove_groups(groups);
	char work[1024];
	(void)snprintf(work, sizeof(work), "%s/work", argv[2]);
	folder(work, "work", 1);
	for (size_t i = 0; i < 3; i++)
		folder(argv[2], folders[i], 1);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
