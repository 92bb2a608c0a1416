/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "oci/descriptor.h"
#include "store/registry/session.h"

/**
 * DOC: One blob from the store to a registry
 *
 *	HEAD blob ── there ──────────────────────────────────────────► exists
 *	   │ not there
 *	POST uploads/?mount= ── 201 ─────────────────────────────────► mounted
 *	   │ 202, Location
 *	PATCH Location, the bytes ── broken ──► GET Location: how many arrived? ─► PATCH the rest
 *	   │ 202, Location
 *	PUT Location?digest= ── 201 ─────────────────────────────────► sent
 *
 * The registry compares the digest at the end. Each Location may lead to another host, by https:
 * that one gets the bytes and no credentials.
 */
struct store;

struct upload {
	struct session *session;
	struct store *store;
	const char *path;       /* repository */
	const char *mount_from; /* another repository there that may have it; NULL: none */
	const struct descriptor *blob;
	/* tells how it goes on; false cancels */
	bool (*report)(void *context, enum registry_phase phase, uint64_t done);
	void *context;
};

/**
 * upload_blob() - have a blob in the registry
 * @ret: receives REGISTRY_EXISTS, REGISTRY_MOUNTED or REGISTRY_UPLOADED
 */
must_check int upload_blob(const struct upload *u, struct http *http, enum registry_phase *ret,
			   struct error *err);
