/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"

/**
 * DOC: Docker's multiplexed stream
 *
 * Eight bytes before each piece: the stream's number, three zero bytes, the piece's length, big
 * endian. Berth's compound requests (/berth/run, /berth/instances/{id}/exec) add stream 3: one JSON
 * object a frame, which says how the request goes on.
 */

enum frame_stream { FRAME_STDIN, FRAME_STDOUT, FRAME_STDERR, FRAME_CONTROL };

#define FRAME_HEADER 8

void frame_header(enum frame_stream stream, size_t len, uint8_t ret[FRAME_HEADER]);

/* How long a peer that reads nothing is waited for. */
#define SOCKET_SEND_TIMEOUT_MS 30000

/**
 * socket_send() - write everything to a socket, which may be non-blocking
 *
 * Return: 0, or a negative errno: -ETIMEDOUT where the peer took nothing for
 * SOCKET_SEND_TIMEOUT_MS.
 */
must_check int socket_send(int socket, const void *data, size_t len);

/* Sends one control frame; takes @take over. */
must_check int frame_send_control(int socket, struct json_object *take);
