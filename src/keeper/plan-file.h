/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"

struct plan;

/**
 * DOC: Plans in memory files
 *
 * A plan's strings point into the bytes that it was read from, so both are kept together.
 */
struct plan_file {
	struct plan *plan;
	void *bytes; /* a private copy: nobody can change it after it was checked */
};

#define PLAN_FILE_NONE  \
	{               \
		NULL, NULL \
	}

must_check int plan_file_read(int fd, struct plan_file *ret, struct error *err);
void plan_file_done(struct plan_file *f);
