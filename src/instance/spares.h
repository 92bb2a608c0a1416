/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <pthread.h>
#include <stddef.h>

#include "base/error.h"

/**
 * DOC: Spare folders
 *
 * Making the folders of an instance costs more than all else that the engine does for its start:
 * a file system such as ext4 looks for free inodes, and passes over those that were freed a moment
 * ago. So a few are made ahead, behind the callers' backs, each with "upper" and "work"; a start
 * takes one by a rename. A folder is used for one instance only and never comes back.
 */

#define SPARES_MAX 8
#define SPARE_NAME 17

struct spares {
	int fd; /* folder that holds them */
	pthread_mutex_t lock;
	size_t count;
	char names[SPARES_MAX][SPARE_NAME];
};

/* Starts without any; what an earlier engine left in "spare" below @state_dir is removed. */
must_check int spares_init(struct spares *spares, const char *state_dir, struct error *err);
void spares_done(struct spares *spares);

/* Moves one to @dir_fd as @name; -ENOENT where there is none. */
int spares_take(struct spares *spares, int dir_fd, const char *name);

/* Makes as many as are missing. */
must_check int spares_refill(struct spares *spares, struct error *err);
