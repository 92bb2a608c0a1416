/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strbuf.h"
#include "vm/guest-protocol.h"

/**
 * DOC: The disks of a machine
 *
 * The layers' disk is put together by a VMDK descriptor, a text that lists files as "flat extents"
 * one after another; QEMU serves them as one disk. disks_add_layer() writes a layer's two files into
 * it and notes where they lie, for the guest.
 *
 * The writable disk is a sparse file with an empty ext4 file system of its full size. It is made
 * once per size by mkfs.ext4, and copied for each instance: some hundred kilobytes.
 */

struct layers_disk {
	struct strbuf descriptor;
	struct guest_root root;
	uint64_t end_bytes; /* where the next file begins */
};

void layers_disk_init(struct layers_disk *d);
void layers_disk_done(struct layers_disk *d);
#define auto_layers_disk auto_(layers_disk_done) struct layers_disk

/**
 * layers_disk_add() - append one layer, below those that were added
 * @index_bytes, @tar_bytes: sizes of the files, multiples of 512
 * @index_fd, @tar_fd:       numbers that they will have in QEMU
 *
 * Return: 0; -E2BIG past GUEST_LAYERS_MAX; -EBADMSG where a size is none of a layer.
 */
must_check int layers_disk_add(struct layers_disk *d, uint64_t index_bytes, int index_fd,
			       uint64_t tar_bytes, int tar_fd, struct error *err);

#define WRITABLE_BYTES_DEFAULT (10ULL << 30)
#define WRITABLE_BYTES_MIN (16ULL << 20)
#define WRITABLE_BYTES_MAX (16ULL << 40)

/**
 * writable_disk_make() - make an instance's writable disk where it has none
 * @templates_fd: folder where the empty disks are kept
 * @dir_fd, @name: where
 * @size_bytes:   its size; a multiple of 4096
 *
 * The disk is locked as long as the descriptor or a copy of it is open, in whatever process.
 *
 * Return: a descriptor open for reading and writing, or a negative errno; -ENOENT where mkfs.ext4 is
 *         missing; -EBUSY where another machine has the disk.
 */
int writable_disk_make(int templates_fd, int dir_fd, const char *name, uint64_t size_bytes,
		       struct error *err);

/**
 * writable_disk_copy() - a writable disk that begins as a copy of another
 * @from: the other one, of the same size
 *
 * Return: the file, open for reading and writing, or a negative errno.
 */
must_check int writable_disk_copy(int from, int dir_fd, const char *name, uint64_t size_bytes,
				  struct error *err);
