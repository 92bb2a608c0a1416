/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/ident.h"
#include "container/plan/plan.h"
#include "guest/boot.h"
#include "vm/channel.h"
#include "vm/guest-protocol.h"
#include "vm/wire.h"

/**
 * DOC: A guest that belongs to an attacker
 *
 * Takes the place of berth-guest: it boots, says READY and keeps to the protocol until the host asks
 * it to start a program. The program's name is the attack that it then carries out, its argument
 * how many frames to send where that has an end:
 *
 *	berth run --vm IMAGE flood 200000
 *
 * Frames go out in batches of up to 64 KiB, as fast as the host takes them.
 */

#define BATCH_BYTES (64u * 1024)
#define OUT_CAP (4u << 20)

static struct channel channel;
/* What the attack is to be, and how much of it. */
static char attack_name[32];
static unsigned long attack_count;
/* Of the output's credit, as the protocol has it. */
static uint32_t window = GUEST_WINDOW;
/* Which of the host's messages are answered. */
static bool answers_ping = true;

static _Noreturn void stay_silent(void)
{
	for (;;)
		(void)pause();
}

/* Waits until the host takes bytes; the host's own are left unread. */
static void write_all(const void *data, size_t len)
{
	const char *at = data;
	while (len > 0) {
		ssize_t n = write(channel.fd, at, len);
		if (n > 0) {
			at += n;
			len -= (size_t)n;
			continue;
		}
		struct pollfd p = { .fd = channel.fd, .events = POLLOUT };
		if ((n < 0 && errno != EAGAIN && errno != EINTR) || poll(&p, 1, -1) < 0)
			stay_silent();
	}
}

/* ---- Frames ---------------------------------------------------------------------------------- */

struct fields {
	uint32_t length;
	uint16_t type;
	uint16_t unused;
	uint32_t session;
	uint32_t sequence;
};

static void put_frame(struct strbuf *out, const struct fields *f, const void *payload, size_t len)
{
	wire_put_u32(out, f->length);
	wire_put_u16(out, f->type);
	wire_put_u16(out, f->unused);
	wire_put_u32(out, f->session);
	wire_put_u32(out, f->sequence);
	strbuf_add(out, payload, len);
}

/* A frame as the protocol wants it, which counts. */
static void send_frame(uint16_t type, uint32_t session, const void *payload, size_t len)
{
	auto_strbuf out = STRBUF_INIT(OUT_CAP);
	put_frame(&out,
		  &(struct fields){ .length = (uint32_t)len,
				    .type = type,
				    .session = session,
				    .sequence = channel.send_sequence++ },
		  payload, len);
	write_all(out.data, out.len);
}

static void send_started(void)
{
	const struct guest_started m = { .pid = 1 };
	auto_strbuf out = STRBUF_INIT(1024);
	guest_started_encode(&m, &out);
	send_frame(GUEST_STARTED, 0, out.data, out.len);
}

static void send_exited(void)
{
	const struct guest_exited m = { .exit_code = 0 };
	auto_strbuf out = STRBUF_INIT(64);
	guest_exited_encode(&m, &out);
	send_frame(GUEST_EXITED, 0, out.data, out.len);
}

static void send_credit(uint8_t stream, uint32_t bytes)
{
	const struct guest_credit m = { .stream = stream, .bytes = bytes };
	auto_strbuf out = STRBUF_INIT(64);
	guest_credit_encode(&m, &out);
	send_frame(GUEST_CREDIT, 0, out.data, out.len);
}

static uint32_t random_u32(void)
{
	uint32_t v;
	random_bytes(&v, sizeof(v));
	return v;
}

/* One of a kind of wrong frames. */
typedef void frame_maker(struct strbuf *out);

static void make_random(struct strbuf *out)
{
	uint8_t bytes[64];
	random_bytes(bytes, sizeof(bytes));
	strbuf_add(out, bytes, sizeof(bytes));
}

/* The header is right; type, session and payload are anything. */
static void make_fuzzed(struct strbuf *out)
{
	uint8_t payload[256];
	size_t len = random_u32() % sizeof(payload);
	random_bytes(payload, len);
	put_frame(out,
		  &(struct fields){ .length = (uint32_t)len,
				    .type = (uint16_t)(GUEST_READY + random_u32() % 10),
				    .session = random_u32() % 3,
				    .sequence = channel.send_sequence++ },
		  payload, len);
}

static void make_oversized(struct strbuf *out)
{
	static const uint32_t lengths[] = { CHANNEL_PAYLOAD_MAX + 1, 1u << 20, INT32_MAX,
					    UINT32_MAX };
	put_frame(out,
		  &(struct fields){ .length = lengths[random_u32() % ARRAY_SIZE(lengths)],
				    .type = GUEST_OUTPUT,
				    .sequence = channel.send_sequence++ },
		  "x", 1);
}

/* The first frame again, and again. */
static void make_replayed(struct strbuf *out)
{
	const struct guest_started m = { .pid = 1 };
	auto_strbuf payload = STRBUF_INIT(1024);
	guest_started_encode(&m, &payload);
	put_frame(out,
		  &(struct fields){ .length = (uint32_t)payload.len,
				    .type = GUEST_STARTED,
				    .sequence = channel.send_sequence - 1 },
		  payload.data, payload.len);
}

/* Right in itself, and asked for by nobody. */
static void make_plain(struct strbuf *out, uint16_t type, uint32_t session)
{
	put_frame(out,
		  &(struct fields){
			  .type = type, .session = session, .sequence = channel.send_sequence++ },
		  NULL, 0);
}

static void make_pong(struct strbuf *out)
{
	make_plain(out, GUEST_PONG, 0);
}

static void make_bye(struct strbuf *out)
{
	make_plain(out, GUEST_BYE, 0);
}

static void make_empty_output(struct strbuf *out)
{
	make_plain(out, GUEST_OUTPUT, 0);
}

static void make_stranger(struct strbuf *out)
{
	make_plain(out, GUEST_EXITED, 1 + random_u32());
}

static void make_hosts_word(struct strbuf *out)
{
	make_plain(out, GUEST_POWER_OFF, 0);
}

static void make_unknown(struct strbuf *out)
{
	make_plain(out, (uint16_t)(200 + random_u32() % 60000), 0);
}

static _Noreturn void pour(frame_maker *make)
{
	auto_strbuf out = STRBUF_INIT(OUT_CAP);
	for (unsigned long sent = 0; attack_count == 0 || sent < attack_count;) {
		strbuf_clear(&out);
		for (; out.len < BATCH_BYTES; sent++)
			make(&out);
		write_all(out.data, out.len);
	}
	stay_silent();
}

/* ---- Attacks that are more than a frame ------------------------------------------------------- */

static void serve(void);

/* Output without end, and nothing of the host is read meanwhile. */
static void torrent(void)
{
	static const char piece[32768] = "torrent";
	for (;;)
		send_frame(GUEST_OUTPUT, 0, piece, sizeof(piece));
}

/* One byte a frame with anything in it, within the credit: the host is to take them all. */
static void flood(void)
{
	auto_strbuf out = STRBUF_INIT(OUT_CAP);
	for (unsigned long sent = 0; sent < attack_count;) {
		strbuf_clear(&out);
		for (; window > 0 && sent < attack_count && out.len < BATCH_BYTES;
		     sent++, window--) {
			uint8_t byte = (uint8_t)random_u32();
			put_frame(&out,
				  &(struct fields){ .length = 1,
						    .type = GUEST_OUTPUT,
						    .sequence = channel.send_sequence++ },
				  &byte, 1);
		}
		write_all(out.data, out.len);
		serve();
	}
	send_exited();
}

static void credit_too_much(void)
{
	send_credit(GUEST_STREAM_INPUT, GUEST_WINDOW);
}

static void credit_nothing(void)
{
	send_credit(GUEST_STREAM_INPUT, 0);
}

static void start_twice(void)
{
	send_started();
}

static void exit_twice(void)
{
	send_exited();
	send_exited();
}

/* Half a header, and never the rest. */
static void stop_halfway(void)
{
	write_all("\0\0\0\0\0\0", 6);
	stay_silent();
}

/* Speaks all the time, and answers nothing. */
static void mumble(void)
{
	answers_ping = false;
	for (;;) {
		struct pollfd p = { .fd = channel.fd, .events = POLLIN };
		send_frame(GUEST_OUTPUT, 0, ".", 1);
		(void)poll(&p, 0, 50);
		serve();
	}
}

/* Answers and does nothing: no signal ends it, and it does not switch itself off. */
static void live_on(void)
{
}

static void reset(void)
{
	(void)reboot(RB_AUTOBOOT);
}

static const struct attack {
	const char *name;
	bool unstarted; /* before STARTED was told */
	frame_maker *frames;
	void (*act)(void);
} attacks[] = {
	{ "random", false, make_random, NULL },
	{ "fuzzed", false, make_fuzzed, NULL },
	{ "oversized", false, make_oversized, NULL },
	{ "replayed", false, make_replayed, NULL },
	{ "pongs", false, make_pong, NULL },
	{ "byes", false, make_bye, NULL },
	{ "empty", false, make_empty_output, NULL },
	{ "strangers", false, make_stranger, NULL },
	{ "host", false, make_hosts_word, NULL },
	{ "unknown", false, make_unknown, NULL },
	{ "early", true, make_empty_output, NULL },
	{ "mute", true, NULL, stay_silent },
	{ "silent", false, NULL, stay_silent },
	{ "halfway", false, NULL, stop_halfway },
	{ "mumbling", false, NULL, mumble },
	{ "torrent", false, NULL, torrent },
	{ "flood", false, NULL, flood },
	{ "much-credit", false, NULL, credit_too_much },
	{ "no-credit", false, NULL, credit_nothing },
	{ "twice", false, NULL, start_twice },
	{ "two-exits", false, NULL, exit_twice },
	{ "immortal", false, NULL, live_on },
	{ "reset", false, NULL, reset },
};

static void attack(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(attacks); i++) {
		if (strcmp(attacks[i].name, attack_name) != 0)
			continue;
		if (!attacks[i].unstarted)
			send_started();
		if (attacks[i].frames)
			pour(attacks[i].frames);
		attacks[i].act();
		return;
	}
	/* Nothing that is known: an honest program that has ended. */
	send_started();
	send_exited();
}

/* ---- The honest part --------------------------------------------------------------------------- */

static void take_plan(const struct strbuf *bytes)
{
	auto_plan *plan = NULL;
	struct error err;
	if (plan_decode(bytes->data, bytes->len, &plan, &err) < 0 || plan->argv.count == 0)
		return;
	(void)snprintf(attack_name, sizeof(attack_name), "%s", plan->argv.items[0]);
	if (plan->argv.count > 1)
		attack_count = strtoul(plan->argv.items[1], NULL, 10);
}

static void handle(const struct frame *f)
{
	static struct strbuf plan = STRBUF_INIT(PLAN_BYTES_MAX);
	struct guest_credit credit;
	switch (f->type) {
	case GUEST_PLAN:
		strbuf_add(&plan, f->data, f->len);
		return;
	case GUEST_PRACTISE:
		strbuf_clear(&plan);
		send_frame(GUEST_PRACTISED, 0, NULL, 0);
		return;
	case GUEST_START:
		take_plan(&plan);
		attack();
		return;
	case GUEST_CREDIT:
		if (guest_credit_decode(f->data, f->len, &credit) == 0)
			window += credit.bytes;
		return;
	case GUEST_PING:
		if (answers_ping)
			send_frame(GUEST_PONG, 0, NULL, 0);
		return;
	default:
		return;
	}
}

/* Takes what the host has said so far. */
static void serve(void)
{
	struct frame frame;
	struct error err;
	if (channel_receive(&channel) < 0)
		stay_silent();
	/* An attack serves the host's messages in its turn: the frame is not used after it. */
	while (channel_next(&channel, &frame, &err) > 0)
		handle(&frame);
}

int main(void)
{
	struct error err = { 0 };
	struct guest_ready ready = { .version = GUEST_PROTOCOL_VERSION, .release = "hostile" };
	auto_strbuf out = STRBUF_INIT(256);
	if (boot_prepare(&err) < 0)
		return 1;
	int port = boot_open_port(&err);
	if (port < 0)
		return 1;
	channel_init(&channel, port, OUT_CAP);
	guest_ready_encode(&ready, &out);
	send_frame(GUEST_READY, 0, out.data, out.len);
	for (;;) {
		struct pollfd p = { .fd = port, .events = POLLIN };
		if (poll(&p, 1, -1) > 0)
			serve();
	}
}
