/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/strbuf.h"

/**
 * DOC: Writer of an initramfs
 *
 * A cpio archive in the "newc" format (https://docs.kernel.org/driver-api/early-userspace/
 * buffer-format.html), uncompressed: the guest's processor is emulated, and every byte that it need
 * not unpack is time won. Everything belongs to root and has no date, so that the same content gives
 * the same bytes and a cache can be keyed by them. Parents come before what lies in them.
 */

struct initramfs {
	struct strbuf out;
	unsigned next_inode;
};

/* @cap: most bytes of the archive. */
void initramfs_init(struct initramfs *fs, size_t cap);
void initramfs_done(struct initramfs *fs);
#define auto_initramfs auto_(initramfs_done) struct initramfs

void initramfs_add_dir(struct initramfs *fs, const char *path, mode_t mode);
void initramfs_add_file(struct initramfs *fs, const char *path, mode_t mode, const void *data,
			size_t len);
void initramfs_add_device(struct initramfs *fs, const char *path, mode_t mode, unsigned major,
			  unsigned minor);

/* Ends the archive. Return: 0, or -EFBIG where the cap was passed. */
must_check int initramfs_finish(struct initramfs *fs);
