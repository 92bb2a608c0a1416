/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/strv.h"
#include "store/tar/tar.h"

/**
 * DOC: Writing tar
 *
 * A writer makes entries one after another: ustar headers, pax records in front where a value does
 * not fit. tar_write_tree() walks a tree by descriptors and follows no link; it is what export,
 * commit and copying out of an instance use.
 */

/* Takes the next bytes; 0 or a negative errno ends the writing. */
typedef int (*tar_sink_fn)(void *context, const void *data, size_t len, struct error *err);

struct tar_writer {
	tar_sink_fn sink;
	void *context;
	uint64_t written; /* bytes in all */
};

/* One entry; strings are borrowed. */
struct tar_header {
	const char *path; /* relative, without a slash at its end */
	mode_t mode;      /* type and permissions */
	uint32_t uid;
	uint32_t gid;
	uint64_t size; /* of a regular file */
	int64_t mtime_sec;
	uint32_t mtime_nsec;
	dev_t rdev;
	const char *link; /* target of a symbolic link, or path of a hard link's other name */
	bool hard_link;
	const struct tar_xattr *xattrs;
	size_t xattr_count;
};

must_check int tar_write_header(struct tar_writer *w, const struct tar_header *h,
				struct error *err);
/* Content of the entry just begun; in all exactly its size. */
must_check int tar_write_data(struct tar_writer *w, const void *data, size_t len,
			      struct error *err);
/* Fills the entry's last block. */
must_check int tar_write_pad(struct tar_writer *w, uint64_t size, struct error *err);
/* The two empty blocks at the end. */
must_check int tar_write_end(struct tar_writer *w, struct error *err);

/* A whole small file. */
must_check int tar_write_file(struct tar_writer *w, const char *path, const void *data, size_t len,
			      int64_t mtime_sec, struct error *err);

struct tar_tree_options {
	uint32_t id_shift; /* subtracted from each owner: ids of a container's user namespace */
	uint32_t id_count; /* how many ids from the shift on are the container's; 0: all */
	bool convert_whiteouts; /* overlay's marks become .wh. entries: the tree is an upper folder
				 */
	const char *prefix;     /* path put before each name; NULL: none ("./"-less, as Docker's) */
	const struct strv *skip; /* paths below the root left out with all they hold; NULL: none */
	bool cross_mounts;       /* go into what is mounted below, but for the kernel's own views */
};

/**
 * tar_write_tree() - write what lies below a folder
 * @dir_fd: the folder, which itself gets no entry; mounts below it are crossed not
 *
 * Sockets are left out, hard links within the tree are kept.
 */
must_check int tar_write_tree(struct tar_writer *w, int dir_fd,
			      const struct tar_tree_options *options, struct error *err);

/**
 * tar_write_object() - write one object and, of a folder, what lies below it
 * @fd:   the object, by an O_PATH descriptor
 * @name: its path in the tar; "" names it "/" and what is in it "/name"; NULL leaves a folder
 *        itself out
 *
 * Otherwise as tar_write_tree(); @options->prefix is not looked at.
 */
must_check int tar_write_object(struct tar_writer *w, int fd, const char *name,
				const struct tar_tree_options *options, struct error *err);
