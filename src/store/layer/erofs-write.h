/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "store/tree/tree.h"

/**
 * DOC: Writing an EROFS index
 *
 * An index is an EROFS file system without file content: each file is one chunk on a second device,
 * which is the layer's uncompressed tar as it is. Content in a tar begins at multiples of 512 bytes, so
 * blocks have 512 bytes (Linux 6.4 and newer read that).
 *
 *	0     empty
 *	1024  super block
 *	1152  device table: one slot, the tar
 *	1536  inodes, each with its attributes and behind them a small folder's entries, a short
 *	      symbolic link's target or a file's chunk index; the root is the first
 *	...   blocks of larger folders and longer targets
 *
 * The image depends on nothing but tree and tar: the same layer gives the same bytes.
 */

struct erofs_options {
	uint64_t tar_size;   /* bytes of the tar */
	const char *tag;     /* hexadecimal diff-id, kept in the device slot; at most 64 digits */
	const uint8_t *uuid; /* 16 bytes */
};

/**
 * erofs_write() - write the index of a tree
 * @tree: each file's word (tree_add()) is where its content begins in the tar, in bytes; the tree is
 *        used up: only tree_free() is allowed afterwards
 * @fd:   an empty file, written from its offset on
 *
 * Return: 0; -EFBIG past what the format can address; or a negative errno of the disk.
 */
must_check int erofs_write(struct tree *tree, const struct erofs_options *options, int fd,
			   struct error *err);
