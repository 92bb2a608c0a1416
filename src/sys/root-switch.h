/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

/**
 * root_switch() - make a mount the calling process's root
 * @mount_fd: detached mount of a folder; attached afterwards
 *
 * The process must be alone in its mount namespace. The new root goes on top of the old one's "/",
 * and pivot_root(".", ".") exchanges the two, so no folder is needed to put the old one: it lies on
 * the new one then, and is taken off by its descriptor. Nothing of it stays reachable. The process
 * stands in the new root.
 *
 * Return: 0 or a negative errno.
 */
must_check int root_switch(int mount_fd, struct error *err);

/**
 * root_cover() - attach a mount over the calling process's "/"
 *
 * Nothing is looked up there: paths still begin at the old root, and the mount is only attached, for
 * kernels that want that. It has to be taken off again by root_uncover() before root_switch(), which
 * would take it for the old root. For processes as above.
 */
must_check int root_cover(int mount_fd, struct error *err);
must_check int root_uncover(struct error *err);

/* Opens the calling process's root as a place (O_PATH); a descriptor, or a negative errno. */
int root_open(struct error *err);
