/* SPDX-License-Identifier: Apache-2.0 */
#include "container/seccomp/seccomp.h"

#include <errno.h>
#include <seccomp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/array.h"
#include "container/config/capabilities.h"

/*
 * What every program may call. The base is what Docker's default profile lets through, without
 * those whose arguments are looked at below. A name that the machine's architecture does not have
 * costs nothing.
 */
static const char allowed[] =
	/* files */
	"access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3 "
	"faccessat faccessat2 fadvise64 fadvise64_64 fallocate fchdir fchmod fchmodat fchmodat2 "
	"fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fremovexattr "
	"fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futimesat "
	"getcwd getdents getdents64 getxattr getxattrat lchown lchown32 lgetxattr link linkat "
	"listxattr listxattrat llistxattr _llseek lremovexattr lseek lsetxattr lstat lstat64 mkdir "
	"mkdirat mknod mknodat name_to_handle_at newfstatat open openat openat2 pread64 preadv "
	"preadv2 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv removexattr "
	"removexattrat rename renameat renameat2 rmdir sendfile sendfile64 setxattr setxattrat "
	"splice stat stat64 statfs statfs64 statx symlink symlinkat sync sync_file_range "
	"sync_file_range2 arm_sync_file_range arm_fadvise64_64 syncfs tee truncate truncate64 "
	"umask unlink unlinkat utime utimensat utimensat_time64 utimes vmsplice write writev "
	"cachestat fanotify_mark inotify_add_watch inotify_init inotify_init1 inotify_rm_watch "
	"landlock_add_rule landlock_create_ruleset landlock_restrict_self "
	/* waiting, pipes, asynchronous I/O */
	"epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait "
	"epoll_wait_old eventfd eventfd2 io_cancel io_destroy io_getevents io_pgetevents "
	"io_pgetevents_time64 io_setup io_submit ioprio_get ioprio_set pause pipe pipe2 poll ppoll "
	"ppoll_time64 pselect6 pselect6_time64 select _newselect signalfd signalfd4 "
	/* memory */
	"brk madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2 "
	"mlockall mmap mmap2 mprotect mremap mseal msync munlock munlockall munmap pkey_alloc "
	"pkey_free pkey_mprotect process_mrelease remap_file_pages "
	/* processes and threads */
	"capget capset execve execveat exit exit_group fork futex futex_requeue futex_time64 "
	"futex_wait futex_waitv futex_wake get_robust_list get_thread_area getcpu getegid "
	"getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getpgid getpgrp getpid "
	"getppid getpriority getresgid getresgid32 getresuid getresuid32 getrlimit getrusage "
	"getsid gettid getuid getuid32 kill pidfd_open pidfd_send_signal prctl prlimit64 "
	"restart_syscall rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo "
	"rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo "
	"sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr "
	"sched_getparam sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 "
	"sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp "
	"set_robust_list set_thread_area set_tid_address setfsgid setfsgid32 setfsuid setfsuid32 "
	"setgid setgid32 setgroups setgroups32 setpgid setpriority setregid setregid32 setresgid "
	"setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit setsid setuid setuid32 "
	"sigaltstack sigprocmask sigreturn sysinfo tgkill tkill ugetrlimit uname vfork wait4 "
	"waitid waitpid arch_prctl modify_ldt breakpoint cacheflush set_tls riscv_flush_icache "
	"getrandom "
	/* time */
	"adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 "
	"clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 getitimer "
	"gettimeofday nanosleep setitimer time timer_create timer_delete timer_getoverrun "
	"timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create "
	"timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times "
	/* System V and POSIX communication */
	"ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend "
	"mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop semtimedop "
	"semtimedop_time64 shmat shmctl shmdt shmget "
	/* sockets that exist already */
	"accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom "
	"recvmmsg recvmmsg_time64 recvmsg send sendmmsg sendmsg sendto setsockopt shutdown "
	/* of a process of the same user: the kernel's own check decides */
	"ptrace process_vm_readv process_vm_writev";

/* What comes with a capability. */
static const struct {
	uint64_t capability;
	const char *names;
} with_capability[] = {
	{ CAPABILITY_BIT(2), "open_by_handle_at" },                       /* DAC_READ_SEARCH */
	{ CAPABILITY_BIT(16), "delete_module init_module finit_module" }, /* SYS_MODULE */
	{ CAPABILITY_BIT(17), "iopl ioperm" },                            /* SYS_RAWIO */
	{ CAPABILITY_BIT(18), "chroot" },                                 /* SYS_CHROOT */
	{ CAPABILITY_BIT(19), "kcmp pidfd_getfd process_madvise" },       /* SYS_PTRACE */
	{ CAPABILITY_BIT(20), "acct" },                                   /* SYS_PACCT */
	{ CAPABILITY_BIT(21),                                             /* SYS_ADMIN */
	  "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount "
	  "mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname "
	  "sethostname setns syslog umount umount2 unshare" },
	{ CAPABILITY_BIT(22), "reboot" }, /* SYS_BOOT */
	{ CAPABILITY_BIT(23), "get_mempolicy mbind set_mempolicy set_mempolicy_home_node" },
	{ CAPABILITY_BIT(25), "settimeofday stime clock_settime clock_settime64" }, /* SYS_TIME */
	{ CAPABILITY_BIT(26), "vhangup" },         /* SYS_TTY_CONFIG */
	{ CAPABILITY_BIT(34), "syslog" },          /* SYSLOG */
	{ CAPABILITY_BIT(38), "perf_event_open" }, /* PERFMON */
	{ CAPABILITY_BIT(39), "bpf" },             /* BPF */
};

/*
 * Known and refused, whatever the capabilities: programs expect EPERM of these, as of a user without
 * privileges. Those above that lack their capability are refused in the same way.
 */
static const char denied[] =
	"add_key request_key keyctl io_uring_setup io_uring_enter io_uring_register userfaultfd "
	"kexec_load kexec_file_load swapon swapoff pivot_root create_module query_module "
	"get_kernel_syms nfsservctl uselib ustat sysfs _sysctl vm86 vm86old move_pages "
	"migrate_pages vserver afs_syscall tuxcall security getpmsg putpmsg";

static struct runtime_seccomp_rule *add_rule(struct runtime_seccomp *profile, const char *names,
					     uint32_t action, int errnum)
{
	struct runtime_seccomp_rule *rule = array_add(profile->rules, profile->rule_count);

	strv_split(&rule->names, names, ' ');
	rule->action = action;
	if (errnum)
		rule->errno_ret = (struct optional_uint){ true, (uint64_t)errnum };
	return rule;
}

static void allow(struct runtime_seccomp *profile, const char *names)
{
	(void)add_rule(profile, names, SCMP_ACT_ALLOW, 0);
}

static void refuse(struct runtime_seccomp *profile, const char *names, int errnum)
{
	(void)add_rule(profile, names, SCMP_ACT_ERRNO(0), errnum);
}

static void when(struct runtime_seccomp_rule *rule, uint32_t index, int op, uint64_t value,
		 uint64_t value_two)
{
	*array_add(rule->args, rule->arg_count) = (struct runtime_seccomp_arg){
		.index = index, .value = value, .value_two = value_two, .op = op
	};
}

static void when_is(struct runtime_seccomp_rule *rule, uint32_t index, uint64_t value)
{
	when(rule, index, SCMP_CMP_EQ, value, 0);
}

/* ---- what is decided by an argument ------------------------------------------------------ */

static void add_netlink(struct runtime_seccomp *profile, uint64_t capabilities)
{
	static const struct {
		uint64_t protocol;
		uint64_t capability; /* 0: for all */
	} protocols[] = {
		{ 0, 0 },                   /* NETLINK_ROUTE */
		{ 4, 0 },                   /* NETLINK_SOCK_DIAG */
		{ 7, 0 },                   /* NETLINK_SELINUX */
		{ 15, 0 },                  /* NETLINK_KOBJECT_UEVENT */
		{ 16, 0 },                  /* NETLINK_GENERIC */
		{ 6, CAPABILITY_BIT(12) },  /* NETLINK_XFRM: NET_ADMIN */
		{ 12, CAPABILITY_BIT(12) }, /* NETLINK_NETFILTER: NET_ADMIN */
		{ 9, CAPABILITY_BIT(29) },  /* NETLINK_AUDIT: AUDIT_WRITE */
	};

	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		if ((capabilities & protocols[i].capability) != protocols[i].capability)
			continue;
		struct runtime_seccomp_rule *rule = add_rule(profile, "socket", SCMP_ACT_ALLOW, 0);
		when_is(rule, 0, AF_NETLINK);
		when_is(rule, 2, protocols[i].protocol);
	}
	/* what a kernel without that protocol says, which programs can live with */
	when_is(add_rule(profile, "socket", SCMP_ACT_ERRNO(0), EPROTONOSUPPORT), 0, AF_NETLINK);
}

static void add_sockets(struct runtime_seccomp *profile, uint64_t capabilities)
{
	static const uint64_t families[] = { AF_UNIX, AF_INET, AF_INET6 };

	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		when_is(add_rule(profile, "socket socketpair", SCMP_ACT_ALLOW, 0), 0, families[i]);
	if (capabilities & CAPABILITY_BIT(13)) /* NET_RAW */
		when_is(add_rule(profile, "socket", SCMP_ACT_ALLOW, 0), 0, AF_PACKET);
	add_netlink(profile, capabilities);
	refuse(profile, "socket socketpair", EAFNOSUPPORT);
	/* hides the family behind a pointer; what needs it can call socket() since Linux 4.3 */
	refuse(profile, "socketcall", ENOSYS);
}

static void add_clone(struct runtime_seccomp *profile)
{
	/* CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET */
	static const uint64_t namespaces = 0x7e020000;
#ifdef __s390x__
	static const uint32_t flags_at = 1;
#else
	static const uint32_t flags_at = 0;
#endif

	when(add_rule(profile, "clone", SCMP_ACT_ALLOW, 0), flags_at, SCMP_CMP_MASKED_EQ,
	     namespaces, 0);
	/* its flags lie in memory; with this answer the C library takes clone instead */
	refuse(profile, "clone3", ENOSYS);
}

static void add_personality(struct runtime_seccomp *profile)
{
	/* Linux, with 32-bit addresses, with UNAME26, with both; and the question which it is */
	static const uint64_t values[] = { 0x0, 0x8, 0x20000, 0x20008, 0xffffffff };

	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		when_is(add_rule(profile, "personality", SCMP_ACT_ALLOW, 0), 0, values[i]);
	refuse(profile, "personality", EPERM);
}

static void add_ioctl(struct runtime_seccomp *profile)
{
	/* TIOCSTI and TIOCLINUX type into a terminal in the name of whoever sits there */
	when_is(add_rule(profile, "ioctl", SCMP_ACT_ERRNO(0), EPERM), 1, 0x5412);
	when_is(add_rule(profile, "ioctl", SCMP_ACT_ERRNO(0), EPERM), 1, 0x541c);
	allow(profile, "ioctl");
}

/* ---- the whole --------------------------------------------------------------------------- */

static void add_architectures(struct runtime_seccomp *profile)
{
	uint32_t native = seccomp_arch_native();

	*array_add(profile->architectures, profile->architecture_count) = native;
	if (native == SCMP_ARCH_X86_64)
		*array_add(profile->architectures, profile->architecture_count) = SCMP_ARCH_X86;
	if (native == SCMP_ARCH_AARCH64)
		*array_add(profile->architectures, profile->architecture_count) = SCMP_ARCH_ARM;
}

void seccomp_profile_default(uint64_t capabilities, struct runtime_seccomp *ret)
{
	struct runtime_seccomp profile = {
		.default_action = SCMP_ACT_ERRNO(0),
		.default_errno_ret = { true, ENOSYS },
	};

	add_architectures(&profile);
	allow(&profile, allowed);
	/* of two unconditional rules for a call the first counts: allowed before refused */
	for (size_t i = 0; i < ARRAY_SIZE(with_capability); i++)
		if (capabilities & with_capability[i].capability)
			allow(&profile, with_capability[i].names);
	add_clone(&profile);
	for (size_t i = 0; i < ARRAY_SIZE(with_capability); i++)
		refuse(&profile, with_capability[i].names, EPERM);
	add_sockets(&profile, capabilities);
	add_personality(&profile);
	add_ioctl(&profile);
	refuse(&profile, denied, EPERM);
	*ret = profile;
}
