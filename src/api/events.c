/* SPDX-License-Identifier: Apache-2.0 */
#include "api/events.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"

struct event_listener {
	struct event_hub *hub;
	int fd;        /* eventfd */
	uint64_t next; /* serial of the next event */
	LIST_ENTRY(event_listener) link;
};

LIST_HEAD(event_listeners, event_listener);

struct event_hub {
	pthread_mutex_t lock;
	struct event kept[EVENTS_KEPT]; /* at serial % EVENTS_KEPT */
	uint64_t next;                  /* serial of the next event; the first is 0 */
	struct event_listeners listeners;
};

void event_done(struct event *e)
{
	free(e->action);
	free(e->id);
	strv_done(&e->attributes);
	*e = (struct event){ 0 };
}

struct event_hub *event_hub_new(void)
{
	struct event_hub *hub = xnew(struct event_hub);

	pthread_mutex_init(&hub->lock, NULL);
	LIST_INIT(&hub->listeners);
	return hub;
}

void event_hub_free(struct event_hub *hub)
{
	if (!hub)
		return;
	for (size_t i = 0; i < EVENTS_KEPT; i++)
		event_done(&hub->kept[i]);
	pthread_mutex_destroy(&hub->lock);
	free(hub);
}

/* Leaves out what goes past the cap: labels are of any size. */
static void limit_attributes(struct strv *attributes)
{
	size_t bytes = 0;

	for (size_t i = 0; i < attributes->count;) {
		size_t len = strlen(attributes->items[i]);

		if (bytes + len > EVENT_ATTRIBUTES_MAX) {
			strv_remove(attributes, i);
			continue;
		}
		bytes += len;
		i++;
	}
}

void event_publish(struct event_hub *hub, struct event *take)
{
	struct event_listener *l;

	limit_attributes(&take->attributes);
	pthread_mutex_lock(&hub->lock);
	struct event *place = &hub->kept[hub->next++ % EVENTS_KEPT];
	event_done(place);
	*place = *take;
	*take = (struct event){ 0 };
	LIST_FOREACH(l, &hub->listeners, link)
	(void)eventfd_write(l->fd, 1);
	pthread_mutex_unlock(&hub->lock);
}

void event_publish_image(struct event_hub *hub, const char *action, const char *id,
			 const char *name)
{
	struct event e = {
		.type = "image",
		.action = xstrdup(action),
		.id = xstrdup(id),
		.time_ns = clock_now(),
	};

	strv_addf(&e.attributes, "name=%s", name);
	event_publish(hub, &e);
}

void event_publish_prune(struct event_hub *hub, const char *type, int64_t bytes)
{
	struct event e = {
		.type = type,
		.action = xstrdup("prune"),
		.id = xstrdup(""),
		.time_ns = clock_now(),
	};

	strv_addf(&e.attributes, "reclaimed=%lld", (long long)bytes);
	event_publish(hub, &e);
}

int event_listen(struct event_hub *hub, bool past, struct event_listener **ret, struct error *err)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return error_set(err, errno, "make an eventfd");
	struct event_listener *l = xnew(struct event_listener);
	l->hub = hub;
	l->fd = fd;
	pthread_mutex_lock(&hub->lock);
	l->next = past ? 0 : hub->next;
	if (past && hub->next > 0)
		(void)eventfd_write(fd, 1);
	LIST_INSERT_HEAD(&hub->listeners, l, link);
	pthread_mutex_unlock(&hub->lock);
	*ret = l;
	return 0;
}

void event_listener_free(struct event_listener *l)
{
	if (!l)
		return;
	pthread_mutex_lock(&l->hub->lock);
	LIST_REMOVE(l, link);
	pthread_mutex_unlock(&l->hub->lock);
	close(l->fd);
	free(l);
}

int event_listener_fd(const struct event_listener *l)
{
	return l->fd;
}

static void event_copy(struct event *to, const struct event *from)
{
	to->type = from->type;
	to->action = xstrdup(from->action);
	to->id = xstrdup(from->id);
	to->time_ns = from->time_ns;
	strv_copy(&to->attributes, &from->attributes);
}

bool event_next(struct event_listener *l, struct event *ret)
{
	struct event_hub *hub = l->hub;
	eventfd_t count;

	pthread_mutex_lock(&hub->lock);
	if (hub->next > EVENTS_KEPT && l->next < hub->next - EVENTS_KEPT)
		l->next = hub->next - EVENTS_KEPT;
	bool found = l->next < hub->next;
	if (found)
		event_copy(ret, &hub->kept[l->next++ % EVENTS_KEPT]);
	else
		(void)!eventfd_read(l->fd, &count); /* nothing left to be told of */
	pthread_mutex_unlock(&hub->lock);
	return found;
}

static const char *attribute(const struct event *e, const char *key)
{
	return env_get(&e->attributes, key);
}

static struct json_object *event_actor(const struct event *e)
{
	struct json_object *o = json_object_new_object();
	struct json_object *attributes = json_object_new_object();

	for (size_t i = 0; i < e->attributes.count; i++) {
		const char *text = e->attributes.items[i];
		size_t len = strcspn(text, "=");
		auto_free char *key = xstrndup(text, len);
		json_add_string(attributes, key, text[len] ? text + len + 1 : "");
	}
	json_add_string(o, "ID", e->id);
	json_add(o, "Attributes", attributes);
	return o;
}

struct json_object *event_json(const struct event *e)
{
	struct json_object *o = json_object_new_object();

	/* the first three are what clients read before 1.22; containers and images still have them */
	json_add_string(o, "status", e->action);
	json_add_string(o, "id", e->id);
	if (attribute(e, "image"))
		json_add_string(o, "from", attribute(e, "image"));
	json_add_string(o, "Type", e->type);
	json_add_string(o, "Action", e->action);
	json_add(o, "Actor", event_actor(e));
	json_add_string(o, "scope", "local");
	json_add_int(o, "time", e->time_ns / NSEC_PER_SEC);
	json_add_int(o, "timeNano", e->time_ns);
	return o;
}
