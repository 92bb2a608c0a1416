/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/json.h"
#include "cli/client/engine.h"
#include "cli/verb.h"

/**
 * DOC: Contexts: engines by name
 *
 * Kept in one file, contexts.json in the client's configuration folder (--config, BERTH_CONFIG,
 * XDG_CONFIG_HOME/berth, ~/.config/berth):
 *
 *	{"current": "lab", "contexts": {"lab": {"host": "ssh://me@lab", "description": "..."}}}
 *
 * With certificates an entry also has "tls", the folder that holds ca.pem, cert.pem and key.pem.
 * "default" is no entry: it means BERTH_HOST, DOCKER_HOST or this host's engine.
 */

#define CONTEXT_DEFAULT "default"

/**
 * context_endpoint() - find out which engine is meant
 *
 * Return: 0, or a negative errno: -ENOENT for a context that there is not.
 */
must_check int context_endpoint(const struct globals *globals, struct endpoint *ret,
				struct error *err);

/* Name of the context in force: constant for the environment's, else owned by @document. */
const char *context_current(const struct globals *globals, struct json_object *document);

/* Reads the file; a missing one gives an empty document. */
must_check int context_load(const struct globals *globals, struct json_object **ret,
			    struct error *err);
must_check int context_save(const struct globals *globals, struct json_object *document,
			    struct error *err);

/* The entry of a name, borrowed; NULL where there is none. */
struct json_object *context_find(struct json_object *document, const char *name);
