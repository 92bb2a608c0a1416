/* SPDX-License-Identifier: Apache-2.0 */
#include "container/init.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "container/launch-sync.h"
#include "container/program.h"

/* Takes the statuses of all that have ended; true once the program has, with its status. */
static bool reap(pid_t program, int *ret_status)
{
	bool ended = false;
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid <= 0)
			return ended;
		if (pid == program && !WIFSTOPPED(status) && !WIFCONTINUED(status)) {
			*ret_status =
				WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
			ended = true;
		}
	}
}

static _Noreturn void watch(pid_t program, const sigset_t *signals)
{
	for (;;) {
		siginfo_t info;
		int status = 0;
		int s = sigwaitinfo(signals, &info);
		if (s < 0)
			continue;
		if (s != SIGCHLD) {
			/* A terminal's own signals reached its foreground group already. */
			if (info.si_code != SI_KERNEL && kill(-program, s) < 0)
				(void)kill(program, s);
			continue;
		}
		if (reap(program, &status))
			_exit(status);
	}
}

/* The program is a process group of its own, and the terminal's foreground one. */
static int run_child(const struct plan *plan, const char *home, const sigset_t *before,
		     int *ret_exit_code, struct error *err)
{
	if (setpgid(0, 0) < 0)
		return error_set(err, errno, "make a process group");
	if (isatty(0))
		(void)tcsetpgrp(0, getpid());
	if (sigprocmask(SIG_SETMASK, before, NULL) < 0)
		return error_set(err, errno, "reset signals");
	return program_execute(plan, home, ret_exit_code, err);
}

int init_run(const struct plan *plan, const char *home, int sync_fd, int *ret_exit_code,
	     struct error *err)
{
	sigset_t all, before;
	(void)sigfillset(&all);
	if (sigprocmask(SIG_BLOCK, &all, &before) < 0)
		return error_set(err, errno, "block signals");
	pid_t program = fork();
	if (program < 0)
		return error_set(err, errno, "make the program's process");
	if (program == 0) {
		int r = run_child(plan, home, &before, ret_exit_code, err);
		sync_failed(sync_fd, *ret_exit_code, err);
		_exit(r < 0 ? *ret_exit_code : 0);
	}
	(void)close_range(3, ~0u, 0);
	(void)prctl(PR_SET_NAME, "berth-init");
	watch(program, &all);
}
