/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times a command that is started many times at once.
 *
 *	bench-together COUNT WAVES COMMAND [ARGUMENT...]
 *
 * Starts COUNT of them, waits for all, and so on WAVES times; the first wave warms caches and is
 * not counted. Prints a line for each process: nanoseconds from its own start to its own end. A
 * command that fails ends the run.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COUNT_MAX 1024

extern char **environ;

static long long now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void wave(long count, char **words, int counted)
{
	static pid_t pids[COUNT_MAX];
	static long long started[COUNT_MAX];
	posix_spawn_file_actions_t actions;

	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	for (long i = 0; i < count; i++) {
		started[i] = now();
		errno = posix_spawn(&pids[i], words[0], &actions, NULL, words, environ);
		if (errno)
			fail(words[0]);
	}
	(void)posix_spawn_file_actions_destroy(&actions);

	for (long left = count; left > 0; left--) {
		int status;
		pid_t pid = wait(&status);
		long long ended = now();
		if (pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
			(void)fprintf(stderr, "bench-together: '%s' failed: status %d\n", words[0],
				      status);
			exit(1);
		}
		for (long i = 0; i < count && counted; i++)
			if (pids[i] == pid)
				(void)printf("%lld\n", ended - started[i]);
	}
}

int main(int argc, char **argv)
{
	long count = argc > 3 ? strtol(argv[1], NULL, 10) : 0;
	long waves = argc > 3 ? strtol(argv[2], NULL, 10) : 0;

	if (count < 1 || count > COUNT_MAX || waves < 1) {
		(void)fprintf(stderr, "usage: bench-together COUNT WAVES COMMAND [ARGUMENT...]\n");
		return 2;
	}
	for (long i = 0; i <= waves; i++)
		wave(count, argv + 3, i > 0);
	return 0;
}
