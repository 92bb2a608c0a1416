/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/roster.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "instance/names.h"

static void unref_value(void *value)
{
	record_unref(value);
}

void roster_init(struct roster *roster)
{
	pthread_condattr_t monotonic;

	*roster = (struct roster){
		.by_id = map_new(unref_value),
		.by_name = map_new(NULL),
	};
	(void)pthread_mutex_init(&roster->lock, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&roster->arrived, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
}

void roster_done(struct roster *roster)
{
	map_free(roster->by_name);
	map_free(roster->by_id);
	(void)pthread_cond_destroy(&roster->arrived);
	(void)pthread_mutex_destroy(&roster->lock);
}

static int refuse_taken(const struct record *holder, const char *name, struct error *err)
{
	return error_say(err, EEXIST,
			 "Conflict. The container name \"/%s\" is already in use by container "
			 "\"%s\". You have to remove (or rename) that container to be able to "
			 "reuse that name.",
			 name, holder->id);
}

static char *free_random_name(const struct roster *roster)
{
	char name[INSTANCE_NAME_MAX + 1];
	unsigned int attempt = 0;

	do
		name_random(attempt++, name);
	while (map_get(roster->by_name, name));
	return xstrdup(name);
}

int roster_add(struct roster *roster, struct record *r, struct error *err)
{
	auto_roster held = roster_lock(roster);

	if (!r->name)
		r->name = free_random_name(roster);
	const struct record *holder = map_get(roster->by_name, r->name);
	if (holder)
		return refuse_taken(holder, r->name, err);

	map_set(roster->by_id, r->id, record_ref(r));
	map_set(roster->by_name, r->name, r);
	if (r->slot != ID_SLOT_NONE)
		roster->slots[r->slot / 64] |= UINT64_C(1) << (r->slot % 64);
	return 0;
}

static void give_slot_back(struct roster *roster, struct record *r)
{
	if (r->slot != ID_SLOT_NONE)
		roster->slots[r->slot / 64] &= ~(UINT64_C(1) << (r->slot % 64));
	r->slot = ID_SLOT_NONE;
}

void roster_free_slot(struct roster *roster, struct record *r)
{
	auto_roster held = roster_lock(roster);
	give_slot_back(roster, r);
}

void roster_remove(struct roster *roster, struct record *r)
{
	struct record *known;
	{
		auto_roster held = roster_lock(roster);
		r->removed = true;
		give_slot_back(roster, r);
		known = map_take(roster->by_id, r->id);
		if (map_get(roster->by_name, r->name) == r)
			(void)map_take(roster->by_name, r->name);
	}
	record_unref(known);
}

static struct record *find_by_prefix(const struct roster *roster, const char *prefix,
				     bool *ret_several)
{
	struct record *found = NULL;
	struct record *r;
	size_t len = strlen(prefix);
	size_t position = 0;
	const char *id;

	while ((r = map_next(roster->by_id, &position, &id))) {
		if (strncmp(id, prefix, len) != 0)
			continue;
		*ret_several = found != NULL;
		if (*ret_several)
			return NULL;
		found = r;
	}
	return found;
}

int roster_find(struct roster *roster, const char *ref, struct record **ret, struct error *err)
{
	auto_roster held = roster_lock(roster);
	bool several = false;

	struct record *r = map_get(roster->by_id, ref);
	if (!r)
		r = map_get(roster->by_name, ref[0] == '/' ? ref + 1 : ref);
	if (!r && *ref)
		r = find_by_prefix(roster, ref, &several);
	if (several)
		return error_say(err, EINVAL, "Multiple IDs found with provided prefix: %s", ref);
	if (!r)
		return error_say(err, ENOENT, "No such container: %s", ref);
	*ret = record_ref(r);
	return 0;
}

int roster_rename(struct roster *roster, struct record *r, const char *name, struct error *err)
{
	int checked = name_check(name, err);
	if (checked < 0)
		return checked;

	auto_roster held = roster_lock(roster);
	if (strcmp(r->name, name) == 0)
		return error_say(err, EINVAL,
				 "Renaming a container with the same name as its current name");
	const struct record *holder = map_get(roster->by_name, name);
	if (holder)
		return refuse_taken(holder, name, err);
	(void)map_take(roster->by_name, r->name);
	free(r->name);
	r->name = xstrdup(name);
	map_set(roster->by_name, r->name, r);
	return 0;
}

int roster_take_slot(struct roster *roster, struct record *r, struct error *err)
{
	auto_roster held = roster_lock(roster);

	for (uint32_t tried = 0; tried < ID_SLOTS; tried++) {
		uint32_t slot = (roster->next_slot + tried) % ID_SLOTS;
		uint64_t bit = UINT64_C(1) << (slot % 64);
		if (roster->slots[slot / 64] & bit)
			continue;
		roster->slots[slot / 64] |= bit;
		roster->next_slot = (slot + 1) % ID_SLOTS;
		r->slot = slot;
		return 0;
	}
	return error_say(err, ENOSPC, "all %u id ranges for user namespaces are taken", ID_SLOTS);
}

void record_list_done(struct record_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		record_unref(list->items[i]);
	free(list->items);
	*list = (struct record_list){};
}

void roster_snapshot(struct roster *roster, struct record_list *ret)
{
	auto_roster held = roster_lock(roster);
	size_t position = 0;
	struct record *r;

	*ret = (struct record_list){
		.items = xcalloc(map_count(roster->by_id) + 1, sizeof(struct record *)),
	};
	while ((r = map_next(roster->by_id, &position, NULL)))
		ret->items[ret->count++] = record_ref(r);
}
