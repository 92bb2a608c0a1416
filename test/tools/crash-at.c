/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "tracee.h"
#include "write-calls.h"

/**
 * DOC: Ends a process at its n-th system call, or lets its disk be full from then on
 *
 *	crash-at [--keepers] PID N
 *	crash-at --error ERRNO [--once] --below FOLDER PID N
 *
 * Follows all threads of PID, those to come as well. Says "ready" when it does. When the threads
 * together are about to make call number N, the process gets SIGKILL before the kernel sees that
 * call. With --keepers the calls of the programs that PID starts are counted instead of its own, and
 * the one that is about to make call number N is killed; what those start is left alone.
 *
 * With --error only calls are counted that need room below FOLDER (write-calls.h). Number N and all
 * that come after it, or it alone with --once, fail with this error; the kernel does not see them.
 *
 * After SIGTERM it waits until PID has nothing more to do, or has ended, says how many calls there
 * were, and leaves PID alone.
 */

#define IDLE_MS 40

struct job {
	pid_t pid;
	unsigned long n;
	bool keepers;
	int error; /* positive errno; 0: SIGKILL */
	bool once;
	const char *below;
	unsigned long count;
	bool done; /* nothing more is to be counted */
};

/* What happens to a call that is counted. */
static void count_call(struct job *job, struct tracee *t)
{
	job->count++;
	if (job->count < job->n)
		return;
	if (!job->error) {
		(void)kill(t->process, SIGKILL);
		job->done = true;
	} else if (job->count == job->n || !job->once) {
		tracee_deny(t, job->error);
	}
}

static void enter_call(struct job *job, struct tracee *t)
{
	if (job->keepers ? t->process == job->pid || !t->executed : t->process != job->pid)
		return;
	if (!job->error || write_call_below(t, job->below))
		count_call(job, t);
}

static void follow(struct job *job)
{
	struct tracee *t;

	while (!job->done) {
		bool ending = tracee_is_ending();
		switch (tracee_wait(ending ? IDLE_MS : -1, &t)) {
		case TRACEE_ENTERS:
			enter_call(job, t);
			tracee_go_on(t);
			break;
		case TRACEE_STOPPED:
			tracee_go_on(t);
			break;
		case TRACEE_NONE:
			return; /* the last thread is gone */
		case TRACEE_IDLE:
			if (ending)
				return;
			break;
		}
	}
}

static bool parse(int argc, char **argv, struct job *ret)
{
	static const struct option options[] = {
		{ "keepers", no_argument, NULL, 'k' },
		{ "error", required_argument, NULL, 'e' },
		{ "once", no_argument, NULL, 'o' },
		{ "below", required_argument, NULL, 'b' },
		{},
	};

	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (o == 'k')
			ret->keepers = true;
		else if (o == 'e')
			ret->error = (int)strtol(optarg, NULL, 10);
		else if (o == 'o')
			ret->once = true;
		else if (o == 'b')
			ret->below = optarg;
		else
			return false;
	}
	if (argc - optind != 2 || !ret->error != !ret->below)
		return false;
	ret->pid = (pid_t)strtol(argv[optind], NULL, 10);
	ret->n = strtoul(argv[optind + 1], NULL, 10);
	return true;
}

int main(int argc, char **argv)
{
	struct job job = {};

	if (!parse(argc, argv, &job)) {
		fputs("usage: crash-at [--keepers] [--error ERRNO [--once] --below FOLDER] PID N\n",
		      stderr);
		return 2;
	}
	if (!tracee_seize_all(job.pid, job.keepers ? TRACEE_PROGRAMS : TRACEE_ITSELF)) {
		perror("crash-at");
		return 1;
	}
	puts("ready");
	(void)fflush(stdout);
	follow(&job);
	printf("%lu\n", job.count);
	return 0;
}
