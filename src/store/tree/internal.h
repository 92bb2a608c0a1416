/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/**
 * DOC: What a layer may bring
 *
 * The decisions of tree.h about names, attributes and devices, apart from the tree itself.
 */

#define TREE_WHITEOUT_PREFIX ".wh."
#define TREE_META_PREFIX ".wh..wh."
#define TREE_OPAQUE_MARKER ".wh..wh..opq"

enum tree_name {
	TREE_NAME_PLAIN,
	TREE_NAME_MARKER,  /* the last part is a whiteout or the opaque marker */
	TREE_NAME_DROPPED, /* aufs' own */
	TREE_NAME_REFUSED, /* something below a whiteout */
};

/* What a clean path means by its names. */
enum tree_name tree_classify(const char *path);

bool tree_keeps_xattr(const char *name);
bool tree_keeps_device(bool character, uint32_t major, uint32_t minor);
