/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"

/**
 * DOC: An instance's files, seen by the engine
 *
 * A view is a descriptor of an instance's root, from which sys/rootfs.h goes on; the engine never
 * names, executes or loads anything that is found there. A running instance is seen through its own
 * mount namespace. For one that does not run its root is put together once more: its layers, shifted
 * into its range of ids, below its writable layer. In both the owners of files are host ids from
 * @id_base on; @id_count is 0 where they are not shifted.
 *
 * A view to write to is held only while no start can come in between: with the record's @verbs.
 */

struct image_layers;
struct manager;
struct record;
struct store;

enum root_use {
	ROOT_BARE,  /* to read, without what is mounted in it: as an image would hold it */
	ROOT_READ,  /* to read, as the instance sees it */
	ROOT_WRITE, /* to write, as the instance sees it */
};

struct root_view {
	int fd;
	bool running;
	uint32_t id_base;
	uint32_t id_count;
	struct image_layers *layers; /* lent by @store meanwhile */
	struct store *store;
};

#define ROOT_VIEW_NONE   \
	{                \
		.fd = -1 \
	}
void root_view_done(struct root_view *view);
#define auto_root_view auto_(root_view_done) struct root_view

must_check int container_root_open(struct manager *m, struct record *r, enum root_use use,
				   struct root_view *ret, struct error *err);

/* The layers of the image alone, shifted as in a view. */
must_check int container_image_open(struct manager *m, struct record *r, struct root_view *ret,
				    struct error *err);

/* Opens "upper" of an instance's writable layer; -ENOENT where it never ran. */
int container_upper_open(struct manager *m, struct record *r, struct error *err);

/* Makes the two folders of a writable layer where they are missing. They belong to the container's
 * first id, or copying up fails. */
must_check int writable_layer_make(const struct record *r, int state_fd, struct error *err);
