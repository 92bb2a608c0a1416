/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <sys/epoll.h>

#include "base/error.h"
#include "base/macros.h"

/**
 * DOC: The event loop
 *
 * One epoll instance, one thread, level-triggered. A `struct source` is embedded in what owns the
 * descriptor; the loop never closes one. A source may be removed at any time, also by another
 * source's function: what is still to be told to it in the present round is dropped.
 */

struct loop;

struct source {
	int fd;
	uint32_t events; /* EPOLLIN, EPOLLOUT; 0: only EPOLLHUP and EPOLLERR are told */
	void (*ready)(struct source *s, uint32_t events);
	struct loop *loop; /* NULL while not added */
};

struct loop *loop_new(struct error *err);
void loop_free(struct loop *l);
DEFINE_AUTO(struct loop, loop_free);
#define auto_loop auto_(loop_freep) struct loop

/* Adds @s, whose fd, events and ready are set. */
must_check int loop_add(struct loop *l, struct source *s, struct error *err);
/* Changes what is waited for; on a source that was not added it does nothing. */
void loop_watch(struct source *s, uint32_t events);
/* Removes @s before its descriptor is closed; on a source that was not added it does nothing. */
void loop_remove(struct source *s);

/* Waits for events and tells them; 0 or a negative errno. */
must_check int loop_turn(struct loop *l, int timeout_ms, struct error *err);

/* The structure that @member is embedded in. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
