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
#define FRAME_TIMEOUT_MS 30000

/* Sends one control frame; takes @take over. */
must_check int frame_send_control(int socket, struct json_object *take);
