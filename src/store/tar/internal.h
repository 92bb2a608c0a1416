/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strbuf.h"
#include "store/tar/tar.h"

/**
 * DOC: The inside of the tar parser
 *
 * header.c decodes one block of 512 bytes, pax.c the records of one pax header, tar.c is the
 * state machine between them. Everything that an extended header says about the next entry is
 * gathered in a `struct tar_extra`.
 */

#define TAR_PAX_MAX (1u << 20) /* one pax header, as Go's limit */

/* One header block, decoded; strings end with a NUL. */
struct tar_block {
	char type;
	char name[257]; /* ustar's prefix and name joined */
	char link[101];
	bool old; /* version 7: a folder is told by a slash at the end of its name */
	uint32_t mode;
	uint64_t uid;
	uint64_t gid;
	uint64_t size;
	int64_t mtime;
	uint64_t rdev_major;
	uint64_t rdev_minor;
};

/* Which values pax records gave. */
enum tar_pax_key {
	TAR_PAX_PATH = 1 << 0,
	TAR_PAX_LINK = 1 << 1,
	TAR_PAX_SIZE = 1 << 2,
	TAR_PAX_UID = 1 << 3,
	TAR_PAX_GID = 1 << 4,
	TAR_PAX_MTIME = 1 << 5,
};

struct tar_extra {
	unsigned int have; /* enum tar_pax_key */
	bool pax;          /* a pax header came */
	char *path;
	char *link;
	uint64_t size;
	uint64_t uid;
	uint64_t gid;
	int64_t mtime_sec;
	uint32_t mtime_nsec;
	char *gnu_name; /* NULL where none came */
	char *gnu_link;
	struct tar_xattr *xattrs;
	size_t xattr_count;
	size_t xattr_bytes;
};

void tar_extra_clear(struct tar_extra *extra);

/* Return: 0 or -EBADMSG. */
must_check int tar_block_decode(const uint8_t block[TAR_BLOCK], struct tar_block *ret,
				struct error *err);

/* Adds the records of a pax header for the next entry. Return: 0, -EBADMSG or -EFBIG. */
must_check int tar_pax_decode(const char *data, size_t len, struct tar_extra *extra,
			      struct error *err);

/* Checks that a global pax header changes nothing. Return: 0 or -EBADMSG. */
must_check int tar_pax_check_global(const char *data, size_t len, struct error *err);
