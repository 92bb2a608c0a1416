/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>

#include "base/error.h"

/**
 * DOC: Mounts by descriptor
 *
 * Thin functions over fsopen(2), fsmount(2), open_tree(2), move_mount(2) and mount_setattr(2). A
 * mount is made detached, changed while nobody sees it, and attached to a target that is named by a
 * descriptor, so no path in a tree that others write is ever given to the kernel here. A detached
 * mount goes away with its last descriptor.
 *
 * What the kernel tells in a file system context's own log is put into the error's text.
 */

#ifndef FSCONFIG_SET_FD
#define FSCONFIG_SET_FD 5
#endif
#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

/**
 * mount_new() - make a file system and a detached mount of it
 * @type:    such as "tmpfs"
 * @options: "key=value" or "key" each
 * @count:   how many
 * @attrs:   MOUNT_ATTR_*
 *
 * Return: the mount's descriptor, or a negative errno.
 */
int mount_new(const char *type, const char *const *options, size_t count, uint64_t attrs,
	      struct error *err);

/**
 * mount_clone() - make a detached copy of what is mounted at a place
 * @dir_fd:    folder, or AT_FDCWD
 * @path:      below it; "" for @dir_fd itself, which then may be any file
 * @recursive: with the mounts below
 *
 * Links at the end of @path are followed: it is an operator's path, or "".
 *
 * Return: the mount's descriptor, or a negative errno.
 */
int mount_clone(int dir_fd, const char *path, bool recursive, struct error *err);

/**
 * mount_attach() - attach a detached mount
 * @mount_fd:  the mount
 * @target_fd: where; a folder for a mounted folder, a file for a mounted file
 */
must_check int mount_attach(int mount_fd, int target_fd, struct error *err);

/* Takes an attached mount off its place again; what still uses it keeps it. 0 or a negative errno. */
int mount_detach(int mount_fd);

/* What mount_change() does to a mount. */
struct mount_change {
	bool recursive;
	uint64_t set;         /* MOUNT_ATTR_* */
	uint64_t clear;       /* MOUNT_ATTR_* */
	uint64_t propagation; /* MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE; 0 leaves it */
	int idmap_fd;         /* user namespace whose maps shift the owners; 0 for none */
};

/**
 * mount_change() - change a mount's attributes
 * @mount_fd: descriptor of its root
 *
 * Return: 0; -EINVAL also where the file system can not shift owners.
 */
must_check int mount_change(int mount_fd, const struct mount_change *change, struct error *err);
