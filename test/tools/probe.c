/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/**
 * DOC: What the kernel answers from inside an instance
 *
 * Static, so that it runs in any image. Each line is "name answer", where the answer is "ok" or the
 * error's name; a test compares the whole with a golden table.
 *
 *	probe families  socket() for the families 0 to 63, with and without high bits
 *	probe calls     a table of system calls that a container has no business with
 *	probe devices   opens devices made by mknod, and those of /nodes
 *	probe handles   descriptors above 2, and what they lead to
 *	probe user      real and effective user
 */

#define FAMILIES 64
#define X32_BIT 0x40000000L

static void tell(const char *name, long result)
{
	printf("%s %s\n", name, result < 0 ? strerrorname_np(errno) : "ok");
}

static void probe_families(void)
{
	static const uint64_t high[] = { 0, 1ull << 32, 1ull << 63 };

	for (uint64_t family = 0; family < FAMILIES; family++) {
		for (size_t i = 0; i < sizeof(high) / sizeof(high[0]); i++) {
			char name[64];
			long fd = syscall(SYS_socket, family | high[i], (uint64_t)SOCK_DGRAM, 0ul);
			(void)snprintf(name, sizeof(name), "%d+%zu", (int)family, i);
			tell(name, fd);
			if (fd >= 0)
				(void)close((int)fd);
		}
	}
}

/* Calls with arguments that would do no harm, or fail in another way, were they let through. */
static const struct {
	const char *name;
	long number;
	unsigned long args[4];
} calls[] = {
	{ "add_key", SYS_add_key, { 0 } },
	{ "bpf", SYS_bpf, { 0 } },
	{ "clone3", SYS_clone3, { 0 } },
	{ "clone-newuser", SYS_clone, { CLONE_NEWUSER | CLONE_FS | CLONE_SIGHAND } },
	{ "delete_module", SYS_delete_module, { 0 } },
	{ "fanotify_init", SYS_fanotify_init, { 0 } },
	{ "finit_module", SYS_finit_module, { ~0ul } },
	{ "fsopen", SYS_fsopen, { 0 } },
	{ "init_module", SYS_init_module, { 0 } },
	{ "io_uring_setup", SYS_io_uring_setup, { 0 } },
	{ "ioperm", SYS_ioperm, { 0, 1, 1 } },
	{ "iopl", SYS_iopl, { 3 } },
	{ "kcmp", SYS_kcmp, { 1, 1, 0 } },
	{ "kexec_load", SYS_kexec_load, { 0, 0, 0, ~0ul } },
	{ "keyctl", SYS_keyctl, { 0 } },
	{ "lookup_dcookie", 212, { 0 } },
	{ "mount", SYS_mount, { 0 } },
	{ "mount_setattr", SYS_mount_setattr, { ~0ul } },
	{ "move_mount", SYS_move_mount, { ~0ul } },
	{ "move_pages", SYS_move_pages, { 0 } },
	{ "nfsservctl", 180, { 0 } },
	{ "open_by_handle_at", SYS_open_by_handle_at, { ~0ul } },
	{ "open_tree", SYS_open_tree, { ~0ul } },
	{ "perf_event_open", SYS_perf_event_open, { 0 } },
	{ "pidfd_getfd", SYS_pidfd_getfd, { ~0ul } },
	{ "pivot_root", SYS_pivot_root, { 0 } },
	{ "process_madvise", SYS_process_madvise, { ~0ul } },
	{ "quotactl", SYS_quotactl, { 0 } },
	{ "reboot", SYS_reboot, { 0 } },
	{ "request_key", SYS_request_key, { 0 } },
	{ "setdomainname", SYS_setdomainname, { 0 } },
	{ "sethostname", SYS_sethostname, { 0 } },
	{ "setns", SYS_setns, { ~0ul } },
	{ "settimeofday", SYS_settimeofday, { 0 } },
	{ "swapoff", SYS_swapoff, { 0 } },
	{ "swapon", SYS_swapon, { 0 } },
	{ "syslog", SYS_syslog, { 10 } },
	{ "umount2", SYS_umount2, { 0 } },
	{ "unshare-newuser", SYS_unshare, { CLONE_NEWUSER } },
	{ "userfaultfd", SYS_userfaultfd, { 0 } },
	{ "vhangup", SYS_vhangup, { 0 } },
	{ "unknown-599", 599, { 0 } },
	{ "x32-getpid", X32_BIT | 39, { 0 } },
	{ "x32-mount", X32_BIT | 165, { 0 } },
};

static void probe_ioctl(const char *name, unsigned long request)
{
	static char byte = 'x';
	int null = open("/dev/null", O_RDWR);
	tell(name, ioctl(null, request, &byte));
	(void)close(null);
}

static void probe_calls(void)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		const unsigned long *a = calls[i].args;
		tell(calls[i].name, syscall(calls[i].number, a[0], a[1], a[2], a[3]));
	}
	/* The same request with high bits, which the kernel cuts off. */
	probe_ioctl("TIOCSTI", TIOCSTI);
	probe_ioctl("TIOCSTI-high", TIOCSTI | 1ul << 32);
	probe_ioctl("TIOCLINUX", TIOCLINUX);
	probe_ioctl("TIOCGWINSZ", TIOCGWINSZ);
	tell("ptrace-first", ptrace(PTRACE_ATTACH, 1, NULL, NULL));
	/* The 32-bit entry: socketcall hides the family, so no family at all may come by it. */
	long r = 102;
#ifdef __x86_64__
	__asm__ volatile("int $0x80"
			 : "+a"(r)
			 : "b"(1L), "c"(0L)
			 : "r8", "r9", "r10", "r11", "memory");
#endif
	errno = (int)-r;
	tell("i386-socketcall", r < 0 ? -1 : 0);
}

static void probe_node(const char *path)
{
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	tell(path, fd);
	if (fd >= 0)
		(void)close(fd);
}

static void probe_devices(void)
{
	static const mode_t kinds[] = { S_IFCHR, S_IFBLK };

	for (unsigned int i = 0; i < 2 * 512; i++) {
		char path[64];
		(void)snprintf(path, sizeof(path), "/nodes/%c-%u", i % 2 ? 'b' : 'c', i / 2);
		struct stat st;
		if (lstat(path, &st) == 0)
			probe_node(path);
		if (mknod("/tmp/made", kinds[i % 2] | 0666, makedev(i / 2, 1)) == 0) {
			probe_node("/tmp/made");
			(void)unlink("/tmp/made");
		}
	}
}

static void probe_handles(void)
{
	for (int fd = 3; fd < 1024; fd++) {
		struct stat st;
		if (fstat(fd, &st) == 0)
			printf("%d open\n", fd);
	}
	char cwd[4096];
	printf("cwd %s\n", getcwd(cwd, sizeof(cwd)) && cwd[0] == '/' ? "inside" : "outside");
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	(void)setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	if (strcmp(what, "families") == 0)
		probe_families();
	else if (strcmp(what, "calls") == 0)
		probe_calls();
	else if (strcmp(what, "devices") == 0)
		probe_devices();
	else if (strcmp(what, "handles") == 0)
		probe_handles();
	else if (strcmp(what, "user") == 0)
		printf("%u %u\n", (unsigned int)getuid(), (unsigned int)geteuid());
	else
		return 2;
	return fflush(stdout) == 0 ? 0 : 1;
}
