/* SPDX-License-Identifier: Apache-2.0 */
#include "tracee.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CALL_STOP (SIGTRAP | 0x80)

static struct tracee *tracees;
static sigset_t awaited;
static bool ending;
static enum tracee_reach reach;
static long options = PTRACE_O_TRACECLONE | PTRACE_O_TRACESYSGOOD;

static pid_t process_of(pid_t tid)
{
	char path[64];
	char line[128];
	int process = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", tid);
	FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file) && sscanf(line, "Tgid: %d", &process) != 1)
		;
	if (file)
		(void)fclose(file);
	return process;
}

static struct tracee *find(pid_t tid)
{
	struct tracee *t = tracees;

	while (t && t->tid != tid)
		t = t->next;
	if (t)
		return t;
	t = calloc(1, sizeof(*t));
	if (!t)
		abort();
	t->tid = tid;
	t->process = process_of(tid);
	t->next = tracees;
	tracees = t;
	return t;
}

static void forget(pid_t tid)
{
	for (struct tracee **at = &tracees; *at; at = &(*at)->next) {
		if ((*at)->tid == tid) {
			struct tracee *gone = *at;
			*at = gone->next;
			free(gone);
			return;
		}
	}
}

static bool seize(pid_t tid)
{
	if (ptrace(PTRACE_SEIZE, tid, NULL, (void *)options) < 0)
		return errno == ESRCH; /* ended meanwhile */
	return ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) == 0 || errno == ESRCH;
}

bool tracee_seize_all(pid_t pid, enum tracee_reach reach_)
{
	char path[64];

	(void)sigemptyset(&awaited);
	(void)sigaddset(&awaited, SIGCHLD);
	(void)sigaddset(&awaited, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &awaited, NULL);
	reach = reach_;
	if (reach != TRACEE_ITSELF)
		options |= PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC;
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

/* The call that a thread enters, or fails on its way out of the one that was denied. */
static bool enters_call(struct tracee *t)
{
	struct __ptrace_syscall_info info = { 0 };

	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->tid, (void *)sizeof(info), &info) <= 0)
		return false;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		t->call = info.entry.nr;
		memcpy(t->args, info.entry.args, sizeof(t->args));
		return true;
	}
	if (t->denied) {
		(void)ptrace(PTRACE_POKEUSER, t->tid, offsetof(struct user, regs.rax),
			     (long)-t->denied);
		t->denied = 0;
	}
	return false;
}

static enum tracee_event stopped(struct tracee *t, int status)
{
	int sig = WSTOPSIG(status);
	int event = status >> 16;

	t->signal = event || sig == SIGTRAP || sig == CALL_STOP ? 0 : sig;
	t->stopping = event == PTRACE_EVENT_STOP && (sig == SIGSTOP || sig == SIGTSTP);
	if (event == PTRACE_EVENT_EXEC) {
		t->executed = true;
		if (reach == TRACEE_PROGRAMS)
			(void)ptrace(PTRACE_SETOPTIONS, t->tid, NULL,
				     (void *)(long)(PTRACE_O_TRACECLONE | PTRACE_O_TRACESYSGOOD));
	}
	return sig == CALL_STOP && enters_call(t) ? TRACEE_ENTERS : TRACEE_STOPPED;
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* waitpid() that ends at SIGTERM, or after a time: 0. Both signals are blocked, so none is missed. */
static pid_t wait_for(int timeout_ms, int *ret_status)
{
	int64_t deadline = timeout_ms < 0 ? INT64_MAX : now_ms() + timeout_ms;

	for (;;) {
		pid_t tid = waitpid(-1, ret_status, __WALL | WNOHANG);
		if (tid != 0)
			return tid;
		int64_t left = deadline == INT64_MAX ? 1000 : deadline - now_ms();
		if (left <= 0)
			return 0;
		const struct timespec limit = { left / 1000, left % 1000 * 1000000 };
		if (sigtimedwait(&awaited, NULL, &limit) == SIGTERM) {
			ending = true;
			return 0;
		}
	}
}

bool tracee_is_ending(void)
{
	return ending;
}

enum tracee_event tracee_wait(int timeout_ms, struct tracee **ret)
{
	for (;;) {
		int status;
		pid_t tid = wait_for(timeout_ms, &status);
		if (tid == 0)
			return TRACEE_IDLE;
		if (tid < 0)
			return TRACEE_NONE;
		if (WIFSTOPPED(status)) {
			*ret = find(tid);
			return stopped(*ret, status);
		}
		forget(tid);
	}
}

void tracee_deny(struct tracee *t, int error)
{
	t->denied = error;
	(void)ptrace(PTRACE_POKEUSER, t->tid, offsetof(struct user, regs.orig_rax), -1L);
}

void tracee_go_on(struct tracee *t)
{
	(void)ptrace(t->stopping ? PTRACE_LISTEN : PTRACE_SYSCALL, t->tid, NULL,
		     (void *)(long)t->signal);
}
