/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/verb.h"

/**
 * DOC: Foreground sessions by Docker's own requests
 *
 * What `start -a` and `attach` do, and `run` with an engine that does not know Berth's compound
 * request: attach first, then wait, then start, so that nothing is missed; at the end the exit
 * status is what the wait says.
 */

struct session {
	const char *id;
	bool tty;
	bool std_in;
	bool std_out;
	bool std_err;
	bool start;       /* start it once attached */
	bool auto_remove; /* it is gone when it has ended: wait for that */
	bool proxy_signals;
	const char *detach_keys; /* NULL: the usual ones */
};

/**
 * session_run() - attach, start where asked, carry the streams, wait
 * @ret_status: receives the exit status; 0 after detaching
 *
 * Return: 0 or a negative errno; -EINVAL and the like from the start itself.
 */
must_check int session_run(const struct call *call, const struct session *session, int *ret_status,
			   struct error *err);

/* Asks for the exit status of an instance that has ended or will. */
must_check int session_wait(const struct call *call, const char *id, int *ret_status,
			    struct error *err);

/* Exit status for a start that failed with this text: 127 not found, 126 not executable, 125. */
int session_start_status(const char *text);
