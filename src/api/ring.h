/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/macros.h"

/**
 * DOC: A bounded pipe between two threads
 *
 * Carries a request's body to its handler and a handler's stream to its client. A writer that is
 * ahead waits, so a slow reader slows the writer down and memory never grows past the ring's size.
 * Each side is closed by itself: a reader sees the end once the writer has closed and all is read,
 * a writer sees -EPIPE once the reader has closed.
 */
struct ring;

struct ring *ring_new(size_t size);
void ring_free(struct ring *r);
DEFINE_AUTO(struct ring, ring_free);
#define auto_ring auto_(ring_freep) struct ring

/* Writes everything, waiting for room; 0, or -EPIPE. */
must_check int ring_write(struct ring *r, const void *data, size_t len);

/* Waits for at least one byte, takes at most @len; 0 at the end. */
size_t ring_read(struct ring *r, void *data, size_t len);

/* Bytes that can be written without waiting; only the writer's own writes make it fewer. */
size_t ring_room(struct ring *r);

void ring_close_writer(struct ring *r);
void ring_close_reader(struct ring *r);
