/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "api/http/http.h"
#include "instance/manager.h"

/**
 * DOC: A program's streams for a client
 *
 * Docker's clients attach in two ways. With "Upgrade: tcp" the connection becomes bare after a 101
 * and a keeper gets the socket itself. Without it Docker answers 200 and goes on bare as well; here
 * the engine does, too, and carries the bytes of both directions itself.
 */

/* Attaches: the instance's or the exec session's name and the streams are in @attach's owner. */
typedef int attach_start(void *arg, const struct attach *attach, struct error *err);

struct relay {
	struct attach attach; /* without socket and pending bytes */
	bool tty;
	char *detach_keys;
	attach_start *start;
	void *arg;
	void (*free_arg)(void *arg);
};

/**
 * relay_begin() - answer a request by a program's streams
 * @take: allocated by the caller, released by this
 */
int relay_begin(struct http_request *rq, struct relay *take, struct error *err);

/* Docker's content type for a stream of a program with or without a terminal. */
const char *stream_content_type(const struct http_request *rq, bool tty);
