/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "tracee.h"

/**
 * DOC: Exchanges two paths at a process's n-th system call
 *
 *	swap-at N stays|returns A B PID...
 *
 * Follows each PID and what it starts, and says "ready" when it does. Counted are the calls
 * that name or reach a file. Before the kernel sees number N, A and B are exchanged; with "returns"
 * they are back before number N + 1, so that the one call alone sees the other state. After SIGTERM,
 * when there is nothing more to do, both are put back, and the calls that were counted are told.
 */

static const long counted[] = {
	SYS_open,       SYS_openat,        SYS_openat2,    SYS_stat,       SYS_lstat,
	SYS_fstat,      SYS_newfstatat,    SYS_statx,      SYS_access,     SYS_faccessat,
	SYS_faccessat2, SYS_mkdir,         SYS_mkdirat,    SYS_mknodat,    SYS_rmdir,
	SYS_unlink,     SYS_unlinkat,      SYS_rename,     SYS_renameat,   SYS_renameat2,
	SYS_linkat,     SYS_symlinkat,     SYS_readlink,   SYS_readlinkat, SYS_chown,
	SYS_fchown,     SYS_fchownat,      SYS_chmod,      SYS_fchmod,     SYS_fchmodat,
	SYS_utimensat,  SYS_getdents64,    SYS_chdir,      SYS_fchdir,     SYS_execve,
	SYS_execveat,   SYS_mount,         SYS_umount2,    SYS_open_tree,  SYS_move_mount,
	SYS_fsmount,    SYS_mount_setattr, SYS_pivot_root, SYS_setns,      SYS_getxattr,
	SYS_lgetxattr,  SYS_setxattr,      SYS_listxattr,  SYS_fstatfs,    SYS_fgetxattr,
};

#define IDLE_MS 20

enum state { BEFORE, EXCHANGED, BACK };

struct swap {
	unsigned long at;
	unsigned long count;
	bool returns;
	enum state state;
	const char *a;
	const char *b;
};

static void exchange(struct swap *s, enum state next)
{
	/* fails where the one that is followed has removed one of them */
	if (renameat2(AT_FDCWD, s->a, AT_FDCWD, s->b, RENAME_EXCHANGE) == 0)
		s->state = next;
}

static void enter_call(struct swap *s, const struct tracee *t)
{
	bool is_counted = false;

	for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++)
		is_counted = is_counted || (uint64_t)counted[i] == t->call;
	if (!is_counted)
		return;
	if (++s->count == s->at)
		exchange(s, EXCHANGED);
	else if (s->state == EXCHANGED && s->returns)
		exchange(s, BACK);
}

static void follow(struct swap *s)
{
	struct tracee *t;

	for (;;) {
		bool ending = tracee_is_ending();
		enum tracee_event event = tracee_wait(ending ? IDLE_MS : -1, &t);
		if (event == TRACEE_NONE || (event == TRACEE_IDLE && ending))
			return;
		if (event == TRACEE_ENTERS)
			enter_call(s, t);
		if (event != TRACEE_IDLE)
			tracee_go_on(t);
	}
}

int main(int argc, char **argv)
{
	if (argc < 6) {
		fputs("usage: swap-at N stays|returns A B PID...\n", stderr);
		return 2;
	}
	struct swap s = {
		.at = strtoul(argv[1], NULL, 10),
		.returns = strcmp(argv[2], "returns") == 0,
		.a = argv[3],
		.b = argv[4],
	};
	for (int i = 5; i < argc; i++) {
		if (!tracee_seize_all((pid_t)strtol(argv[i], NULL, 10), TRACEE_ALL)) {
			perror("swap-at");
			return 1;
		}
	}
	puts("ready");
	(void)fflush(stdout);
	follow(&s);
	bool exchanged = s.state != BEFORE;
	if (s.state == EXCHANGED)
		exchange(&s, BACK);
	printf("%lu %s\n", s.count, exchanged ? "exchanged" : "untouched");
	return 0;
}
