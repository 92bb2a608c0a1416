/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/id-shift.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macros.h"
#include "base/process.h"
#include "container/config/default-config.h"
#include "instance/keeper-protocol.h"
#include "sys/user-namespace.h"

/* The holder said that it is in its namespace: map it and take hold of it. */
static int take_namespace(pid_t pid, uint32_t base, struct error *err)
{
	const struct id_range range = { .outside = base, .count = CONTAINER_ID_COUNT };
	char path[64];

	int r = user_namespace_map(pid, &range, 1, &range, 1, err);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? error_set(err, errno, "open a user namespace") : fd;
}

static int spawn(int keeper_fd, int sock, pid_t *ret, struct error *err)
{
	const struct process_fd fds[] = { { sock, KEEPER_FD_PLAN } };
	char name[] = "berth-keeper";
	char word[] = KEEPER_ARG_USER_NAMESPACE;
	char *const argv[] = { name, word, NULL };
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), keeper_fd);
	return process_spawn(path, argv, NULL, fds, ARRAY_SIZE(fds), ret, err);
}

int id_shift_open(int keeper_fd, uint32_t base, struct error *err)
{
	int ends[2];
	char said = 0;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return error_set(err, errno, "make a connection to the keeper's program");
	int r = spawn(keeper_fd, ends[1], &pid, err);
	(void)close(ends[1]);
	if (r < 0) {
		(void)close(ends[0]);
		return error_prefix(err, "make a user namespace");
	}
	ssize_t n = read_full(ends[0], &said, 1);
	if (n == 1 && said == 0)
		r = take_namespace(pid, base, err);
	else
		r = error_set(err, n == 1 ? said : EIO, "make a user namespace");
	(void)close(ends[0]);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return r;
}
