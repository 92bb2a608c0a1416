/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "base/macros.h"
#include "base/strv.h"

/**
 * DOC: Events
 *
 * What happens to instances and images is published to one hub, which keeps the latest
 * (EVENTS_KEPT) for who asks about the past and tells each listener of new ones. Publishing never
 * waits: a listener that is further behind than what is kept misses what fell out.
 */
struct event_hub;
struct event_listener;

#define EVENTS_KEPT 1024
/* Most bytes of all attributes of one event; more are left out. */
#define EVENT_ATTRIBUTES_MAX (16 * 1024)

struct event {
	const char *type;       /* constant text: "container", "image" */
	char *action;           /* Docker's word */
	char *id;               /* of what it happened to */
	struct strv attributes; /* "key=value" */
	int64_t time_ns;        /* wall clock */
};

void event_done(struct event *e);
#define auto_event auto_(event_done) struct event

struct event_hub *event_hub_new(void);
/* No listener may be left. */
void event_hub_free(struct event_hub *hub);
DEFINE_AUTO(struct event_hub, event_hub_free);

/* Takes over what @take holds. */
void event_publish(struct event_hub *hub, struct event *take);

/* Shorthand for an image: @name is its reference, or its id where it has none. */
void event_publish_image(struct event_hub *hub, const char *action, const char *id,
			 const char *name);

/* Shorthand for a prune of @type ("container", "image"), which gave @bytes back. */
void event_publish_prune(struct event_hub *hub, const char *type, int64_t bytes);

/**
 * event_listen() - begin to listen
 * @past: also what is kept of the past, else from now on
 * @ret:  released by event_listener_free()
 *
 * Return: 0, or a negative errno where there is no descriptor left.
 */
must_check int event_listen(struct event_hub *hub, bool past, struct event_listener **ret,
			    struct error *err);
void event_listener_free(struct event_listener *l);
DEFINE_AUTO(struct event_listener, event_listener_free);

/* Becomes readable when something may be there for event_next(). */
int event_listener_fd(const struct event_listener *l);

/* Copies the next event to @ret, which is empty before; false where there is none yet. */
bool event_next(struct event_listener *l, struct event *ret);

/* Docker's JSON for an event. */
struct json_object *event_json(const struct event *e);
