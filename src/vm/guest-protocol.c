/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/guest-protocol.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/printable.h"
#include "vm/wire.h"

#define SIGNAL_MAX 64u
#define ERRNO_MAX 4095

void guest_identity_encode(const struct guest_identity *m, struct strbuf *out)
{
	wire_put_u64(out, (uint64_t)m->realtime_ns);
	strbuf_add(out, m->entropy, sizeof(m->entropy));
	wire_put_text(out, m->hostname);
}

int guest_identity_decode(const void *data, size_t len, struct guest_identity *ret)
{
	struct wire_reader r;
	wire_reader_init(&r, data, len);
	ret->realtime_ns = (int64_t)wire_get_u64(&r);
	wire_get_raw(&r, ret->entropy, sizeof(ret->entropy));
	wire_get_text(&r, ret->hostname, sizeof(ret->hostname));
	return wire_end(&r) && ret->realtime_ns >= 0 ? 0 : -EBADMSG;
}

static void extent_encode(const struct guest_extent *e, struct strbuf *out)
{
	wire_put_u64(out, e->start);
	wire_put_u64(out, e->length);
}

static bool extent_decode(struct wire_reader *r, struct guest_extent *ret)
{
	ret->start = wire_get_u64(r);
	ret->length = wire_get_u64(r);
	return ret->start % 512 == 0 && ret->length % 512 == 0 && ret->length > 0 &&
	       ret->start <= INT64_MAX && ret->length <= INT64_MAX - ret->start;
}

void guest_root_encode(const struct guest_root *m, struct strbuf *out)
{
	wire_put_u32(out, m->layer_count);
	for (uint32_t i = 0; i < m->layer_count; i++) {
		extent_encode(&m->layers[i].index, out);
		extent_encode(&m->layers[i].data, out);
	}
}

int guest_root_decode(const void *data, size_t len, struct guest_root *ret)
{
	struct wire_reader r;
	wire_reader_init(&r, data, len);
	ret->layer_count = wire_get_u32(&r);
	if (ret->layer_count > GUEST_LAYERS_MAX)
		return -EBADMSG;
	for (uint32_t i = 0; i < ret->layer_count; i++)
		if (!extent_decode(&r, &ret->layers[i].index) ||
		    !extent_decode(&r, &ret->layers[i].data))
			return -EBADMSG;
	return wire_end(&r) ? 0 : -EBADMSG;
}

void guest_ready_encode(const struct guest_ready *m, struct strbuf *out)
{
	wire_put_u32(out, m->version);
	wire_put_text(out, m->release);
}

int guest_ready_decode(const void *data, size_t len, struct guest_ready *ret)
{
	struct wire_reader r;
	wire_reader_init(&r, data, len);
	ret->version = wire_get_u32(&r);
	wire_get_text(&r, ret->release, sizeof(ret->release));
	return wire_end(&r) ? 0 : -EBADMSG;
}

void guest_started_encode(const struct guest_started *m, struct strbuf *out)
{
	wire_put_u32(out, (uint32_t)m->pid);
	wire_put_u64(out, (uint64_t)m->received_ns);
	for (size_t i = 0; i < CONTAINER_PHASE_COUNT; i++)
		wire_put_u64(out, (uint64_t)m->phase_ns[i]);
}

int guest_started_decode(const void *data, size_t len, struct guest_started *ret)
{
	struct wire_reader r;
	wire_reader_init(&r, data, len);
	ret->pid = (int32_t)wire_get_u32(&r);
	ret->received_ns = (int64_t)wire_get_u64(&r);
	for (size_t i = 0; i < CONTAINER_PHASE_COUNT; i++)
		ret->phase_ns[i] = (int64_t)wire_get_u64(&r);
	return wire_end(&r) ? 0 : -EBADMSG;
}

void guest_failed_encode(const struct guest_failed *m, struct strbuf *out)
{
	wire_put_u32(out, (uint32_t)m->exit_code);
	wire_put_u32(out, (uint32_t)-m->error.code);
	wire_put_text(out, m->error.text);
}

int guest_failed_decode(const void *data, size_t len, struct guest_failed *ret)
{
	struct wire_reader r;
	wire_reader_init(&r, data, len);
	ret->exit_code = (int32_t)wire_get_u32(&r);
	uint32_t code = wire_get_u32(&r);
	wire_get_text(&r, ret->error.text, sizeof(ret->error.text));
	if (!wire_end(&r) || code > ERRNO_MAX || ret->exit_code < 0 || ret->exit_code > 255)
		return -EBADMSG;
	ret->error.code = -(int)code;
	/* what a guest says is shown to a user, on one line */
	printable_make(ret->error.text, strlen(ret->error.text), "");
	return 0;
}

void guest_exited_encode(const struct guest_exited *m, struct strbuf *out)
{
	wire_put_u32(out, (uint32_t)m->exit_code);
	wire_put_u32(out, (uint32_t)m->signal);
	wire_put_u8(out, m->oom);
}

int guest_exited_decode(const void *data, size_t len, struct guest_exited *ret)
{
	struct wire_reader r;
	wire_reader_init(&r, data, len);
	ret->exit_code = (int32_t)wire_get_u32(&r);
	ret->signal = (int32_t)wire_get_u32(&r);
	uint8_t oom = wire_get_u8(&r);
	ret->oom = oom == 1;
	if (!wire_end(&r) || oom > 1 || ret->exit_code < 0 || ret->exit_code > 255 ||
	    ret->signal < 0 || (uint32_t)ret->signal > SIGNAL_MAX)
		return -EBADMSG;
	return 0;
}

void guest_signal_encode(const struct guest_signal *m, struct strbuf *out)
{
	wire_put_u32(out, m->signal);
	wire_put_u8(out, m->all);
}

int guest_signal_decode(const void *data, size_t len, struct guest_signal *ret)
{
	struct wire_reader r;
	wire_reader_init(&r, data, len);
	ret->signal = wire_get_u32(&r);
	uint8_t all = wire_get_u8(&r);
	ret->all = all == 1;
	return wire_end(&r) && all <= 1 && ret->signal <= SIGNAL_MAX ? 0 : -EBADMSG;
}

void guest_resize_encode(const struct guest_resize *m, struct strbuf *out)
{
	wire_put_u16(out, m->rows);
	wire_put_u16(out, m->cols);
}

int guest_resize_decode(const void *data, size_t len, struct guest_resize *ret)
{
	struct wire_reader r;
	wire_reader_init(&r, data, len);
	ret->rows = wire_get_u16(&r);
	ret->cols = wire_get_u16(&r);
	return wire_end(&r) ? 0 : -EBADMSG;
}

void guest_ping_encode(const struct guest_ping *m, struct strbuf *out)
{
	wire_put_u64(out, (uint64_t)m->realtime_ns);
}

int guest_ping_decode(const void *data, size_t len, struct guest_ping *ret)
{
	struct wire_reader r;
	wire_reader_init(&r, data, len);
	ret->realtime_ns = (int64_t)wire_get_u64(&r);
	return wire_end(&r) && ret->realtime_ns >= 0 ? 0 : -EBADMSG;
}

void guest_credit_encode(const struct guest_credit *m, struct strbuf *out)
{
	wire_put_u8(out, m->stream);
	wire_put_u32(out, m->bytes);
}

int guest_credit_decode(const void *data, size_t len, struct guest_credit *ret)
{
	struct wire_reader r;
	wire_reader_init(&r, data, len);
	ret->stream = wire_get_u8(&r);
	ret->bytes = wire_get_u32(&r);
	if (!wire_end(&r) || ret->stream >= GUEST_STREAM_COUNT || ret->bytes > GUEST_WINDOW)
		return -EBADMSG;
	return 0;
}
