/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "oci/auth.h"

/**
 * DOC: The user's file of credentials
 *
 * Docker's own file, ~/.docker/config.json (or config.json below $DOCKER_CONFIG), so that a login
 * made by either program serves both. Under "auths" stand servers with base 64 of "user:password";
 * where "credHelpers" names a program for a server, or "credsStore" one for all, the secret is kept
 * by that program (auth-helper.h) and the file holds only that the server is known. Everything else
 * in the file is Docker's and is written back as it was.
 *
 * Servers are written as Docker writes them: "localhost:5000", "ghcr.io", and for Docker Hub the
 * URL AUTH_DOCKER_HUB. Read, "https://host/v1/" and "host" are the same.
 */
struct auth_config;

#define AUTH_DOCKER_HUB "https://index.docker.io/v1/"

/**
 * auth_config_load() - read the file
 * @path: the file, or NULL for the user's own; one that is not there is empty
 *
 * Return: 0, -EBADMSG where it is malformed, or another negative errno.
 */
must_check int auth_config_load(const char *path, struct auth_config **ret, struct error *err);
void auth_config_free(struct auth_config *c);
DEFINE_AUTO(struct auth_config, auth_config_free);
#define auto_auth_config auto_(auth_config_freep) struct auth_config

/* Where the file is; borrowed. */
const char *auth_config_path(const struct auth_config *c);

/* "ghcr.io" for a reference's domain, AUTH_DOCKER_HUB for "docker.io"; malloc'ed. */
char *auth_server_of_domain(const char *domain);

/**
 * auth_config_get() - the credentials for a server
 * @server: as auth_server_of_domain() gives it
 * @ret:    receives them with @server filled in, otherwise empty where there are none; released by
 *          auth_done()
 *
 * Return: 0, or a negative errno where the helper that keeps them failed.
 */
must_check int auth_config_get(const struct auth_config *c, const char *server, struct auth *ret,
			       struct error *err);

/**
 * auth_config_store() - remember the credentials of @a for @a->server, and write the file
 *
 * The file is made with mode 0600, by way of a temporary one and a rename; a symbolic link is
 * followed to the file it names.
 */
must_check int auth_config_store(struct auth_config *c, const struct auth *a, struct error *err);

/**
 * auth_config_erase() - forget a server's credentials, and write the file
 *
 * Return: 0; 1 where there were none.
 */
must_check int auth_config_erase(struct auth_config *c, const char *server, struct error *err);
