/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "files/objects.h"
#include "store/tar/write.h"

/**
 * DOC: What an instance changed
 *
 * An instance's writable layer is the upper folder of its overlay: it holds what was added or changed,
 * and overlay's marks for what was deleted. Told as a list for `diff`, and as a layer for `commit`.
 * Empty places that Berth made to mount on are nobody's changes.
 */

/* Docker's numbers. */
enum change_kind { CHANGE_MODIFIED, CHANGE_ADDED, CHANGE_DELETED, CHANGE_COUNT };

/* Gets an absolute path; a non-zero answer ends the walk and is returned. */
typedef int (*change_visit_fn)(const char *path, enum change_kind kind, void *arg);

/**
 * files_changes() - tell what differs from the image, parents first, each folder's names sorted
 * @upper_fd: the upper folder, open for reading
 * @image_fd: the root of the image alone, owners as in the upper folder
 */
must_check int files_changes(int upper_fd, int image_fd, change_visit_fn visit, void *arg,
			     struct error *err);

/**
 * files_write_layer() - write an upper folder as a layer, with OCI's whiteouts
 * @upper: the upper folder, open for reading; a negative descriptor gives an empty layer
 *
 * The same changes give the same bytes: names are sorted, nothing but the files themselves counts.
 */
must_check int files_write_layer(const struct files_root *upper, tar_sink_fn sink, void *context,
				 struct error *err);

/* Bytes of the content of all files in an upper folder. */
int64_t files_size(int upper_fd);
