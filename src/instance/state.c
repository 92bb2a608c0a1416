/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/state.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/macros.h"

static const char *const state_names[] = {
	[STATE_CREATED] = "created",   [STATE_STARTING] = "starting",
	[STATE_RUNNING] = "running",   [STATE_PAUSED] = "paused",
	[STATE_STOPPING] = "stopping", [STATE_RESTARTING] = "restarting",
	[STATE_EXITED] = "exited",     [STATE_REMOVING] = "removing",
	[STATE_DEAD] = "dead",
};
static_assert(ARRAY_SIZE(state_names) == STATE_COUNT, "each state has a name");

static const char *const verb_names[] = {
	[VERB_START] = "start",   [VERB_STOP] = "stop",       [VERB_KILL] = "kill",
	[VERB_PAUSE] = "pause",   [VERB_UNPAUSE] = "unpause", [VERB_RESTART] = "restart",
	[VERB_ATTACH] = "attach", [VERB_EXEC] = "exec",       [VERB_RESIZE] = "resize",
	[VERB_RENAME] = "rename", [VERB_UPDATE] = "update",   [VERB_TOP] = "top",
	[VERB_STATS] = "stats",   [VERB_COPY] = "copy",       [VERB_EXPORT] = "export",
	[VERB_DIFF] = "diff",     [VERB_COMMIT] = "commit",   [VERB_REMOVE] = "remove",
};
static_assert(ARRAY_SIZE(verb_names) == VERB_COUNT, "each verb has a name");

/*
 * Rows are states, columns verbs in the order of their enum; '+' allowed, '=' already so, '-'
 * refused. A created or ended instance can be attached to: the client gets the next start's output.
 *
 *	start stop kill pause unpause restart attach exec resize rename update top stats
 *	copy export diff commit remove
 */
/* clang-format off */
static const char legal[][VERB_COUNT + 1] = {
	[STATE_CREATED]    = "+=---++--++-++++++",
	[STATE_STARTING]   = "=++--++--++-+-----",
	[STATE_RUNNING]    = "=+++-++++++++++++-",
	[STATE_PAUSED]     = "-++-++--+++++++++-",
	[STATE_STOPPING]   = "-++--++++++++++++-",
	[STATE_RESTARTING] = "=++--+---++-+++++-",
	[STATE_EXITED]     = "+=---++--++-++++++",
	[STATE_REMOVING]   = "-----------------+",
	[STATE_DEAD]       = "-=---------------+",
};
/* clang-format on */
static_assert(ARRAY_SIZE(legal) == STATE_COUNT, "each state has a row");

#define BIT(state) (1U << (state))

/* The edges of the drawing in state.h: from each state the set of those that may follow. */
static const unsigned int successors[] = {
	[STATE_CREATED] = BIT(STATE_STARTING) | BIT(STATE_REMOVING),
	[STATE_STARTING] = BIT(STATE_RUNNING) | BIT(STATE_PAUSED) | BIT(STATE_EXITED) |
			   BIT(STATE_CREATED) | BIT(STATE_RESTARTING),
	[STATE_RUNNING] =
		BIT(STATE_PAUSED) | BIT(STATE_STOPPING) | BIT(STATE_EXITED) | BIT(STATE_RESTARTING),
	[STATE_PAUSED] = BIT(STATE_RUNNING) | BIT(STATE_STOPPING) | BIT(STATE_EXITED) |
			 BIT(STATE_RESTARTING),
	[STATE_STOPPING] =
		BIT(STATE_EXITED) | BIT(STATE_RUNNING) | BIT(STATE_PAUSED) | BIT(STATE_RESTARTING),
	[STATE_RESTARTING] = BIT(STATE_STARTING) | BIT(STATE_EXITED),
	[STATE_EXITED] = BIT(STATE_STARTING) | BIT(STATE_REMOVING) | BIT(STATE_RESTARTING),
	[STATE_REMOVING] = BIT(STATE_DEAD),
	[STATE_DEAD] = BIT(STATE_REMOVING),
};
static_assert(ARRAY_SIZE(successors) == STATE_COUNT, "each state has its successors");

const char *state_docker_name(enum instance_state state)
{
	switch (state) {
	case STATE_STARTING:
		return state_names[STATE_CREATED];
	case STATE_STOPPING:
		return state_names[STATE_RUNNING];
	default:
		return state_names[state];
	}
}

const char *state_name(enum instance_state state)
{
	return state_names[state];
}

bool state_parse(const char *name, enum instance_state *ret)
{
	for (size_t i = 0; i < STATE_COUNT; i++) {
		if (strcmp(name, state_names[i]) == 0) {
			*ret = (enum instance_state)i;
			return true;
		}
	}
	return false;
}

const char *verb_name(enum instance_verb verb)
{
	return verb_names[verb];
}

enum state_answer state_allows(enum instance_state state, enum instance_verb verb)
{
	switch (legal[state][verb]) {
	case '+':
		return STATE_ALLOWED;
	case '=':
		return STATE_UNCHANGED;
	default:
		return STATE_REFUSED;
	}
}

/* Why an instance can not be removed as it is. */
static int refuse_removal(enum instance_state state, const char *name, struct error *err)
{
	if (state == STATE_PAUSED)
		return error_say(
			err, EBUSY,
			"You cannot remove a paused container %s. Unpause and then stop the "
			"container before attempting removal or force remove",
			name);
	return error_say(
		err, EBUSY,
		"You cannot remove a %s container %s. Stop the container before attempting "
		"removal or force remove",
		state == STATE_RESTARTING ? "restarting" : "running", name);
}

/* Docker's clients match on some of these words. */
int state_refuse(enum instance_state state, enum instance_verb verb, const char *name,
		 struct error *err)
{
	if (state == STATE_REMOVING)
		return error_say(err, EBUSY, "removal of container %s is already in progress",
				 name);
	if (state == STATE_DEAD)
		return error_say(err, EBUSY, "Container %s is dead: only its removal is possible",
				 name);
	if (verb == VERB_UNPAUSE)
		return error_say(err, EBUSY, "Container %s is not paused", name);
	if (verb == VERB_REMOVE)
		return refuse_removal(state, name, err);
	switch (state) {
	case STATE_PAUSED:
		if (verb == VERB_PAUSE)
			return error_say(err, EBUSY, "Container %s is already paused", name);
		if (verb == VERB_START)
			return error_say(err, EBUSY,
					 "cannot start a paused container, try unpause instead");
		return error_say(err, EBUSY,
				 "Container %s is paused, unpause the container before %s", name,
				 verb_names[verb]);
	case STATE_RESTARTING:
		return error_say(err, EBUSY,
				 "Container %s is restarting, wait until the container is running",
				 name);
	case STATE_RUNNING:
	case STATE_STARTING:
	case STATE_STOPPING:
		return error_say(err, EBUSY, "cannot %s container %s while it is %s",
				 verb_names[verb], name, state_names[state]);
	default:
		if (verb == VERB_KILL)
			return error_say(err, EBUSY,
					 "cannot kill container: %s: container is not running",
					 name);
		return error_say(err, EBUSY, "container %s is not running", name);
	}
}

bool state_may_become(enum instance_state from, enum instance_state to)
{
	return successors[from] & BIT(to);
}

bool state_has_keeper(enum instance_state state)
{
	return BIT(state) &
	       (BIT(STATE_STARTING) | BIT(STATE_RUNNING) | BIT(STATE_PAUSED) | BIT(STATE_STOPPING));
}
