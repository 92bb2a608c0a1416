/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "base/map.h"
#include "base/strv.h"
#include "oci/digest.h"
#include "store/registry/http.h"
#include "store/registry/registry.h"

/**
 * DOC: The client's inside
 *
 * Configuration with its defaults filled in, and the layers under way: who wants to fetch a blob
 * that another pull is fetching waits for that one to end and looks again (flight_enter()).
 */
struct registry_client {
	struct http_limits limits;
	char *certs_dir;
	struct strv insecure;
	struct strv token_servers;
	unsigned parallel;
	unsigned attempts;
	int backoff_ms;

	pthread_mutex_t lock;
	pthread_cond_t landed;
	struct map *flights; /* digests being fetched */
};

/**
 * flight_enter() - become the one who fetches a blob, or wait a while for who does
 * @wait_ms: longest wait
 *
 * Return: true: the caller fetches it and calls flight_leave(); false: somebody else fetched it or
 *         still does: look whether it is here now, and enter again.
 */
bool flight_enter(struct registry_client *client, const struct digest *digest, int wait_ms);
void flight_leave(struct registry_client *client, const struct digest *digest);
