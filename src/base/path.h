/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/strv.h"

/**
 * DOC: Folders of Berth's own
 *
 * For paths that the operator or Berth chose (state and run folders). Trees that an image or an
 * instance wrote are removed by path_remove_tree_at(), which walks by descriptor and follows no
 * link; everything else in such trees goes through sys/rootfs.h.
 */

/* Makes @path and its parents as `mkdir -p`; an existing folder is fine. */
must_check int path_make_dirs(const char *path, mode_t mode, struct error *err);

/* Opens a folder O_PATH-less (readable), making it and its parents first; descriptor or negative
 * errno. */
int path_open_dir(const char *path, mode_t mode, struct error *err);

/**
 * path_remove_tree_at() - remove @name below @dir_fd with all that it holds
 *
 * Follows no symbolic link and crosses no mount point; what is not there is fine.
 */
must_check int path_remove_tree_at(int dir_fd, const char *name, struct error *err);

/**
 * path_list() - the names in a folder, sorted by their bytes
 * @dir_fd: the folder; O_PATH will do
 * @room:   bytes that the names may take; what they do take is taken off. Who lists folders that an
 *          instance fills sets a limit for all that are listed at a time
 * @ret:    names are added without "." and ".."; what was there is sorted with them
 *
 * Return: 0; -E2BIG where there is no room; or a negative errno of the disk.
 */
must_check int path_list(int dir_fd, size_t *room, struct strv *ret, struct error *err);

/* True for "a/b", false for an absolute path, "", ".", "..", empty parts and parts "." or "..". */
bool path_is_plain_relative(const char *path);

/* True where @name is one path component: no '/', not "", ".", "..". */
bool path_is_component(const char *name);
