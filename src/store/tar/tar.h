/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"

/**
 * DOC: Reading tar
 *
 * A streaming parser for what image layers and image archives consist of: ustar, pax, GNU and old
 * (version 7) headers, as POSIX.1-2024 "pax" and the GNU tar manual describe them. It keeps no more
 * than one header's worth of data and calls back once per entry, then for its content.
 *
 * Two readers must never see two different trees in the same bytes, so whatever GNU tar and Go's
 * archive/tar read differently is refused: wrong checksums, a record given twice, pax and GNU long
 * names that disagree, sparse files, types that are not standard, sizes on entries without content,
 * global records that change entries, bytes between two empty blocks. Where those two agree, this
 * reader agrees with them (a pax size wins over the header's, a hard link's size counts as 0).
 *
 * Paths come out clean and relative: no leading slash, no "." or empty parts; a part ".." is refused.
 */
struct tar_parser;

#define TAR_BLOCK 512u
#define TAR_PATH_MAX 4096u /* with the NUL */
#define TAR_NAME_MAX 255u
#define TAR_DEPTH_MAX 256u
#define TAR_XATTR_BYTES_MAX (64u << 10) /* names and values of one entry */

enum tar_type {
	TAR_FILE,
	TAR_DIR,
	TAR_SYMLINK,
	TAR_HARD_LINK,
	TAR_CHAR_DEVICE,
	TAR_BLOCK_DEVICE,
	TAR_FIFO,
};

/* An extended attribute; of an entry that is read, its bytes live until the callback returns. */
struct tar_xattr {
	const char *name;
	const void *value;
	size_t len;
};

struct tar_entry {
	enum tar_type type;
	const char *path; /* clean; "" is the root, which is always a folder */
	const char *link; /* symlink: target as written; hard link: clean path */
	uint32_t mode;    /* permissions and set-id bits: at most 07777 */
	uint32_t uid;
	uint32_t gid;
	uint64_t size;        /* of a file's content; 0 for the others */
	uint64_t data_offset; /* where in the tar the content begins, a multiple of TAR_BLOCK */
	int64_t mtime_sec;
	uint32_t mtime_nsec;
	uint32_t rdev_major;
	uint32_t rdev_minor;
	const struct tar_xattr *xattrs;
	size_t xattr_count;
};

/* Callbacks; a negative errno from one ends the parsing. */
struct tar_events {
	int (*entry)(void *context, const struct tar_entry *entry, struct error *err);
	/* Content of the file told last, in pieces; NULL where it is not wanted. */
	int (*data)(void *context, const void *data, size_t len, struct error *err);
};

/**
 * tar_parser_new() - start to read a tar
 * @events:      borrowed, outlives the parser
 * @entries_max: most headers of any kind
 */
struct tar_parser *tar_parser_new(const struct tar_events *events, void *context,
				  uint64_t entries_max);
void tar_parser_free(struct tar_parser *p);
DEFINE_AUTO(struct tar_parser, tar_parser_free);
#define auto_tar_parser auto_(tar_parser_freep) struct tar_parser

/**
 * tar_parser_write() - give the next bytes
 *
 * Return: 0; -EBADMSG where the tar is malformed or ambiguous; -EFBIG past a limit; or what a
 *         callback returned. After a failure only tar_parser_free() is allowed.
 */
must_check int tar_parser_write(struct tar_parser *p, const void *data, size_t len,
				struct error *err);

/* Tells that the tar is complete. Return: 0; -EBADMSG where it ends within an entry. */
must_check int tar_parser_finish(struct tar_parser *p, struct error *err);

uint64_t tar_parser_entries(const struct tar_parser *p);

/**
 * tar_clean_path() - bring a name into the clean form
 * @name: as it stands in the archive
 * @ret:  receives the path; may be @name itself
 *
 * Return: 0; -EBADMSG for a part ".."; -ENAMETOOLONG past a limit.
 */
must_check int tar_clean_path(const char *name, char ret[TAR_PATH_MAX], struct error *err);
