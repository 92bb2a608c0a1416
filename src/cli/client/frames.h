/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/**
 * DOC: Docker's multiplexed stream
 *
 * Eight bytes before each piece of output: the stream's number, three zero bytes, the length in big
 * endian. 1 is standard output, 2 standard error; Berth's compound requests add 3, one JSON object
 * a frame. The reader is fed what came and gives it out piece by piece without copying: a large
 * frame comes in several pieces.
 */

enum { FRAME_INPUT, FRAME_OUTPUT, FRAME_ERRORS, FRAME_CONTROL };

struct frame_reader {
	unsigned char head[8];
	size_t head_len;
	uint32_t left; /* of the present frame */
};

struct frame_piece {
	int stream;
	const char *data; /* inside what was fed */
	size_t len;
	bool last; /* ends its frame */
};

/**
 * frame_next() - take the next piece out of @data
 * @data:     bytes not yet taken
 * @len:      how many
 * @ret_used: receives how many of them were taken, the piece's own included
 * @ret:      receives the piece
 *
 * Return: true with a piece; false where more bytes are needed (@ret_used counts then too).
 */
must_check bool frame_next(struct frame_reader *f, const char *data, size_t len, size_t *ret_used,
			   struct frame_piece *ret);

/* True between two frames: where a stream may end. */
bool frame_at_start(const struct frame_reader *f);
