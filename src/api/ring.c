/* SPDX-License-Identifier: Apache-2.0 */
#include "api/ring.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"

struct ring {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool writer_closed, reader_closed;
	size_t size;
	size_t start; /* of what is held */
	size_t held;
	char data[];
};

struct ring *ring_new(size_t size)
{
	struct ring *r = xmalloc(sizeof(*r) + size);

	memset(r, 0, sizeof(*r));
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->changed, NULL);
	r->size = size;
	return r;
}

void ring_free(struct ring *r)
{
	if (!r)
		return;
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Copies what fits behind what is held; the lock is held. */
static size_t put(struct ring *r, const char *data, size_t len)
{
	size_t count = smaller(len, r->size - r->held);
	size_t at = (r->start + r->held) % r->size;
	size_t first = smaller(count, r->size - at);

	memcpy(r->data + at, data, first);
	memcpy(r->data, data + first, count - first);
	r->held += count;
	return count;
}

int ring_write(struct ring *r, const void *data, size_t len)
{
	const char *from = data;
	int result = 0;

	pthread_mutex_lock(&r->lock);
	while (len > 0 && result == 0) {
		while (r->held == r->size && !r->reader_closed)
			pthread_cond_wait(&r->changed, &r->lock);
		if (r->reader_closed) {
			result = -EPIPE;
			continue;
		}
		size_t count = put(r, from, len);
		from += count;
		len -= count;
		pthread_cond_broadcast(&r->changed);
	}
	if (r->reader_closed)
		result = -EPIPE;
	pthread_mutex_unlock(&r->lock);
	return result;
}

size_t ring_read(struct ring *r, void *data, size_t len)
{
	pthread_mutex_lock(&r->lock);
	while (r->held == 0 && !r->writer_closed)
		pthread_cond_wait(&r->changed, &r->lock);

	size_t count = smaller(len, r->held);
	size_t first = smaller(count, r->size - r->start);
	memcpy(data, r->data + r->start, first);
	memcpy((char *)data + first, r->data, count - first);
	r->start = (r->start + count) % r->size;
	r->held -= count;
	if (count > 0)
		pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	return count;
}

size_t ring_room(struct ring *r)
{
	pthread_mutex_lock(&r->lock);
	size_t room = r->size - r->held;
	pthread_mutex_unlock(&r->lock);
	return room;
}

static void close_side(struct ring *r, bool *side)
{
	pthread_mutex_lock(&r->lock);
	*side = true;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

void ring_close_writer(struct ring *r)
{
	close_side(r, &r->writer_closed);
}

void ring_close_reader(struct ring *r)
{
	close_side(r, &r->reader_closed);
}
