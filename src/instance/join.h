/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "instance/manager.h"

struct record;

/**
 * DOC: Namespaces of another instance
 *
 * "container:NAME" as network or PID mode lets a container into the namespaces of a running one.
 * The start finds that one's first process and opens its namespaces by path; whether the process
 * was still the same by then is asked of its keeper, which is its parent: while the keeper has not
 * reaped it, its number cannot be another's.
 */
struct joined {
	char *network; /* "/proc/PID/ns/net", or NULL */
	char *pid;
};

void joined_done(struct joined *joined);
#define auto_joined auto_(joined_done) struct joined

/**
 * joined_find() - the namespaces that an instance asks for
 * @ret: zeroed before; receives the paths
 *
 * Return: 0; -ENOENT where there is no such container; -EBUSY where it does not run; -EINVAL where
 *         it is the instance itself; -ENOTSUP where it is a virtual machine.
 */
must_check int joined_find(struct manager *m, const struct record *r, struct joined *ret,
			   struct error *err);

/* Called once the namespaces are open: -EBUSY where one of the containers ended meanwhile. */
must_check int joined_confirm(struct manager *m, const struct record *r, struct error *err);
