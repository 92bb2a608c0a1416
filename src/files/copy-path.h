/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "sys/rootfs.h"

/**
 * DOC: Paths of copies
 *
 * Docker's rules for the path of an archive request: it is taken from the instance's root, cleaned as
 * text ("a/../b" is "b"), and what stands at its end says how it is meant: "dir/" and "dir/." must be
 * folders (a link there is followed), everything else is the object itself, link or not.
 */

struct copy_path {
	char path[ROOTFS_PATH_MAX]; /* clean and absolute */
	const char *name;           /* its last part; "/" for the root */
	bool folder;
};

/* Return: 0, -EINVAL for an empty path, -ENAMETOOLONG. */
must_check int copy_path_split(const char *path, struct copy_path *ret, struct error *err);

/* The name of the topmost entry of the archive that @path gives; "" for the root. */
char *copy_path_archive_name(const char *path);
