/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

/**
 * DOC: Ends a process at its n-th system call
 *
 *	crash-at PID N
 *
 * Follows all threads of PID, those to come as well, but no other process that it starts. Says "ready"
 * when it does. When the threads together are about to make call number N, the process gets SIGKILL
 * before the kernel sees that call. At SIGTERM, or when the process has ended, says how many calls
 * there were.
 */

static volatile sig_atomic_t over;

static void stop_counting(int sig)
{
	(void)sig;
	over = 1;
}

static bool seize(pid_t tid)
{
	const long options = PTRACE_O_TRACECLONE | PTRACE_O_TRACESYSGOOD;
	if (ptrace(PTRACE_SEIZE, tid, NULL, (void *)options) < 0)
		return errno == ESRCH; /* ended meanwhile */
	return ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) == 0 || errno == ESRCH;
}

static bool seize_all(pid_t pid)
{
	char path[64];
	(void)snprintf(path, sizeof(path), "/proc/%d/task", pid);
	DIR *dir = opendir(path);
	if (!dir)
		return false;
	bool good = true;
	for (const struct dirent *entry; (entry = readdir(dir));) {
		if (entry->d_name[0] != '.')
			good = seize((pid_t)strtol(entry->d_name, NULL, 10)) && good;
	}
	(void)closedir(dir);
	return good;
}

static bool enters_call(pid_t tid)
{
	struct __ptrace_syscall_info info = { 0 };
	return ptrace(PTRACE_GET_SYSCALL_INFO, tid, (void *)sizeof(info), &info) > 0 &&
	       info.op == PTRACE_SYSCALL_INFO_ENTRY;
}

/* The signal that a stopped thread shall get when it goes on. */
static int signal_of(int status)
{
	int sig = WSTOPSIG(status);
	bool event = status >> 16 != 0;
	return event || sig == SIGTRAP || sig == (SIGTRAP | 0x80) ? 0 : sig;
}

static unsigned long follow(pid_t pid, unsigned long n)
{
	unsigned long count = 0;
	while (!over) {
		int status;
		pid_t tid = waitpid(-1, &status, __WALL);
		if (tid < 0) {
			if (errno == EINTR)
				continue;
			break; /* the last thread is gone */
		}
		if (!WIFSTOPPED(status))
			continue;
		if (WSTOPSIG(status) == (SIGTRAP | 0x80) && enters_call(tid) && ++count == n) {
			(void)kill(pid, SIGKILL);
			break;
		}
		(void)ptrace(PTRACE_SYSCALL, tid, NULL, (void *)(long)signal_of(status));
	}
	return count;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = stop_counting };
	if (argc != 3) {
		fputs("usage: crash-at PID N\n", stderr);
		return 2;
	}
	pid_t pid = (pid_t)strtol(argv[1], NULL, 10);
	(void)sigaction(SIGTERM, &action, NULL);
	if (!seize_all(pid)) {
		perror("crash-at");
		return 1;
	}
	puts("ready");
	(void)fflush(stdout);
	printf("%lu\n", follow(pid, strtoul(argv[2], NULL, 10)));
	return 0;
}
