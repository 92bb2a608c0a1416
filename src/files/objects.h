/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"
#include "store/tar/write.h"

/**
 * DOC: Work on an instance's files
 *
 * What the verbs on files do, apart from where the files are: the engine does it for a container, whose
 * root it can see, and the guest of a virtual machine for itself, since no kernel but the guest's may
 * mount what a guest has written. Both run this code, so a copy, a diff or a layer is the same whatever
 * isolates the instance.
 *
 * Everything starts at a descriptor of the root, and sys/rootfs.h goes on from there. Nothing that is
 * found is executed or loaded.
 */

/* A root and whose ids are seen in it. */
struct files_root {
	int fd;            /* O_PATH will do */
	uint32_t id_base;  /* owners in it are shifted by so much */
	uint32_t id_count; /* ids that are the instance's; 0: all, and none is shifted */
};

/* What lies at a path, a link at its end not followed. */
struct path_stat {
	char *name; /* last part of the path */
	char *link; /* where a symbolic link leads, absolute, all links followed; "" for others */
	uint64_t size;
	mode_t mode;
	int64_t mtime_ns;
};
void path_stat_done(struct path_stat *stat);
#define auto_path_stat auto_(path_stat_done) struct path_stat

/**
 * files_find() - find the object that a caller's path means
 * @name: the instance's, for messages
 * @path: Docker's rules: "dir/" must be a folder, "dir/." stands for what is in it
 * @ret:  receives what lies there
 *
 * Return: an O_PATH descriptor, or a negative errno: -ENOENT; -EINVAL for what is no folder and should.
 */
int files_find(const struct files_root *root, const char *name, const char *path,
	       struct path_stat *ret, struct error *err);

/**
 * files_write() - write one object with all below it as a tar, its two empty blocks included
 * @root: whose owners are shifted
 * @fd:   the object, by an O_PATH descriptor
 * @name: in the tar (copy_path_archive_name()); NULL: the object is a whole root, which is written as an
 *        image holds it, without what is mounted in it
 *
 * Return: 0 or a negative errno, the sink's among them.
 */
must_check int files_write(const struct files_root *root, int fd, const char *name,
			   tar_sink_fn sink, void *context, struct error *err);

struct tar_unpack;

struct files_unpack {
	const char *path; /* the folder, links followed */
	bool keep_kinds;  /* a folder is not replaced by something else, nor the other way round */
	const char *user; /* owners become this one, a name or number of the root's; NULL: stay */
};

/**
 * files_unpack() - begin to unpack a plain tar in a folder of the root
 * @ret: receives what takes it; tar_unpack_free()
 *
 * Return: 0; -ENOENT; -EINVAL where the path is no folder; -ENOENT for a user that nobody knows.
 */
must_check int files_unpack(const struct files_root *root, const char *name,
			    const struct files_unpack *options, struct tar_unpack **ret,
			    struct error *err);
