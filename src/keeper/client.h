/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/strbuf.h"
#include "instance/keeper-protocol.h"
#include "keeper/detach-keys.h"
#include "keeper/loop.h"

/**
 * DOC: Attached clients
 *
 * A client is a stream socket that the engine passed. The keeper speaks Docker's format on it: each
 * piece behind a header of eight bytes (stream, three zeros, length in network order), or bare bytes.
 * What the client sends is the process's input; the detach keys are looked for in front of a terminal
 * only. The end of what the client sends does not end the connection: output still goes to it.
 */
struct session;

struct client {
	struct client *next;
	struct session *session;
	struct source source;
	struct keeper_attach attach;
	struct strbuf pending; /* output that the socket did not take */
	struct strbuf input;   /* what it sent and the process did not take yet */
	struct detach_keys keys;
	bool input_ended;
	bool input_told; /* the session knows that */
};

/**
 * client_new() - attach a client to a session
 * @socket_take: stream socket; taken over in any case
 * @sent:        bytes that it sent already
 */
must_check int client_new(struct session *s, int socket_take, const struct keeper_attach *attach,
			  const void *sent, size_t sent_len, struct error *err);

/* Gives a piece of output to the client, if it wants that stream. */
void client_send(struct client *c, uint32_t stream, const char *data, size_t len);

/* True while it has output that it did not take. */
bool client_is_behind(const struct client *c);

/* The session's input may take more. */
void client_push_input(struct client *c);

/* Ends the connection, tells the engine, and frees the client, which is taken off its session. */
void client_end(struct client *c, enum keeper_attach_end why);
