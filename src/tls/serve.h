/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/**
 * DOC: The engine's socket over TLS
 *
 * `berth-tls --listen` stands before an engine on the same host: whoever proves to hold a certificate
 * that the authority signed is connected with the engine's unix socket, and so has all of its rights.
 * One thread a connection; beyond SERVE_MAX further ones wait to be accepted.
 */
#define SERVE_MAX 256

/**
 * tls_serve() - accept connections until killed
 * @address: "ADDRESS:PORT" to listen on, numeric
 * @folder:  of certificates
 * @socket:  the engine's
 */
must_check int tls_serve(const char *address, const char *folder, const char *socket,
			 struct error *err);

/* Parts "HOST:PORT" or "[HOST]:PORT" into two buffers; false where it is not that. */
bool tls_split_address(const char *address, char host[256], char port[8]);
