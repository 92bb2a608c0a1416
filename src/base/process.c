/* SPDX-License-Identifier: Apache-2.0 */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/clock.h"

static void actions_done(posix_spawn_file_actions_t *actions)
{
	(void)posix_spawn_file_actions_destroy(actions);
}

static void attributes_done(posix_spawnattr_t *attributes)
{
	(void)posix_spawnattr_destroy(attributes);
}

static bool child_gets(const struct process_fd *fds, size_t fd_count, int number)
{
	for (size_t i = 0; i < fd_count; i++)
		if (fds[i].child == number)
			return true;
	return false;
}

/*
 * Two steps, since a target number may be the source of another pair: first everything goes above
 * all numbers in use, then down to where it belongs.
 */
static int add_descriptors(posix_spawn_file_actions_t *actions, const struct process_fd *fds,
			   size_t fd_count)
{
	int above = 3;
	int last = 2;
	int r = 0;

	for (size_t i = 0; i < fd_count; i++) {
		if (fds[i].ours >= above)
			above = fds[i].ours + 1;
		if (fds[i].child >= above)
			above = fds[i].child + 1;
		if (fds[i].child > last)
			last = fds[i].child;
	}
	for (size_t i = 0; r == 0 && i < fd_count; i++)
		r = posix_spawn_file_actions_adddup2(actions, fds[i].ours, above + (int)i);
	for (size_t i = 0; r == 0 && i < fd_count; i++)
		r = posix_spawn_file_actions_adddup2(actions, above + (int)i, fds[i].child);
	for (int number = 0; r == 0 && number <= last; number++) {
		if (child_gets(fds, fd_count, number))
			continue;
		r = number <= 2 ? posix_spawn_file_actions_addopen(actions, number, "/dev/null",
								   O_RDWR, 0)
				: posix_spawn_file_actions_addclose(actions, number);
	}
	if (r == 0)
		r = posix_spawn_file_actions_addclosefrom_np(actions, last + 1);
	return -r;
}

/* The child starts with no signal blocked and none ignored, whatever the calling thread has. */
static int clear_signals(posix_spawnattr_t *attributes)
{
	sigset_t none;
	sigset_t all;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	int r = posix_spawnattr_setflags(attributes,
					 POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (r == 0)
		r = posix_spawnattr_setsigmask(attributes, &none);
	if (r == 0)
		r = posix_spawnattr_setsigdefault(attributes, &all);
	return -r;
}

int process_spawn(const char *path, char *const argv[], char *const envp[],
		  const struct process_fd *fds, size_t fd_count, pid_t *ret, struct error *err)
{
	static char *const no_environment[] = { NULL };

	auto_(actions_done) posix_spawn_file_actions_t actions;
	auto_(attributes_done) posix_spawnattr_t attributes;
	if (posix_spawn_file_actions_init(&actions) != 0 || posix_spawnattr_init(&attributes) != 0)
		abort();

	int r = add_descriptors(&actions, fds, fd_count);
	if (r == 0)
		r = clear_signals(&attributes);
	if (r == 0)
		r = -posix_spawn(ret, path, &actions, &attributes, argv,
				 envp ? envp : no_environment);
	return r < 0 ? error_set(err, r, "run %s", path) : 0;
}

/* Reads until the end of the output or the deadline; -ETIMEDOUT then. */
static int collect(int fd, int64_t deadline, struct strbuf *output)
{
	for (;;) {
		int64_t left = (deadline - clock_monotonic()) / NSEC_PER_MSEC;
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int r = left <= 0 ? 0 : poll(&p, 1, (int)left);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? -errno : -ETIMEDOUT;

		char chunk[4096];
		ssize_t n = read(fd, chunk, sizeof(chunk));
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		if (output)
			strbuf_add(output, chunk, (size_t)n);
	}
}

/* A program may close its output and go on; the deadline holds for its end as well. */
static int await_end(pid_t pid, int64_t deadline)
{
	auto_close int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return -errno;
	for (;;) {
		int64_t left = (deadline - clock_monotonic()) / NSEC_PER_MSEC;
		struct pollfd p = { .fd = pidfd, .events = POLLIN };
		int r = poll(&p, 1, left < 0 ? 0 : (int)left);
		if (r < 0 && errno == EINTR)
			continue;
		return r > 0 ? 0 : r == 0 ? -ETIMEDOUT : -errno;
	}
}

int process_run(char *const argv[], int timeout_ms, struct strbuf *output, struct error *err)
{
	static char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8",
					     NULL };

	int64_t deadline = clock_monotonic() + timeout_ms * NSEC_PER_MSEC;
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set(err, errno, "run %s", argv[0]);
	auto_close int reader = ends[0];
	auto_close int writer = ends[1];

	const struct process_fd fds[] = { { writer, 1 }, { writer, 2 } };
	pid_t pid = -1;
	int r = process_spawn(argv[0], argv, environment, fds, ARRAY_SIZE(fds), &pid, err);
	if (r < 0)
		return r;
	close_p(&writer);

	r = collect(reader, deadline, output);
	if (r == 0)
		r = await_end(pid, deadline);
	if (r < 0)
		(void)kill(pid, SIGKILL);

	int status;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (r < 0)
		return error_set(err, r, "run %s", argv[0]);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
