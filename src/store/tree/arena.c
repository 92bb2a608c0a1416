/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tree/arena.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define ARENA_PIECE (256u << 10)

struct arena_piece {
	struct arena_piece *next;
};

void *arena_alloc(struct arena *arena, size_t size)
{
	size = (size + 7) & ~(size_t)7;
	if (size > arena->left) {
		size_t room = size > ARENA_PIECE ? size : ARENA_PIECE;
		struct arena_piece *piece = xcalloc(1, sizeof(*piece) + room);

		piece->next = arena->pieces;
		arena->pieces = piece;
		arena->at = (char *)(piece + 1);
		arena->left = room;
	}

	void *p = arena->at;
	arena->at += size;
	arena->left -= size;
	return p;
}

void *arena_copy(struct arena *arena, const void *data, size_t len)
{
	return memcpy(arena_alloc(arena, len), data, len);
}

void arena_done(struct arena *arena)
{
	while (arena->pieces) {
		struct arena_piece *next = arena->pieces->next;
		free(arena->pieces);
		arena->pieces = next;
	}
	*arena = (struct arena){ 0 };
}
