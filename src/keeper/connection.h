/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"

/**
 * DOC: Connected engines
 *
 * Each is a SOCK_SEQPACKET socket that speaks instance/keeper-protocol.h. As a rule there is one. An
 * engine that does not read what it is told is let go: it can connect again and ask.
 */
struct connection;
struct keeper;

/* Takes over a connected socket. */
must_check int connection_add(struct keeper *k, int socket_take, struct error *err);

struct connection *connection_next(struct connection *c);

/* Carries out what lies ready in every connection. */
void connections_serve(struct keeper *k);

void connection_send(struct connection *c, uint32_t type, uint32_t serial, uint32_t exec,
		     const void *payload, size_t len);

/* Frees all connections. */
void connections_end(struct keeper *k);
