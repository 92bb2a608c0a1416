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
struct loaded_plan {
	struct plan *plan;
	void *bytes; /* a private copy: nobody can change it after it was checked */
};

#define LOADED_PLAN_NONE   \
	{                  \
		NULL, NULL \
	}

must_check int loaded_plan_read(int fd, struct loaded_plan *ret, struct error *err);
void loaded_plan_done(struct loaded_plan *f);
