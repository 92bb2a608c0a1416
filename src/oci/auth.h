/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/json.h"
#include "base/macros.h"
#include "base/strbuf.h"

/**
 * DOC: Credentials for a registry
 *
 * What the command line reads from its configuration (auth-config.h) and sends to the engine with
 * each request, in the header X-Registry-Auth: URL-safe base 64 of Docker's AuthConfig object. The
 * engine keeps none of it. Secrets are wiped when they are released.
 */
struct auth {
	char *username; /* NULL where not given, as with each string here */
	char *password;
	char *identity_token; /* to be exchanged for an access token (OAuth 2 refresh token) */
	char *registry_token; /* an access token, used as it is */
	char *server;         /* where they belong to: "host[:port]", or Docker Hub's URL */
};

void auth_done(struct auth *a);
#define auto_auth auto_(auth_done) struct auth

/* True where there is nothing to identify oneself with. */
bool auth_is_empty(const struct auth *a);

/* Replaces @to (initialised) by a copy. */
void auth_copy(struct auth *to, const struct auth *from);

/**
 * auth_from_header() - read X-Registry-Auth
 * @text: the header's value; "" gives empty credentials
 * @ret:  receives them, released by auth_done(); untouched on failure
 *
 * Return: 0 or -EINVAL.
 */
must_check int auth_from_header(const char *text, struct auth *ret, struct error *err);

/* The header's value, appended to @ret. */
void auth_to_header(const struct auth *a, struct strbuf *ret);

/**
 * auth_from_json() - read an AuthConfig object (body of POST /auth; one entry of X-Registry-Config)
 * @o: borrowed
 *
 * Return: 0 or -EINVAL.
 */
must_check int auth_from_json(struct json_object *o, struct auth *ret, struct error *err);

/* The AuthConfig object; the caller owns it. */
struct json_object *auth_json(const struct auth *a);

/* Wipes and frees a string; NULL is fine. */
void secret_free(char *secret);
