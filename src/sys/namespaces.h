/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "base/error.h"

/**
 * DOC: Namespaces by descriptor
 *
 * The files of /proc/<pid>/ns, named by their CLONE_NEW* flag.
 */

/* The calling process's own namespace of a kind; a descriptor, or a negative errno. */
int namespace_own(int flag, struct error *err);

/* A process's namespace of a kind; a descriptor, or a negative errno. */
int namespace_of(pid_t pid, int flag, struct error *err);

/* Joins the namespace behind a descriptor, which must be of that kind. */
must_check int namespace_join(int fd, int flag, struct error *err);
