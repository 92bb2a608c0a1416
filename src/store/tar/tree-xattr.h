/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"
#include "store/tar/write.h"

/**
 * DOC: Attributes on the way out
 *
 * Attributes that a layer may have (tree.h says which), read by descriptor. Owners within them (of file
 * capabilities and ACLs) are shifted back from a container's range of ids as the file's own owner is.
 */
struct tar_tree_xattrs {
	struct tar_xattr *items;
	size_t count;
	bool opaque; /* overlay's mark, where whiteouts are converted */
};

/* @path_fd: an O_PATH descriptor of the object. Return: 0 or a negative errno. */
must_check int tar_tree_xattrs_read(int path_fd, const struct tar_tree_options *options,
				    struct tar_tree_xattrs *ret, struct error *err);
void tar_tree_xattrs_done(struct tar_tree_xattrs *xattrs);
