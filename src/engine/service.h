/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct engine_options;

/**
 * DOC: The engine as a service
 *
 * With systemd: the socket may come by activation (LISTEN_FDS), readiness is told by a datagram to
 * NOTIFY_SOCKET. Without it: --daemon goes to the background; the process that was called waits on
 * a pipe until the engine's socket listens, so whoever started it can connect at once and needs no
 * loop. In both cases a lock on the state folder keeps a second engine out.
 */

/**
 * service_spawn() - start this program again in the background and wait for its word
 *
 * Return: the exit status for the caller: 0 once the engine serves, 1 with @err filled.
 */
int service_spawn(const struct engine_options *options, int argc, char **argv, struct error *err);

/* In the background: a session of its own, and the log file as standard error. */
must_check int service_detach(const struct engine_options *options, struct error *err);

/**
 * service_lock() - become the one engine of a state folder
 *
 * Return: a descriptor that holds the lock while it is open, or -EBUSY.
 */
int service_lock(const char *state_dir, struct error *err);

/**
 * service_listen() - the API's socket
 *
 * The one that systemd gives, if any; else made at the options' path. Forgets LISTEN_FDS, so that
 * no child believes it is meant.
 *
 * Return: the descriptor or a negative errno. @ret_activated: whether it was given.
 */
int service_listen(const struct engine_options *options, bool *ret_activated, struct error *err);

/* Tells systemd and a waiting service_spawn() that the engine serves. */
void service_ready(struct engine_options *options);
/* Tells systemd that it is going to end. */
void service_stopping(void);
/* Tells a waiting service_spawn() why the engine does not serve. */
void service_failed(struct engine_options *options, const struct error *why);
