/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/**
 * DOC: States of an instance
 *
 *	   create (create.c)
 *	      |
 *	      v      start (start.c)              the keeper says so (start.c)
 *	   CREATED ------------------> STARTING ------------------------------> RUNNING <---------+
 *	      |  ^                      |   ^ ^                                 | |  |   unpause  |
 *	      |  +----------------------+   | |                           pause | |  | (stop.c)   |
 *	      |    failed, never ran before |  \ the pause is over              v |  |         PAUSED
 *	      |                      start  |   \ (finish.c)               PAUSED |  | stop,      |
 *	      |                             |    \                               |  | intent     |
 *	      |         failed, or ended    |     RESTARTING                     |  v (stop.c)   |
 *	      |  EXITED <-------------------|----- ^  |                          | STOPPING <-----+
 *	      |  | ^ ^                      |      |  | stop, kill               |   |
 *	      |  | | +----------------------|------|--+                          |   |
 *	      |  | +------------------------|------|---- ended (finish.c) -------+---+
 *	      |  +--------------------------+      +---- ended, and its restart policy wants it again
 *	      v  v
 *	   REMOVING  from CREATED and EXITED, by remove (remove.c); then it is gone
 *	      |  ^
 *	      v  | remove, or the next engine
 *	     DEAD    the removal failed half-way
 *
 * STARTING, STOPPING and REMOVING are intents: they are recorded before the first act, so that an
 * engine that finds one at its start knows what was under way. It takes back what still has a keeper,
 * as RUNNING or PAUSED, whatever was meant; the rest ended, or is removed at last (recover.c).
 *
 * Which verb is legal where stands in one table in state.c; verbs ask state_allows() first and
 * change a record's state only by record_become(), which asks state_may_become().
 */

enum instance_state {
	STATE_CREATED,
	STATE_STARTING,
	STATE_RUNNING,
	STATE_PAUSED,
	STATE_STOPPING,
	STATE_RESTARTING,
	STATE_EXITED,
	STATE_REMOVING,
	STATE_DEAD,
	STATE_COUNT,
};

enum instance_verb {
	VERB_START,
	VERB_STOP,
	VERB_KILL,
	VERB_PAUSE,
	VERB_UNPAUSE,
	VERB_RESTART,
	VERB_ATTACH,
	VERB_EXEC,
	VERB_RESIZE,
	VERB_RENAME,
	VERB_UPDATE,
	VERB_TOP,
	VERB_STATS,
	VERB_COPY,
	VERB_EXPORT,
	VERB_DIFF,
	VERB_COMMIT,
	VERB_REMOVE,
	VERB_COUNT,
};

/* What a verb finds when it asks. */
enum state_answer {
	STATE_REFUSED,   /* illegal now: an error for the caller */
	STATE_UNCHANGED, /* already so: nothing to do, and no error (Docker's 304) */
	STATE_ALLOWED,
};

/* Docker's word for a state ("created", "running", ...); STARTING and STOPPING, which Docker does
 * not have, read "created" and "running". */
const char *state_docker_name(enum instance_state state);

/* The state's own word, as it is kept in the record. */
const char *state_name(enum instance_state state);
bool state_parse(const char *name, enum instance_state *ret);

const char *verb_name(enum instance_verb verb);

/* Whether @verb may be tried in @state. */
enum state_answer state_allows(enum instance_state state, enum instance_verb verb);

/**
 * state_refuse() - the error for a verb that state_allows() refused
 * @name: the instance's name
 *
 * Return: -EBUSY, with a text such as "Container web is not running".
 */
int state_refuse(enum instance_state state, enum instance_verb verb, const char *name,
		 struct error *err);

/* Whether the machine has an edge from @from to @to. */
bool state_may_become(enum instance_state from, enum instance_state to);

/* True while a keeper runs, or is being started, for an instance in this state. */
bool state_has_keeper(enum instance_state state);
