/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "oci/auth.h"

/**
 * DOC: Credential helpers
 *
 * Programs named docker-credential-<name> that keep secrets in the desktop's key ring or get them
 * from a cloud, by Docker's protocol: one word as argument (get, store, erase), the question on
 * standard input, JSON on standard output. They are run by the command line as the user, never by
 * the engine, and only from the folders where packages install programs: nothing in $PATH decides.
 */

/**
 * auth_helper_get() - ask a helper
 * @name: what stands behind "docker-credential-"
 * @ret:  receives the credentials; released by auth_done()
 *
 * Return: 0; -ENOENT where the helper knows none; -EINVAL for a malformed name; -ENOPKG where it is
 *         not installed; -EPROTO where it failed or answered nonsense; -ETIMEDOUT.
 */
must_check int auth_helper_get(const char *name, const char *server, struct auth *ret,
			       struct error *err);
must_check int auth_helper_store(const char *name, const struct auth *a, struct error *err);
must_check int auth_helper_erase(const char *name, const char *server, struct error *err);
