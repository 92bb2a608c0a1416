/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/macros.h"

/**
 * DOC: Arena
 *
 * Memory for many small objects that die together. Zeroed, aligned to 8 bytes.
 */
struct arena {
	struct arena_piece *pieces;
	char *at;
	size_t left;
};

void *arena_alloc(struct arena *arena, size_t size);
void *arena_copy(struct arena *arena, const void *data, size_t len);
void arena_done(struct arena *arena);
