/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "guest/boot.h"
#include "guest/root.h"
#include "guest/session.h"
#include "vm/channel.h"

/**
 * DOC: The guest's state and what the host's messages do to it
 *
 *	READY ── IDENTITY ──► NAMED ── ROOT ──► ROOTED ── START ──► RUNNING ── exit of 0 ──► ENDED
 *
 * A message that comes in a wrong state, or is not what it says, ends the machine: the host is
 * broken, and a guest that guesses is worse than one that stops.
 */

enum guest_state {
	GUEST_STATE_READY,
	GUEST_STATE_NAMED,
	GUEST_STATE_ROOTED,
	GUEST_STATE_RUNNING,
	GUEST_STATE_ENDED
};

struct guest {
	enum guest_state state;
	struct channel channel;
	struct boot_disks disks;
	struct root_disks root;
	struct container *container;
	struct session *sessions;
	int64_t identified_ns;
	bool oom; /* something was killed for want of memory */
	bool power_off;
};

void guest_init(struct guest *g, int port_fd, const struct boot_disks *disks);

/* Carries out one message; a negative errno ends the machine. */
must_check int guest_handle(struct guest *g, const struct frame *frame, struct error *err);

/* The start of an exec has something to tell. */
must_check int guest_check_start(struct guest *g, struct session *s);

/* Takes the exit statuses of every child that has ended. */
void guest_reap(struct guest *g);

/* Tells exits whose output is all sent, and forgets those sessions. */
must_check int guest_tell_exits(struct guest *g);
