/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"
#include "store/tree/tree.h"

/**
 * DOC: Writing a layer as a folder
 *
 * Where EROFS cannot be mounted, the content of each file is written to a numbered file of a staging
 * folder while the tar streams by, and the finished tree (tree.h) is then built of folders that this
 * process makes itself, each through the descriptor of the one above it, with names that are single
 * components and did not exist before. No path and no link of the archive is ever looked up in a file
 * system, so there is none that could lead out.
 */

#define STAGING_NAME 24

/* The name of staged file @number. */
void staging_name(uint64_t number, char ret[STAGING_NAME]);

/**
 * folder_write() - build a tree in a folder
 * @tree:       each file's word (tree_add()) is the number of its staged file; the tree is used up
 * @staging_fd: folder of the staged files; what is not moved from there stays
 * @root_fd:    an empty folder of the same file system, which becomes the tree's root
 *
 * Nothing is synced.
 */
must_check int folder_write(struct tree *tree, int staging_fd, int root_fd, struct error *err);
