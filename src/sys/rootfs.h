/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/strbuf.h"

/**
 * DOC: Paths inside a tree that nobody vouches for
 *
 * The only module that resolves a path inside an image's or an instance's root. A path starts at
 * the root's descriptor whether it begins with '/' or not; links are followed inside that root and
 * can not leave it; "magic" links of /proc are never followed. What comes back is a descriptor, and
 * every later act is on that descriptor. Requires openat2(2); there is no fall-back to strings.
 *
 * Existing things are found by openat2(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS). What is missing is
 * made by walking folder by folder: each step opens one name with O_NOFOLLOW below a descriptor
 * that was reached inside the root, "..": back along the steps taken. A link that leads to nothing
 * is followed as well, so its target is made inside the root, as Docker does it.
 */

/**
 * rootfs_open() - open something below a root
 * @root_fd: the root
 * @path:    in it
 * @flags:   open(2)'s; O_CLOEXEC is added. O_CREAT is refused: see rootfs_make_file()
 *
 * Return: a descriptor, or a negative errno with @err filled.
 */
int rootfs_open(int root_fd, const char *path, int flags, struct error *err);

/**
 * rootfs_make_dir() - open a folder below a root, making what is missing on the way
 * @mode: permission bits of the folders made; they belong to the caller's own ids
 *
 * Return: an O_PATH descriptor of the folder; -ENOTDIR where something else is in the way.
 */
int rootfs_make_dir(int root_fd, const char *path, mode_t mode, struct error *err);

/**
 * rootfs_make_file() - open a file below a root as a place to mount a file on
 * @mode: permission bits of a file made, which is empty
 *
 * Missing folders on the way are made with mode 0755.
 *
 * Return: an O_PATH descriptor of whatever is there if it is no folder; -EISDIR for one.
 */
int rootfs_make_file(int root_fd, const char *path, mode_t mode, struct error *err);

/**
 * rootfs_read_file() - read a small regular file below a root
 * @cap: most bytes accepted
 * @ret: appended to
 *
 * Return: 0; -ENOENT; -EINVAL where it is no regular file; -EFBIG.
 */
must_check int rootfs_read_file(int root_fd, const char *path, size_t cap, struct strbuf *ret,
				struct error *err);

#define ROOTFS_PATH_MAX 4096 /* with the NUL */

/**
 * rootfs_real_path() - where a path leads, as text
 * @path: in the root; links are followed, the last one too
 * @ret:  receives an absolute path without links, "." and ".."; what is missing of it is kept as it
 *        was written
 *
 * The text is for telling: what lies there may have changed, so opening it follows links again.
 *
 * Return: 0; -ELOOP; -ENAMETOOLONG.
 */
must_check int rootfs_real_path(int root_fd, const char *path, char ret[ROOTFS_PATH_MAX],
				struct error *err);
