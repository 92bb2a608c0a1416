/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/strv.h"

/**
 * DOC: The processes of a container as a table
 *
 * What ps(1) would print, read from /proc by who can see the processes: the engine, or the guest of a
 * virtual machine. No ps is executed, neither the host's nor the image's.
 */

struct cgroup;

/* Rows of cells. */
struct process_table {
	struct strv titles;
	struct strv *rows;
	size_t row_count;
};
void process_table_done(struct process_table *table);
#define auto_process_table auto_(process_table_done) struct process_table

/**
 * process_table_read() - list the processes of a control group
 * @id_base, @id_count: user ids from the base on are shown as the container's own; 0, 0: none are shifted
 * @ps_args: as for ps(1): "-ef" (also for "" and NULL), "aux", or "-o" with a list of columns
 *
 * Return: 0; -EINVAL for other arguments.
 */
must_check int process_table_read(const struct cgroup *cg, uint32_t id_base, uint32_t id_count,
				  const char *ps_args, struct process_table *ret,
				  struct error *err);
