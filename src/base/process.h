/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/strbuf.h"

/**
 * DOC: Child processes
 *
 * Programs are started by posix_spawn(3) with an argument vector, never by a shell, and with only
 * the descriptors that are named. Programs are given by absolute path.
 */

/* A descriptor of ours and the number that it gets in the child. */
struct process_fd {
	int ours;
	int child;
};

/**
 * process_spawn() - start a program
 * @path:     absolute path of the program, or a /proc/self/fd path
 * @argv:     NULL-terminated
 * @envp:     NULL-terminated; NULL gives an empty environment
 * @fds:      descriptors to pass; every other one is closed; 0, 1 and 2 that are not named become
 * /dev/null
 * @fd_count: how many
 * @ret:      receives the process id; the caller waits for it
 *
 * Return: 0 or a negative errno.
 */
must_check int process_spawn(const char *path, char *const argv[], char *const envp[],
			     const struct process_fd *fds, size_t fd_count, pid_t *ret,
			     struct error *err);

/**
 * process_run() - run a program to its end and collect what it prints
 * @argv:       NULL-terminated, argv[0] an absolute path
 * @timeout_ms: after this it is killed and -ETIMEDOUT returned
 * @output:     receives standard output and error together, up to its cap; NULL drops them
 *
 * Return: the exit status (0..255, or 128 + signal), or a negative errno where it could not run.
 */
must_check int process_run(char *const argv[], int timeout_ms, struct strbuf *output,
			   struct error *err);
