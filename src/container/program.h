/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/macros.h"

struct plan;

/**
 * program_execute() - replace the calling process by the plan's program
 * @plan: its argv and env
 * @home: put into the environment as HOME where that has none
 * @ret_exit_code: receives 127 (not found) or 126 (found, but can not be run)
 *
 * A name without a slash is looked up in the environment's own PATH, by the process itself: inside,
 * as the user that it has become.
 *
 * Return: only on failure, a negative errno.
 */
must_check int program_execute(const struct plan *plan, const char *home, int *ret_exit_code,
			       struct error *err);
