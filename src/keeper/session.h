/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "instance/keeper-protocol.h"
#include "keeper/loop.h"

/**
 * DOC: Sessions: a process, its streams, and who listens
 *
 * The instance's first process (number 0) is a session, and so is each exec. What a process writes
 * goes to the log (the first one's only) and to every attached client; what clients send goes to its
 * standard input.
 *
 *	STARTING ── session_started ──► RUNNING ── session_exited ──► EXITED
 *	    └────── session_failed ───► FAILED
 *
 * Nothing is ever buffered without end: while any client or the log has bytes that it did not take,
 * the process's output is not read, so the process itself waits in its write(2). After the exit what is
 * left in the pipes (their capacity bounds it) goes to the log and into the clients' buffers.
 */
struct backend;
struct client;
struct keeper;
struct log_sink;
struct session;

enum session_state { SESSION_STARTING, SESSION_RUNNING, SESSION_FAILED, SESSION_EXITED };

/* One direction of a process's output. */
struct output {
	struct source source; /* fd -1 once it has ended */
	struct session *session;
	uint32_t stream; /* 1 standard output (and a terminal), 2 standard error */
};

struct session {
	struct keeper *keeper;
	struct session *next;
	uint32_t exec; /* the engine's number; 0 for the first process */
	enum session_state state;
	bool terminal;
	bool stdin_open;
	bool stdin_once; /* its input ends with the first client's */
	struct output outputs[2];
	struct source input;  /* fd -1 where it has ended or there is none */
	struct log_sink *log; /* NULL: its output is not logged */
	struct client *clients;
	uint16_t rows, cols; /* asked for before there was a terminal; 0: not */
	int pid;
	int64_t started_ns; /* wall clock */
	int exit_code;
	int signal;
	void *backend_data; /* the backend's own */
};

/* Descriptors of a process's streams; negative where there is none. A terminal is @output alone. */
struct session_streams {
	int input;  /* to write to */
	int output; /* to read from */
	int error;  /* to read from */
};

struct session *session_new(struct keeper *k, uint32_t exec);
/* Ends its clients' connections as well. */
void session_free(struct session *s);
/* Gives up on what the log has not taken. */
void session_drop_log(struct session *s);

/* For backends: takes over the process's streams. */
void session_set_streams_take(struct session *s, struct session_streams *streams);
/* For backends: the program runs. @phase_ns: KEEPER_PHASE_COUNT instants, or NULL. */
void session_started(struct session *s, int pid, const int64_t *phase_ns);
/* For backends: it does not and will not. */
void session_failed(struct session *s, int exit_code, const struct error *err);
/* For backends: the process has ended. */
void session_exited(struct session *s, int exit_code, int signal);

/* For backends: the process has ended because its instance broke: @why goes into its record. */
void session_broken(struct session *s, int exit_code, const struct error *why);

/* For clients: bytes for the process; how many were taken (0: wait), or -EPIPE where input ended. */
long session_write_input(struct session *s, const char *data, size_t len);
/* For clients: this one sends no more. */
void session_input_ended(struct session *s);
/*
 * Brings the session in order after events: reads output only while no client is behind, and lets go
 * of the clients that have everything. Called by the keeper after each turn of the loop, so nothing
 * is freed while somebody still looks at it.
 */
void session_settle(struct session *s);

/* True once the process has ended, and no output and no client is left. */
bool session_is_done(const struct session *s);
