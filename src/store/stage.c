/* SPDX-License-Identifier: Apache-2.0 */
#include "store/stage.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define SLOTS 8u
#define SLOT_SIZE (256u << 10)

struct slot {
	size_t len;
	char data[SLOT_SIZE];
};

struct stage {
	stage_fn handle;
	void *context;
	pthread_t thread;
	bool joined;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	size_t put;   /* slots filled so far */
	size_t taken; /* slots handled so far */
	bool ended;   /* nothing more will be put */
	bool dropped; /* nothing more shall be handled */
	int result;
	struct error err;
	struct slot *slots;
};

/* The slot to handle next, or NULL at the end. */
static struct slot *wait_for_slot(struct stage *s)
{
	struct slot *slot = NULL;

	pthread_mutex_lock(&s->lock);
	while (s->put == s->taken && !s->ended)
		pthread_cond_wait(&s->changed, &s->lock);
	if (s->put > s->taken && !s->dropped && s->result == 0)
		slot = &s->slots[s->taken % SLOTS];
	pthread_mutex_unlock(&s->lock);
	return slot;
}

static void *run(void *argument)
{
	struct stage *s = argument;
	struct slot *slot;

	while ((slot = wait_for_slot(s)) != NULL) {
		struct error err = { 0 };
		int r = s->handle(s->context, slot->data, slot->len, &err);

		pthread_mutex_lock(&s->lock);
		s->taken++;
		if (r < 0) {
			s->result = r;
			s->err = err;
		}
		pthread_cond_broadcast(&s->changed);
		pthread_mutex_unlock(&s->lock);
	}
	return NULL;
}

struct stage *stage_new(stage_fn handle, void *context)
{
	struct stage *s = xnew(struct stage);

	s->handle = handle;
	s->context = context;
	s->slots = xmalloc(SLOTS * sizeof(struct slot));
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	if (pthread_create(&s->thread, NULL, run, s) != 0) {
		s->joined = true;
		stage_free(s);
		return NULL;
	}
	return s;
}

static int put_piece(struct stage *s, const char *data, size_t len, struct error *err)
{
	pthread_mutex_lock(&s->lock);
	while (s->put - s->taken == SLOTS && s->result == 0)
		pthread_cond_wait(&s->changed, &s->lock);
	int r = s->result;
	if (r < 0 && err)
		*err = s->err;
	pthread_mutex_unlock(&s->lock);
	if (r < 0)
		return r;

	/* A slot between taken and put belongs to the thread, the others to us. */
	struct slot *slot = &s->slots[s->put % SLOTS];
	memcpy(slot->data, data, len);
	slot->len = len;

	pthread_mutex_lock(&s->lock);
	s->put++;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	return 0;
}

int stage_put(struct stage *s, const void *data, size_t len, struct error *err)
{
	const char *at = data;

	while (len > 0) {
		size_t piece = len < SLOT_SIZE ? len : SLOT_SIZE;
		int r = put_piece(s, at, piece, err);
		if (r < 0)
			return r;
		at += piece;
		len -= piece;
	}
	return 0;
}

static void join(struct stage *s, bool drop)
{
	if (s->joined)
		return;
	pthread_mutex_lock(&s->lock);
	s->ended = true;
	s->dropped = drop;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	s->joined = true;
}

int stage_end(struct stage *s, struct error *err)
{
	join(s, false);
	if (s->result < 0 && err)
		*err = s->err;
	return s->result;
}

void stage_free(struct stage *s)
{
	if (!s)
		return;
	join(s, true);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->changed);
	free(s->slots);
	free(s);
}
