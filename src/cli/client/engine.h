/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/**
 * DOC: Where the engine is, and how it comes up
 *
 * The engine's address is, first found counts: -H, -c, BERTH_HOST, DOCKER_HOST, BERTH_CONTEXT, the
 * current context, unix:///run/berth/berth.sock. Where that last one is meant and nobody listens
 * there, the engine is started: berthd beside this program or in the folders where packages put
 * it, as `berthd --daemon`, which returns once its socket listens.
 */

#define ENGINE_SOCKET "/run/berth/berth.sock"

struct endpoint {
	char *url;      /* "unix:///...", "tcp://host:port", "ssh://user@host" */
	char *tls_dir;  /* folder of ca.pem, cert.pem, key.pem; NULL = no TLS */
	bool may_start; /* nobody there: start the engine */
};

void endpoint_done(struct endpoint *e);

/**
 * engine_connect() - connect to the engine, starting it where that is meant
 * @ret_host: receives the name for the Host header, static storage
 *
 * Return: a connected stream socket, or a negative errno with the text that users know: "Cannot
 *         connect to the Berth engine at ...".
 */
must_check int engine_connect(const struct endpoint *e, const char **ret_host, struct error *err);
