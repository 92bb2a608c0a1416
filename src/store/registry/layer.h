/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "oci/descriptor.h"
#include "store/registry/session.h"

/**
 * DOC: One layer from a registry into the store
 *
 * The bytes go straight from the connection into a layer ingest (ingest.h), which hashes, inflates
 * and indexes them in passing. A connection that breaks is taken up at the next byte by a Range
 * request; a server that cannot do that sends all again and what is known is skipped: the digest
 * decides in the end. Attempts are counted anew after each LAYER_HEADWAY bytes, so that a large
 * layer over a bad line arrives while a server that gives one byte at a time does not hold us.
 */
struct store_lease;

struct layer_transfer {
	struct session *session;
	struct store_lease *lease;
	const char *path; /* the repository */
	const struct descriptor *blob;
	const struct digest *diff_id;
	/* tells how it goes on; false cancels */
	bool (*report)(void *context, enum registry_phase phase, uint64_t done);
	void *context;
};

/**
 * layer_fetch() - have a layer in the store
 * @http: the calling thread's handle
 *
 * Waits where another pull fetches the same blob.
 *
 * Return: 0 where it was fetched; 1 where it was or came here without us; or a negative errno.
 */
must_check int layer_fetch(const struct layer_transfer *t, struct http *http, struct error *err);
