/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/channel.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "vm/wire.h"

#define IN_SIZE (CHANNEL_HEADER + CHANNEL_PAYLOAD_MAX)
/* Written bytes are moved out of the way once there are this many. */
#define COMPACT_AT (256u * 1024)

struct header {
	uint32_t length;
	uint16_t type;
	uint16_t unused;
	uint32_t session;
	uint32_t sequence;
};

void channel_init(struct channel *ch, int fd, size_t out_cap)
{
	*ch = (struct channel){ .fd = fd };
	strbuf_init(&ch->out, out_cap);
	ch->in = xmalloc(IN_SIZE);
}

void channel_done(struct channel *ch)
{
	strbuf_done(&ch->out);
	free(ch->in);
	ch->in = NULL;
}

int channel_send(struct channel *ch, uint16_t type, uint32_t session, const void *data, size_t len)
{
	if (len > CHANNEL_PAYLOAD_MAX)
		return -EMSGSIZE;
	if (ch->broken)
		return -EPIPE;
	if (!strbuf_reserve(&ch->out, CHANNEL_HEADER + len)) {
		ch->out.overflow = false;
		return -ENOBUFS;
	}

	wire_put_u32(&ch->out, (uint32_t)len);
	wire_put_u16(&ch->out, type);
	wire_put_u16(&ch->out, 0);
	wire_put_u32(&ch->out, session);
	wire_put_u32(&ch->out, ch->send_sequence++);
	strbuf_add(&ch->out, data, len);
	return 0;
}

int channel_flush(struct channel *ch)
{
	while (ch->out_at < ch->out.len) {
		ssize_t n = write(ch->fd, ch->out.data + ch->out_at, ch->out.len - ch->out_at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			return -errno;
		ch->out_at += (size_t)n;
	}

	if (ch->out_at == ch->out.len) {
		strbuf_clear(&ch->out);
		ch->out_at = 0;
		return 0;
	}
	if (ch->out_at > COMPACT_AT) {
		strbuf_consume(&ch->out, ch->out_at);
		ch->out_at = 0;
	}
	return 1;
}

int channel_receive(struct channel *ch)
{
	if (ch->in_at > 0) {
		memmove(ch->in, ch->in + ch->in_at, ch->in_len - ch->in_at);
		ch->in_len -= ch->in_at;
		ch->in_at = 0;
	}
	while (ch->in_len < IN_SIZE) {
		ssize_t n = read(ch->fd, ch->in + ch->in_len, IN_SIZE - ch->in_len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		if (n == 0)
			return -ENODATA;
		ch->in_len += (size_t)n;
	}
	return 0;
}

static struct header parse_header(const uint8_t *bytes)
{
	struct wire_reader r;
	wire_reader_init(&r, bytes, CHANNEL_HEADER);
	struct header h = { .length = wire_get_u32(&r) };
	h.type = wire_get_u16(&r);
	h.unused = wire_get_u16(&r);
	h.session = wire_get_u32(&r);
	h.sequence = wire_get_u32(&r);
	return h;
}

static int broken(struct channel *ch, struct error *err, const char *why)
{
	ch->broken = true;
	return error_say(err, EBADMSG, "%s", why);
}

int channel_next(struct channel *ch, struct frame *ret, struct error *err)
{
	if (ch->broken)
		return broken(ch, err, "channel was ended by an earlier frame");
	if (ch->in_len - ch->in_at < CHANNEL_HEADER)
		return 0;

	const uint8_t *at = ch->in + ch->in_at;
	struct header h = parse_header(at);
	if (h.length > CHANNEL_PAYLOAD_MAX)
		return broken(ch, err, "frame is too long");
	if (h.unused != 0)
		return broken(ch, err, "frame has unknown bits");
	if (h.sequence != ch->recv_sequence)
		return broken(ch, err, "frame is out of sequence");
	if (ch->in_len - ch->in_at < CHANNEL_HEADER + h.length)
		return 0;

	ch->recv_sequence++;
	ch->in_at += CHANNEL_HEADER + h.length;
	*ret = (struct frame){
		.type = h.type, .session = h.session, .data = at + CHANNEL_HEADER, .len = h.length
	};
	return 1;
}
