/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"

/**
 * DOC: Parts of a mount's making that mount.c and overlay.c share; nobody else includes this.
 */

/* Records a failed act on a file system context with the last line of the context's own log. */
int mount_context_fail(int context_fd, int errnum, const char *act, struct error *err);

/* Makes the file system of a configured context and a detached mount of it; its descriptor. */
int mount_context_finish(int context_fd, const char *type, uint64_t attrs, struct error *err);
