/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/**
 * DOC: Processes by descriptor
 *
 * A pidfd names one process for good; a number may have become another's.
 */

/* Opens a pidfd, close-on-exec; a negative errno where there is no such process. */
int pidfd_for(pid_t pid);

/* Sends a signal; 0 or a negative errno. */
int pidfd_signal(int pidfd, int signal);

/* True once the process has ended. */
bool pidfd_ended(int pidfd);

/* Waits until the process has ended; -ETIMEDOUT after @timeout_ms (negative: no limit). */
int pidfd_wait_end(int pidfd, int timeout_ms);

/**
 * pidfd_reap() - take a child's exit status
 * @ret_code:   exit status, or 128 + signal
 * @ret_signal: signal that ended it, or 0
 *
 * Return: 0, -EAGAIN while it runs, or another negative errno.
 */
int pidfd_reap(int pidfd, int *ret_code, int *ret_signal);
