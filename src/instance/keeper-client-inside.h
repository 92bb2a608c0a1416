/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "instance/keeper-client.h"

/**
 * DOC: What the files of the engine's side of a keeper share
 *
 *	keeper-client.c  the object, requests, who waits
 *	keeper-reader.c  what a keeper tells, and the renewal of a connection that broke
 */

/* A request whose reply somebody waits for, on the waiting thread's stack. */
struct keeper_pending {
	uint32_t serial;
	bool answered;
	struct error answer;
	struct keeper_pending *next;
};

/* Takes the keeper's lock for the rest of the scope. */
#define auto_held auto_(keeper_unlock_p) __attribute__((unused)) pthread_mutex_t *

static inline pthread_mutex_t *keeper_lock(struct keeper *k)
{
	(void)pthread_mutex_lock(&k->lock);
	return &k->lock;
}

static inline void keeper_unlock_p(pthread_mutex_t **lock)
{
	(void)pthread_mutex_unlock(*lock);
}

/* The end of a process that was not told; the lock is held. */
void keeper_presume_killed(struct keeper_exec *exec);

/* A keeper that does not read must not hold a thread for ever. */
void keeper_limit_sending(int fd);

/* Whether a connection that breaks now is made anew; the lock is held. */
bool keeper_is_renewable(const struct keeper *k);
