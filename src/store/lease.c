/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/alloc.h"
#include "store/store-internal.h"

struct store_lease *store_lease_new(struct store *store)
{
	struct store_lease *lease = xnew(struct store_lease);

	lease->store = store;
	lease->held = map_new(NULL);
	return lease;
}

static void unpin(struct store *store, const char *digest)
{
	uintptr_t count = (uintptr_t)map_get(store->pins, digest);

	if (count > 1)
		map_set(store->pins, digest, (void *)(count - 1));
	else
		map_remove(store->pins, digest);
}

void store_lease_collect(struct store_lease *lease)
{
	lease->collects = true;
}

void store_lease_free(struct store_lease *lease)
{
	size_t position = 0;
	const char *digest = NULL;
	auto_strv held = {};
	auto_image_removal removal = {};

	if (!lease)
		return;
	pthread_mutex_lock(&lease->store->lock);
	while (map_next(lease->held, &position, &digest)) {
		unpin(lease->store, digest);
		if (lease->collects)
			strv_add(&held, digest);
	}
	pthread_mutex_unlock(&lease->store->lock);
	if (held.count > 0)
		store_collect(lease->store, &held, &held, &removal);
	map_free(lease->held);
	free(lease);
}

struct store *store_lease_store(const struct store_lease *lease)
{
	return lease->store;
}

void lease_pin(struct store_lease *lease, const struct digest *digest)
{
	struct store *store = lease->store;

	pthread_mutex_lock(&store->lock);
	if (!map_get(lease->held, digest->text)) {
		uintptr_t count = (uintptr_t)map_get(store->pins, digest->text);
		map_set(store->pins, digest->text, (void *)(count + 1));
		map_set(lease->held, digest->text, lease);
	}
	pthread_mutex_unlock(&store->lock);
}

bool lease_is_pinned(const struct store *store, const char *digest)
{
	return map_get(store->pins, digest) != NULL;
}
