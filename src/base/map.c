/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/ident.h"

/*
 * Entries lie in order of insertion; a removed one keeps its place with a NULL key until the next
 * growth packs them. The table holds entry numbers plus one and is probed linearly. The hash has a
 * random seed, since keys come from callers; one of the process's own for all maps, so that a map
 * costs no system call.
 */
struct entry {
	char *key;
	void *value;
	uint64_t hash;
};

struct map {
	struct entry *entries;
	uint32_t *table;
	size_t used; /* places of entries taken, removed ones included */
	size_t live;
	size_t slots; /* a power of two; entries has half as many places */
	void (*free_value)(void *value);
};

static uint64_t process_seed;
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void draw_seed(void)
{
	random_bytes(&process_seed, sizeof(process_seed));
}

static uint64_t hash_of(const char *key)
{
	uint64_t h = process_seed ^ 0xcbf29ce484222325ULL;

	for (; *key; key++)
		h = (h ^ (unsigned char)*key) * 0x100000001b3ULL;
	return h ^ (h >> 29);
}

struct map *map_new(void (*free_value)(void *value))
{
	struct map *m = xnew(struct map);

	m->free_value = free_value;
	(void)pthread_once(&seed_once, draw_seed);
	return m;
}

void map_free(struct map *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->used; i++) {
		if (m->entries[i].key && m->free_value)
			m->free_value(m->entries[i].value);
		free(m->entries[i].key);
	}
	free(m->entries);
	free(m->table);
	free(m);
}

static void place(struct map *m, size_t number)
{
	size_t at = m->entries[number].hash & (m->slots - 1);

	while (m->table[at])
		at = (at + 1) & (m->slots - 1);
	m->table[at] = (uint32_t)number + 1;
}

/* Packs the entries and makes room for at least one more. */
static void rebuild(struct map *m)
{
	size_t packed = 0;

	for (size_t i = 0; i < m->used; i++)
		if (m->entries[i].key)
			m->entries[packed++] = m->entries[i];
	m->used = packed;

	size_t slots = 16;
	while (slots / 2 < packed + 1 + packed / 2)
		slots *= 2;
	m->slots = slots;
	m->entries = xreallocarray(m->entries, slots / 2, sizeof(*m->entries));
	free(m->table);
	m->table = xcalloc(slots, sizeof(*m->table));
	for (size_t i = 0; i < packed; i++)
		place(m, i);
}

static struct entry *find(const struct map *m, const char *key, uint64_t hash)
{
	if (m->slots == 0)
		return NULL;
	for (size_t at = hash & (m->slots - 1); m->table[at]; at = (at + 1) & (m->slots - 1)) {
		struct entry *e = &m->entries[m->table[at] - 1];
		if (e->key && e->hash == hash && strcmp(e->key, key) == 0)
			return e;
	}
	return NULL;
}

void map_set(struct map *m, const char *key, void *value)
{
	uint64_t hash = hash_of(key);
	struct entry *e = find(m, key, hash);

	if (e) {
		if (m->free_value && e->value != value)
			m->free_value(e->value);
		e->value = value;
		return;
	}
	if (m->used == m->slots / 2)
		rebuild(m);
	m->entries[m->used] = (struct entry){ .key = xstrdup(key), .value = value, .hash = hash };
	place(m, m->used);
	m->used++;
	m->live++;
}

void *map_get(const struct map *m, const char *key)
{
	struct entry *e = find(m, key, hash_of(key));

	return e ? e->value : NULL;
}

void *map_take(struct map *m, const char *key)
{
	struct entry *e = find(m, key, hash_of(key));
	if (!e)
		return NULL;

	void *value = e->value;
	free(e->key);
	e->key = NULL;
	e->value = NULL;
	m->live--;
	return value;
}

void map_remove(struct map *m, const char *key)
{
	void *value = map_take(m, key);

	if (value && m->free_value)
		m->free_value(value);
}

size_t map_count(const struct map *m)
{
	return m->live;
}

void *map_next(const struct map *m, size_t *position, const char **ret_key)
{
	while (*position < m->used) {
		struct entry *e = &m->entries[(*position)++];
		if (!e->key)
			continue;
		if (ret_key)
			*ret_key = e->key;
		return e->value;
	}
	return NULL;
}
