/* SPDX-License-Identifier: Apache-2.0 */
#include "store/registry/progress.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/map.h"

#define TELL_EVERY_NS (100 * NSEC_PER_MSEC)
#define THREADS_MAX 16

void batch_init(struct batch *b, struct session *session, const struct registry_options *options,
		const struct descriptors *blobs)
{
	auto_map *seen = map_new(NULL);

	b->session = session;
	b->options = options;
	b->items = xcalloc(blobs->count ? blobs->count : 1, sizeof(*b->items));
	for (size_t i = 0; i < blobs->count; i++) {
		const struct descriptor *d = &blobs->items[i];
		if (map_get(seen, d->digest.text))
			continue;
		map_set(seen, d->digest.text, b);
		b->items[b->count++] = (struct batch_item){
			.batch = b,
			.blob = d,
			.number = i,
			.told_phase = -1,
		};
	}
	(void)pthread_mutex_init(&b->lock, NULL);
}

void batch_done(struct batch *b)
{
	if (!b->items)
		return;
	free(b->items);
	(void)pthread_mutex_destroy(&b->lock);
}

static bool changes_often(enum registry_phase phase)
{
	return phase == REGISTRY_DOWNLOADING || phase == REGISTRY_UPLOADING ||
	       phase == REGISTRY_WAITING;
}

bool batch_tell(struct batch_item *item, enum registry_phase phase, uint64_t done, const char *from)
{
	struct batch *b = item->batch;
	const struct registry_options *o = b->options;

	if (atomic_load(&b->session->cancelled))
		return false;
	int64_t now = clock_monotonic();
	if (!o->progress || (item->told_phase == (int)phase && changes_often(phase) &&
			     now - item->told_ns < TELL_EVERY_NS))
		return true;

	item->told_phase = (int)phase;
	item->told_ns = now;
	const struct registry_progress p = {
		.digest = &item->blob->digest,
		.phase = phase,
		.done_bytes = done,
		.total_bytes = item->blob->size,
		.from = from,
	};
	(void)pthread_mutex_lock(&b->lock);
	bool go_on = o->progress(o->context, &p);
	(void)pthread_mutex_unlock(&b->lock);
	if (!go_on)
		atomic_store(&b->session->cancelled, true);
	return go_on;
}

static void fail_batch(struct batch *b, int r, const struct error *err)
{
	(void)pthread_mutex_lock(&b->lock);
	if (b->failure == 0) {
		b->failure = r;
		b->err = *err;
	}
	(void)pthread_mutex_unlock(&b->lock);
	atomic_store(&b->session->cancelled, true);
}

static struct batch_item *take_item(struct batch *b)
{
	struct batch_item *item = NULL;

	(void)pthread_mutex_lock(&b->lock);
	if (b->failure == 0 && b->next < b->count)
		item = &b->items[b->next++];
	(void)pthread_mutex_unlock(&b->lock);
	return item;
}

static void work_off(struct batch *b, struct http *http)
{
	for (struct batch_item *item; (item = take_item(b));) {
		struct error err = {};
		int r = b->work(item, http, &err);
		if (r < 0)
			fail_batch(b, r, &err);
	}
}

static void *run_thread(void *context)
{
	struct batch *b = context;
	auto_http *http = session_http(b->session);

	work_off(b, http);
	return NULL;
}

/* Threads start with every signal blocked: signals are the program's, not ours. */
static size_t start_threads(struct batch *b, pthread_t *threads, size_t count)
{
	sigset_t all;
	sigset_t before;
	size_t started = 0;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	while (started < count && pthread_create(&threads[started], NULL, run_thread, b) == 0)
		started++;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

int batch_run(struct batch *b, struct http *http, struct error *err)
{
	pthread_t threads[THREADS_MAX];
	size_t wanted = b->session->client->parallel;

	if (wanted > b->count)
		wanted = b->count;
	if (wanted > THREADS_MAX)
		wanted = THREADS_MAX;
	/* fewer threads than wanted do the same work */
	size_t started = wanted > 1 ? start_threads(b, threads, wanted - 1) : 0;
	work_off(b, http);
	for (size_t i = 0; i < started; i++)
		(void)pthread_join(threads[i], NULL);
	if (b->failure < 0 && err)
		*err = b->err;
	return b->failure;
}
