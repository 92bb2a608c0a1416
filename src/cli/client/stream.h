/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/json.h"
#include "cli/client/api.h"
#include "cli/detach-keys.h"

/**
 * DOC: Attached sessions
 *
 * Between this process's standard streams and a program in an instance, over an upgraded
 * connection: input one way, with its end passed on as a half-close; output the other way, bare for
 * a terminal or in frames (frames.h); signals and the terminal's size by requests of their own, over
 * a second connection.
 *
 * One loop over poll(2). It reads from one side only when the other took what was read before, so
 * nothing piles up here. Signals are taken by a signalfd while it runs, so that the terminal is
 * restored whatever happens.
 */

enum stream_end {
	STREAM_ENDED = 0, /* the other side closed it */
	STREAM_DETACHED,  /* the user typed the detach keys */
	STREAM_SIGNALED,  /* a signal that is not passed on; see @signal */
	STREAM_CLOSED,    /* nobody reads our output any more */
};

struct stream {
	struct api *api;
	int socket;         /* the upgraded connection; closed by stream_run() */
	struct strbuf rest; /* what was read of it too far; released by stream_run() */
	bool framed;
	bool tty;           /* the program has a terminal: ours gets raw, its size is passed on */
	bool std_in;        /* pass on our standard input */
	bool proxy_signals; /* pass on signals to the instance */
	const char *detach_keys;

	/* "/containers/ID" or "/exec/ID", for signals and sizes; "" until it is known */
	char target[192];

	/* called for each control frame; may fill @target; NULL = none are expected */
	void (*control)(struct stream *s, struct json_object *message);
	void *arg;

	bool over;  /* set by @control: nothing more comes, the end need not be awaited */
	int signal; /* out, for STREAM_SIGNALED */
};

/* Takes an upgraded connection's socket and what was read too far. */
void stream_take(struct stream *s, struct http *http);

/**
 * stream_run() - carry the session to its end
 *
 * Return: how it ended, or a negative errno.
 */
must_check int stream_run(struct stream *s, struct error *err);

/* Tells the terminal's size to @target, where there is one. */
void stream_send_size(struct stream *s);
