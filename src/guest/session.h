/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strbuf.h"
#include "container/container.h"
#include "vm/channel.h"
#include "vm/guest-protocol.h"

/**
 * DOC: A process in the guest and its streams
 *
 *	LOADING ── PLAN pieces ──► (START, EXEC) ──► STARTING ──► RUNNING ──► EXITED ──► gone
 *	                                                └── FAILED, gone
 *
 * Output is read only while the host has granted room for it (window) and the channel takes it, so
 * a process whose reader is slow waits in its own write(2). Input that the process did not take yet
 * is kept here, bounded by what was granted to the host; what was taken is granted again.
 */

enum session_state { SESSION_LOADING, SESSION_STARTING, SESSION_RUNNING, SESSION_EXITED };

struct session {
	struct session *next;
	uint32_t id;
	enum session_state state;
	struct strbuf plan;
	bool terminal;
	struct container_process process;
	int input_fd; /* the same as outputs[0] for a terminal; -1 where it has ended */
	struct strbuf input;
	uint32_t input_due; /* taken by the process, not yet granted again */
	bool input_ended;
	struct {
		int fd; /* -1 once it has ended */
		uint32_t window;
	} outputs[2];
	uint16_t rows, cols;
	int exit_code;
	int signal;
};

/* Places that a session fills in a poll(2) list. */
#define SESSION_POLLS 5

struct session *session_new(uint32_t id);
void session_free(struct session *s);

/**
 * session_open_streams() - make the pipes of a process that gets no terminal
 * @stdin_open: else standard input is Berth's /dev/null
 * @ret: receives the process's ends, to be closed by session_close_streams()
 */
must_check int session_open_streams(struct session *s, bool stdin_open,
				    struct container_streams *ret, struct error *err);
void session_close_streams(struct container_streams *streams);

/* Takes the terminal of a process that was started. */
void session_take_terminal(struct session *s);

/* Keeps bytes for the process; -EMSGSIZE where the host did not keep to its credit. */
must_check int session_input(struct session *s, const void *data, size_t len);

/* Fills @ret with what the session waits for; gives how many. */
size_t session_poll(struct session *s, bool may_send, struct pollfd ret[SESSION_POLLS]);

/* Moves bytes in every direction that is ready. */
must_check int session_move(struct session *s, struct channel *ch);

/* Of a process that has exited: sends what is left in its pipes; true when nothing is. */
bool session_drain(struct session *s, struct channel *ch);
