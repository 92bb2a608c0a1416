/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strbuf.h"
#include "container/container.h"

/**
 * DOC: What host and guest say to each other
 *
 *	host (keeper)                               guest (berth-guest, PID 1)
 *	                                       ◄──  READY          once, the point a template freezes at
 *	IDENTITY                               ──►  clock, entropy, name
 *	ROOT                                   ──►  which parts of the disks are layers
 *	PLAN ... START, or EXEC                ──►  starts a process: session 0, or a new one
 *	                                       ◄──  STARTED | FAILED
 *	INPUT, INPUT_END, SIGNAL, RESIZE       ──►
 *	                                       ◄──  OUTPUT, ERROR_OUTPUT, OUTPUT_END
 *	CREDIT                                 ◄─►  "so many more bytes of this stream"
 *	                                       ◄──  EXITED         after the streams' OUTPUT_END
 *	PING                                   ──►  PONG: a guest that does not answer is silent
 *	POWER_OFF                              ──►  BYE, when the file systems are written back
 *
 * A spare machine gets IDENTITY, ROOT, a PLAN and PRACTISE before it has an instance: the guest then
 * has walked the whole way once, and an emulated processor has its code translated. What it becomes
 * later gets an IDENTITY of its own.
 *
 * Session 0 is the instance's first process; others are execs, numbered by the host. A stream may
 * carry GUEST_WINDOW bytes that were not credited back; more is a fault of the sender. Every message
 * has one encoder and one decoder here, used by both sides, and each decoder checks every length:
 * the guest is an attacker to the host, and a broken host must not make the guest do odd things.
 */

#define GUEST_PROTOCOL_VERSION 1u
#define GUEST_WINDOW (256u * 1024)
#define GUEST_SESSIONS_MAX 257u
#define GUEST_LAYERS_MAX 128u
#define GUEST_ENTROPY_BYTES 64u
#define GUEST_HOSTNAME_MAX 65u
#define GUEST_RELEASE_MAX 65u
#define GUEST_PORT_NAME "org.berth.guest"

enum guest_message_type {
	/* To the guest. */
	GUEST_IDENTITY = 1,  /* struct guest_identity */
	GUEST_ROOT = 2,      /* struct guest_root */
	GUEST_PLAN = 3,      /* piece of an encoded plan; pieces of a session add up */
	GUEST_START = 4,     /* nothing: carry out the plan of session 0 */
	GUEST_EXEC = 5,      /* nothing: carry out the plan of this session */
	GUEST_INPUT = 6,     /* bytes of standard input */
	GUEST_INPUT_END = 7, /* nothing */
	GUEST_SIGNAL = 8,    /* struct guest_signal */
	GUEST_RESIZE = 9,    /* struct guest_resize */
	GUEST_PING = 10,     /* struct guest_ping: the host's clock, which a pause leaves behind */
	GUEST_POWER_OFF = 11,
	GUEST_PRACTISE = 12, /* nothing: carry out the plan of session 0 once, and forget it */

	/* From the guest. */
	GUEST_READY = 64,        /* struct guest_ready */
	GUEST_STARTED = 65,      /* struct guest_started */
	GUEST_FAILED = 66,       /* struct guest_failed */
	GUEST_OUTPUT = 67,       /* bytes of standard output, or of the terminal */
	GUEST_ERROR_OUTPUT = 68, /* bytes of standard error */
	GUEST_EXITED = 69,       /* struct guest_exited */
	GUEST_PONG = 70,         /* nothing */
	GUEST_BYE = 71,
	GUEST_PRACTISED = 72, /* nothing */

	/* Both ways. */
	GUEST_CREDIT = 128, /* struct guest_credit */
};

enum guest_stream {
	GUEST_STREAM_INPUT,
	GUEST_STREAM_OUTPUT,
	GUEST_STREAM_ERROR,
	GUEST_STREAM_COUNT
};

struct guest_identity {
	int64_t realtime_ns;
	uint8_t entropy[GUEST_ENTROPY_BYTES];
	char hostname[GUEST_HOSTNAME_MAX];
};

/* A part of the layers' disk, in bytes. */
struct guest_extent {
	uint64_t start;
	uint64_t length;
};

struct guest_layer {
	struct guest_extent index; /* EROFS */
	struct guest_extent data;  /* the tar that the index points into */
};

struct guest_root {
	uint32_t layer_count; /* the uppermost first */
	struct guest_layer layers[GUEST_LAYERS_MAX];
};

struct guest_ready {
	uint32_t version; /* GUEST_PROTOCOL_VERSION */
	char release[GUEST_RELEASE_MAX];
};

struct guest_started {
	int32_t pid;         /* inside */
	int64_t received_ns; /* CLOCK_MONOTONIC of the guest: IDENTITY came */
	int64_t phase_ns[CONTAINER_PHASE_COUNT];
};

struct guest_failed {
	int32_t exit_code;
	struct error error;
};

struct guest_exited {
	int32_t exit_code; /* 0..255; 128 + signal */
	int32_t signal;    /* or 0 */
	bool oom;
};

struct guest_signal {
	uint32_t signal;
	bool all;
};

struct guest_resize {
	uint16_t rows;
	uint16_t cols;
};

struct guest_ping {
	int64_t realtime_ns;
};

struct guest_credit {
	uint8_t stream; /* enum guest_stream */
	uint32_t bytes;
};

void guest_identity_encode(const struct guest_identity *m, struct strbuf *out);
void guest_root_encode(const struct guest_root *m, struct strbuf *out);
void guest_ready_encode(const struct guest_ready *m, struct strbuf *out);
void guest_started_encode(const struct guest_started *m, struct strbuf *out);
void guest_failed_encode(const struct guest_failed *m, struct strbuf *out);
void guest_exited_encode(const struct guest_exited *m, struct strbuf *out);
void guest_signal_encode(const struct guest_signal *m, struct strbuf *out);
void guest_resize_encode(const struct guest_resize *m, struct strbuf *out);
void guest_ping_encode(const struct guest_ping *m, struct strbuf *out);
void guest_credit_encode(const struct guest_credit *m, struct strbuf *out);

/* Each: 0, or -EBADMSG where the bytes are not this message; @ret is then not to be used. */
must_check int guest_identity_decode(const void *data, size_t len, struct guest_identity *ret);
must_check int guest_root_decode(const void *data, size_t len, struct guest_root *ret);
must_check int guest_ready_decode(const void *data, size_t len, struct guest_ready *ret);
must_check int guest_started_decode(const void *data, size_t len, struct guest_started *ret);
must_check int guest_failed_decode(const void *data, size_t len, struct guest_failed *ret);
must_check int guest_exited_decode(const void *data, size_t len, struct guest_exited *ret);
must_check int guest_signal_decode(const void *data, size_t len, struct guest_signal *ret);
must_check int guest_resize_decode(const void *data, size_t len, struct guest_resize *ret);
must_check int guest_ping_decode(const void *data, size_t len, struct guest_ping *ret);
must_check int guest_credit_decode(const void *data, size_t len, struct guest_credit *ret);
