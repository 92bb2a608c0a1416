/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/**
 * DOC: Maps of user namespaces
 */

struct id_range {
	uint32_t inside;
	uint32_t outside;
	uint32_t count;
};

/* Most ranges that the kernel takes for one map. */
#define ID_RANGES_MAX 340

/**
 * user_namespace_map() - write the maps of a new user namespace
 * @pid:  a process in it
 * @uids: ranges of user ids, @uid_count of them
 * @gids: ranges of group ids
 *
 * The caller is root outside.
 */
must_check int user_namespace_map(pid_t pid, const struct id_range *uids, size_t uid_count,
				  const struct id_range *gids, size_t gid_count, struct error *err);

/* The outside id of @inside; UINT32_MAX where it has none. */
uint32_t id_map_outside(const struct id_range *ranges, size_t count, uint32_t inside);
