/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"

/**
 * DOC: Unpacking a tar in a tree that lives
 *
 * How files are copied into an instance. Neither the tar nor the tree is trusted, and the tree may be
 * changed by its instance at each moment. So every folder is found from the root's descriptor by
 * sys/rootfs.h, every object is made and then changed by its name in such a folder, never following a
 * link, and before an object gets its owner and mode it is looked at by a descriptor once more: it must
 * be of the kind that was made, and it and its folder must belong to the instance. What belongs to
 * nobody inside, such as a folder of the host that was mounted with its own owners, is not touched:
 * the instance itself could not either.
 *
 * Rules otherwise are Docker's: links in the path of an entry are followed inside the root, missing
 * parents are made (0755), what is in the way is replaced, a folder over a folder takes the new
 * attributes. Devices and attributes: as in layers (tree.h).
 */
struct tar_unpack;

struct tar_unpack_options {
	int root_fd;       /* borrowed */
	const char *path;  /* folder in the root that the entries are below; copied */
	uint32_t id_base;  /* host id of the tree's 0 */
	uint32_t id_count; /* ids that the tree has; 0: all */
	bool keep_kinds; /* refuse to replace a folder by something else, or the other way round */
	bool own;        /* every entry belongs to @uid and @gid, whatever it says */
	uint32_t uid;
	uint32_t gid;
};

struct tar_unpack *tar_unpack_new(const struct tar_unpack_options *options);
void tar_unpack_free(struct tar_unpack *u);
DEFINE_AUTO(struct tar_unpack, tar_unpack_free);
#define auto_tar_unpack auto_(tar_unpack_freep) struct tar_unpack

/**
 * tar_unpack_write() - give the next bytes, which are not compressed
 *
 * Return: 0; -EBADMSG where it is no tar; -EINVAL where an entry can not be (@keep_kinds, an owner that
 * the tree does not have); -EACCES where something belongs to nobody inside; others of the disk.
 */
must_check int tar_unpack_write(struct tar_unpack *u, const void *data, size_t len,
				struct error *err);
must_check int tar_unpack_finish(struct tar_unpack *u, struct error *err);
