/* SPDX-License-Identifier: Apache-2.0 */
#include "store/registry/client.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"

#define PARALLEL_DEFAULT 3
#define ATTEMPTS_DEFAULT 6
#define CONNECT_TIMEOUT_MS 20000
#define ANSWER_TIMEOUT_MS 60000
#define STALL_TIMEOUT_MS 30000
#define BACKOFF_MS 300

static void init_curl(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
}

static int or_default(int value, int otherwise)
{
	return value > 0 ? value : otherwise;
}

struct registry_client *registry_client_new(const struct registry_config *config)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	static const struct registry_config none = {};
	const struct registry_config *c = config ? config : &none;
	struct registry_client *client = xnew(struct registry_client);
	pthread_condattr_t monotonic;

	(void)pthread_once(&once, init_curl);
	client->certs_dir = xstrdup_or_null(c->certs_dir);
	if (c->insecure)
		strv_copy(&client->insecure, c->insecure);
	if (c->token_servers)
		strv_copy(&client->token_servers, c->token_servers);
	client->parallel = c->parallel ? c->parallel : PARALLEL_DEFAULT;
	client->attempts = c->attempts ? c->attempts : ATTEMPTS_DEFAULT;
	client->backoff_ms = or_default(c->backoff_ms, BACKOFF_MS);
	client->limits = (struct http_limits){
		.certs_dir = client->certs_dir,
		.insecure = &client->insecure,
		.connect_timeout_ms = or_default(c->connect_timeout_ms, CONNECT_TIMEOUT_MS),
		.answer_timeout_ms = or_default(c->answer_timeout_ms, ANSWER_TIMEOUT_MS),
		.stall_timeout_ms = or_default(c->stall_timeout_ms, STALL_TIMEOUT_MS),
	};
	client->flights = map_new(NULL);
	(void)pthread_mutex_init(&client->lock, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&client->landed, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	return client;
}

void registry_client_free(struct registry_client *client)
{
	if (!client)
		return;
	free(client->certs_dir);
	strv_done(&client->insecure);
	strv_done(&client->token_servers);
	map_free(client->flights);
	(void)pthread_mutex_destroy(&client->lock);
	(void)pthread_cond_destroy(&client->landed);
	free(client);
}

bool flight_enter(struct registry_client *client, const struct digest *digest, int wait_ms)
{
	int64_t until = clock_monotonic() + wait_ms * NSEC_PER_MSEC;
	struct timespec deadline = {
		.tv_sec = until / NSEC_PER_SEC,
		.tv_nsec = until % NSEC_PER_SEC,
	};
	bool mine = false;

	(void)pthread_mutex_lock(&client->lock);
	if (!map_get(client->flights, digest->text)) {
		map_set(client->flights, digest->text, client);
		mine = true;
	} else {
		(void)pthread_cond_timedwait(&client->landed, &client->lock, &deadline);
	}
	(void)pthread_mutex_unlock(&client->lock);
	return mine;
}

void flight_leave(struct registry_client *client, const struct digest *digest)
{
	(void)pthread_mutex_lock(&client->lock);
	map_remove(client->flights, digest->text);
	(void)pthread_cond_broadcast(&client->landed);
	(void)pthread_mutex_unlock(&client->lock);
}

char *registry_domain_of_server(const char *server)
{
	const char *scheme = strstr(server, "://");
	const char *host = scheme ? scheme + 3 : server;
	size_t len = strcspn(host, "/");
	auto_free char *domain = xstrndup(host, len);

	if (strcmp(domain, "index.docker.io") == 0 || strcmp(domain, "registry-1.docker.io") == 0 ||
	    domain[0] == '\0')
		return xstrdup(REFERENCE_DEFAULT_DOMAIN);
	return take_ptr(domain);
}
