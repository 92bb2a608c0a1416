/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "store/registry/session.h"

/**
 * DOC: Access tokens
 *
 * A registry that asks for Bearer names a token server (the realm). It gets the scope that is
 * wanted and, where it may have them, the user's credentials, and hands out an access token:
 * distribution specification, "Token Authentication"; OAuth 2 for identity tokens. Whoever is not
 * to have the credentials is a clear failure rather than an anonymous request: the user meant to be
 * known.
 */

/**
 * token_fetch() - get an access token for the session's scope
 * @http: the calling thread's handle
 * @ret:  receives the token, to be freed by secret_free()
 *
 * Return: 0; -EACCES where the credentials are refused or must not be sent there; -EBADMSG where
 *         the realm or the answer is malformed; else as http_perform().
 */
must_check int token_fetch(struct session *s, struct http *http, char **ret, struct error *err);

/* As token_fetch() for a login: @ret_identity receives a refresh token, or NULL. */
must_check int token_login(struct session *s, struct http *http, char **ret, char **ret_identity,
			   struct error *err);

/* The value of an Authorization header for Basic; secret_free() it. */
char *token_basic(const struct auth *auth);

/* A token must be printable: it becomes part of a header. 0 or -EBADMSG. */
must_check int token_check(const char *token, struct error *err);
