/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/macros.h"

struct plan;

/**
 * init_run() - be the container's process 1 (--init): run the program as a child, reap, pass signals
 * @plan:    whose program to run
 * @home:    as program_execute()
 * @sync_fd: closed once the program runs
 * @ret_exit_code: as program_execute()
 *
 * The process is confined already. It keeps no descriptor but the standard streams, passes every
 * signal that can be caught on to the program's process group, and ends with the program's status.
 *
 * Return: only on failure, a negative errno.
 */
must_check int init_run(const struct plan *plan, const char *home, int sync_fd, int *ret_exit_code,
			struct error *err);
