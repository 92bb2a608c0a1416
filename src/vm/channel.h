/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strbuf.h"

/**
 * DOC: The channel between host and guest
 *
 * A byte stream (a virtio-serial port on one side, QEMU's socket on the other) cut into frames:
 *
 *	 0        4      6        8          12          16
 *	 +--------+------+--------+----------+-----------+----------
 *	 | length | type | unused | session  | sequence  | payload
 *	 +--------+------+--------+----------+-----------+----------
 *
 * little-endian; @length counts the payload only and is at most CHANNEL_PAYLOAD_MAX. @sequence
 * counts the frames of one direction from 0: a frame that was replayed, lost or made up in the
 * middle shows. Neither side believes the other: the first frame that is not right ends the channel
 * for good (every later call fails), since nothing after it can be trusted to be where it seems.
 *
 * The descriptor is non-blocking and the caller polls it. What is sent is kept until it could be
 * written, up to a cap; a caller that passes the cap has not kept to the credit of guest-protocol.h.
 * The descriptor stays the caller's.
 */

#define CHANNEL_HEADER 16
#define CHANNEL_PAYLOAD_MAX (64u * 1024 - CHANNEL_HEADER)

/* How far a conversation has come, as its host sees it: a guest that was frozen goes on from there. */
struct channel_counts {
	uint32_t sent;
	uint32_t received;
};

struct channel {
	int fd;
	uint32_t send_sequence;
	uint32_t recv_sequence;
	struct strbuf out;
	size_t out_at; /* bytes of @out that were written */
	uint8_t *in;   /* one frame's room */
	size_t in_len;
	size_t in_at; /* bytes of @in that were given out */
	bool broken;
};

struct frame {
	uint16_t type;
	uint32_t session;
	const void *data; /* valid until the next call on the channel */
	size_t len;
};

/* @out_cap: most bytes kept for sending. */
void channel_init(struct channel *ch, int fd, size_t out_cap);
void channel_done(struct channel *ch);

/**
 * channel_send() - queue one frame
 *
 * Return: 0; -EMSGSIZE where the payload is too long, -ENOBUFS past the cap.
 */
must_check int channel_send(struct channel *ch, uint16_t type, uint32_t session, const void *data,
			    size_t len);

/**
 * channel_flush() - write what is queued, as far as the descriptor takes it
 *
 * Return: 0 when all is written, 1 when some is left (poll for POLLOUT), or a negative errno.
 */
int channel_flush(struct channel *ch);

/**
 * channel_receive() - read what has come, as far as there is room
 *
 * Return: 0; -ENODATA at the end of the stream; or another negative errno.
 */
int channel_receive(struct channel *ch);

/**
 * channel_next() - take the next whole frame of what was received
 *
 * To be called until it gives 0, before channel_receive() is called again.
 *
 * Return: 1 with @ret filled, 0 where no whole frame is there, or -EBADMSG with the reason.
 */
int channel_next(struct channel *ch, struct frame *ret, struct error *err);

/* Bytes that are queued and not written. */
static inline size_t channel_queued(const struct channel *ch)
{
	return ch->out.len - ch->out_at;
}
