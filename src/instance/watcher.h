/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/macros.h"

struct keeper;

/**
 * DOC: The one thread that listens to all keepers
 *
 * Reads every connection given to it until its end and reaps the keeper's process where it is a
 * child of this engine. It never blocks on one keeper; callbacks that would are to hand over to a
 * thread of their own.
 */
struct watcher;

must_check int watcher_new(struct watcher **ret, struct error *err);
/* Stops the thread; the keepers go on. */
void watcher_free(struct watcher *w);
DEFINE_AUTO(struct watcher, watcher_free);

/**
 * watcher_add() - from now on the watcher is the thread that reads @k
 *
 * Takes a reference of its own. A connection that has ended already is found so at once.
 */
must_check int watcher_add(struct watcher *w, struct keeper *k, struct error *err);
