/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "oci/descriptor.h"
#include "store/registry/session.h"

/**
 * DOC: Layers side by side, and what is told about them
 *
 * A *batch* runs one function for each of several layers in a few threads, tells the caller of the
 * operation how each goes on (one call at a time, not too often), and ends all of it with the first
 * failure.
 */
struct batch;

/* One layer of a batch. */
struct batch_item {
	struct batch *batch;
	const struct descriptor *blob;
	size_t number;
	int64_t told_ns;
	int told_phase; /* -1: nothing yet */
};

struct batch {
	struct session *session;
	const struct registry_options *options;
	/* works on one item in a thread of the batch; 0 or a negative errno */
	int (*work)(struct batch_item *item, struct http *http, struct error *err);
	void *context;

	struct batch_item *items;
	size_t count;
	size_t next;
	pthread_mutex_t lock;
	int failure; /* the first one; 0: none */
	struct error err;
};

/* Adds an item for each distinct blob of @blobs, in order; @items are released by batch_done(). */
void batch_init(struct batch *b, struct session *session, const struct registry_options *options,
		const struct descriptors *blobs);
void batch_done(struct batch *b);
#define auto_batch auto_(batch_done) struct batch

/**
 * batch_tell() - tell how an item goes on
 * @context: the item
 * @from:    REGISTRY_MOUNTED: the other repository
 *
 * Return: false where the operation was cancelled or has failed.
 */
bool batch_tell(struct batch_item *item, enum registry_phase phase, uint64_t done,
		const char *from);

/* Runs @work for every item; 0 or the first failure. The calling thread works too, by @http. */
must_check int batch_run(struct batch *b, struct http *http, struct error *err);
