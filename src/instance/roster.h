/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/map.h"
#include "instance/record.h"

/**
 * DOC: All the records of one engine
 *
 * Finds records by id, name or beginning of an id; keeps names unique; gives out id ranges. Its
 * lock is the one that record.h calls the roster's: functions here take it themselves, and others
 * take it around the fields of records that change. It is a leaf: nothing else is locked and
 * nothing is waited for while it is held.
 */

struct roster {
	pthread_mutex_t lock;
	pthread_cond_t arrived; /* a client that was announced is there; clock: monotonic */
	struct map *by_id;      /* holds the references */
	struct map *by_name;    /* borrowed */
	uint64_t slots[ID_SLOTS / 64];
	uint32_t next_slot; /* ranges are reused as late as possible */
};

void roster_init(struct roster *roster);
void roster_done(struct roster *roster);

static inline pthread_mutex_t *roster_lock(struct roster *roster)
{
	(void)pthread_mutex_lock(&roster->lock);
	return &roster->lock;
}

static inline void roster_unlock_p(pthread_mutex_t **lock)
{
	if (*lock)
		(void)pthread_mutex_unlock(*lock);
}

/* Holds the lock to the end of the scope: `auto_roster held = roster_lock(roster);` */
#define auto_roster auto_(roster_unlock_p) __attribute__((unused)) pthread_mutex_t *

/**
 * roster_add() - make a record known
 * @r:    with its id; @r->name is the wanted name, or NULL to be given a random one; the roster
 *        takes a reference of its own
 *
 * Return: 0 or -EEXIST, with Docker's text for a name that is taken.
 */
must_check int roster_add(struct roster *roster, struct record *r, struct error *err);

/* Forgets a record and gives its name and id range back. */
void roster_remove(struct roster *roster, struct record *r);

/**
 * roster_find() - the record that a caller's reference means
 * @ret: receives a reference
 *
 * Return: 0; -ENOENT; -EINVAL where a beginning fits several ids.
 */
must_check int roster_find(struct roster *roster, const char *ref, struct record **ret,
			   struct error *err);

/* Gives @r another name: 0, -EEXIST, -EINVAL. */
must_check int roster_rename(struct roster *roster, struct record *r, const char *name,
			     struct error *err);

/* Reserves an id range for @r; -ENOSPC when all are taken. */
must_check int roster_take_slot(struct roster *roster, struct record *r, struct error *err);

/* Gives it back, of a record that never became known. */
void roster_free_slot(struct roster *roster, struct record *r);

struct record_list {
	struct record **items;
	size_t count;
};
void record_list_done(struct record_list *list);
#define auto_record_list auto_(record_list_done) struct record_list

/* References to all the records, oldest first. */
void roster_snapshot(struct roster *roster, struct record_list *ret);
