/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "sys/cgroup.h"

/**
 * DOC: Inside of a control group; only the cgroup*.c files include this
 */

struct cgroup {
	char *path;
	bool unified;
	/* Folders of the group, each hierarchy once: one on version 2. */
	int folders[CGROUP_CONTROLLER_COUNT];
	int parents[CGROUP_CONTROLLER_COUNT]; /* the folder above each, to remove the group from */
	size_t folder_count;
	int of[CGROUP_CONTROLLER_COUNT]; /* index into @folders for a controller; -1 without */
};

/* Writes one file of a folder; a failure names the file and the group. */
int cgroup_write(const struct cgroup *cg, int folder, const char *name, const char *text,
		 struct error *err);
