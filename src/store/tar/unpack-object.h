/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "store/tar/tar.h"
#include "store/tar/unpack.h"

/**
 * DOC: Objects of a tar that is unpacked: owner, mode, attributes, time
 */

/* The host's id for one of the tree; -EINVAL where it has none. */
must_check int unpack_id(const struct tar_unpack_options *o, uint32_t id, uint32_t *ret,
			 struct error *err);

/* Refuses what belongs to nobody in the tree. @what names it. */
must_check int unpack_check_owner(const struct tar_unpack_options *o, int fd, const char *what,
				  struct error *err);

/**
 * unpack_apply() - give an object what its entry says
 * @fd:   the object; O_PATH is enough
 * @type: S_IFMT bits that it must have
 */
must_check int unpack_apply(const struct tar_unpack_options *o, int fd, mode_t type,
			    const struct tar_entry *e, struct error *err);
