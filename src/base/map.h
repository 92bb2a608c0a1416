/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/macros.h"

/**
 * DOC: Maps from strings to pointers
 *
 * Keys are copied. Values belong to the caller, unless the map was made with a destructor, which is
 * then called for a value that is replaced or removed. Iteration is in order of insertion; removing
 * the entry just visited is allowed.
 */
struct map;

struct map *map_new(void (*free_value)(void *value));
void map_free(struct map *m);
DEFINE_AUTO(struct map, map_free);
#define auto_map auto_(map_freep) struct map

void map_set(struct map *m, const char *key, void *value);
void *map_get(const struct map *m, const char *key);
/* Removes @key and gives its value without destroying it; NULL where it is not there. */
void *map_take(struct map *m, const char *key);
void map_remove(struct map *m, const char *key);
size_t map_count(const struct map *m);

/* Position 0 starts; gives NULL at the end. */
void *map_next(const struct map *m, size_t *position, const char **ret_key);
