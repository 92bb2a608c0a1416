/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/manager-internal.h"

#include <errno.h>
#include <signal.h>

#include "base/clock.h"

#define GRACE_DEFAULT_S 10
#define KILL_TIMEOUT_NS (10 * NSEC_PER_SEC)

/* How an end by a verb is meant. */
static void note_by_user(struct manager *m, struct record *r, bool hold)
{
	auto_roster held = roster_lock(&m->roster);

	r->restart.by_user = true;
	r->restart.hold = hold;
}

/*
 * A program or keeper that is already gone has nothing to be told: its end is under way. The event
 * comes first, so that it stands before those of what the signal brings about.
 */
static int send_signal(struct record *r, struct keeper *k, int signal, struct error *err)
{
	manager_tell(r->manager, r, "kill", 0, signal, NULL);
	int result = isolation_of(r)->signal(k, 0, signal, err);
	return result == -ECONNRESET || result == -EPIPE || result == -ESRCH ? 0 : result;
}

/* What is frozen can not end. */
static int thaw(struct record *r, struct keeper *k, struct error *err)
{
	const struct isolation *isolation = isolation_of(r);

	return isolation->unpause ? isolation->unpause(k, err)
				  : isolation_refuse(isolation, VERB_UNPAUSE, err);
}

/*
 * Writes down what is meant. A program must be stoppable where that can not be done, such as one that
 * has filled the disk: then only an engine that comes later does not know of it.
 */
static void note_intent(struct manager *m, struct record *r)
{
	struct error why = {};

	if (!r->request.auto_remove)
		instance_complain(m, r, record_update(m->options.db, r, &why), &why);
}

/* Ends a pause of the restart policy. */
static void stop_restarting(struct manager *m, struct record *r)
{
	record_enter(m, r, STATE_EXITED);
	{
		auto_roster held = roster_lock(&m->roster);
		waits_exit(r, false);
	}
	(void)pthread_mutex_lock(&m->threads_lock);
	(void)pthread_cond_broadcast(&m->threads_changed);
	(void)pthread_mutex_unlock(&m->threads_lock);
	note_intent(m, r);
}

/*
 * The first half of a stop, with @verbs held: the intent and the signal. Gives the keeper whose end
 * is to be awaited, NULL where nothing runs.
 */
static int begin_stop(struct manager *m, struct record *r, int signal, bool hold,
		      struct keeper **ret, struct error *err)
{
	auto_verbs struct record *held = record_lock(r);
	int result = verb_check(m, r, VERB_STOP, err);
	if (result != 0)
		return result;

	note_by_user(m, r, hold);
	if (r->state == STATE_RESTARTING) {
		stop_restarting(m, r);
		return 0;
	}
	auto_keeper *k = record_keeper(m, r);
	if (!k)
		return MANAGER_UNCHANGED;
	enum instance_state before = r->state;
	record_enter(m, r, STATE_STOPPING);
	note_intent(m, r);
	result = send_signal(r, k, signal, err);
	if (result == 0 && before == STATE_PAUSED)
		result = thaw(r, k, err);
	if (result < 0) {
		record_enter(m, r, before);
		return result;
	}
	*ret = take_ptr(k);
	return 0;
}

/* Waits for the end after a SIGKILL. */
static int await_killed(const struct record *r, struct keeper *k, struct error *err)
{
	int result = keeper_await(k, keeper_is_finished, NULL, false,
				  clock_monotonic() + KILL_TIMEOUT_NS);
	if (result == -ETIMEDOUT)
		return error_say(err, ETIMEDOUT,
				 "container %s did not end %d seconds after it was killed", r->id,
				 (int)(KILL_TIMEOUT_NS / NSEC_PER_SEC));
	return result;
}

/* Waits for the end after another signal, and helps it along at the deadline. */
static int await_end(struct record *r, struct keeper *k, int64_t deadline, struct error *err)
{
	if (keeper_await(k, keeper_is_finished, NULL, false, deadline) == 0)
		return 0;
	int result = send_signal(r, k, SIGKILL, err);
	return result < 0 ? result : await_killed(r, k, err);
}

/* A grace period below zero takes the request's own, and that one below zero has no end. */
static int64_t grace_deadline(const struct record *r, int timeout_s)
{
	int64_t grace_s = timeout_s;

	if (grace_s < 0)
		grace_s = r->request.stop_timeout_s.set ? r->request.stop_timeout_s.value
							: GRACE_DEFAULT_S;
	return grace_s < 0 ? 0 : clock_monotonic() + grace_s * NSEC_PER_SEC;
}

static int stop(struct manager *m, struct record *r, int signal, int timeout_s, bool hold,
		struct error *err)
{
	auto_keeper *k = NULL;
	int result = begin_stop(m, r, signal > 0 ? signal : r->stop_signal, hold, &k, err);
	if (result != 0 || !k)
		return result;
	result = signal == SIGKILL ? await_killed(r, k, err)
				   : await_end(r, k, grace_deadline(r, timeout_s), err);
	if (result == 0)
		manager_tell(m, r, "stop", 0, 0, NULL);
	return result;
}

int manager_stop(struct manager *m, const char *ref, int signal, int timeout_s, struct error *err)
{
	auto_record *r = NULL;
	int result = roster_find(&m->roster, ref, &r, err);
	return result < 0 ? result : stop(m, r, signal, timeout_s, false, err);
}

int manager_restart(struct manager *m, const char *ref, int signal, int timeout_s,
		    struct error *err)
{
	auto_record *r = NULL;
	int result = roster_find(&m->roster, ref, &r, err);
	if (result == 0)
		result = verb_check(m, r, VERB_RESTART, err);
	if (result == 0)
		result = stop(m, r, signal, timeout_s, true, err);
	if (result < 0)
		return result;

	const struct start_options options = {};
	auto_verbs struct record *held = record_lock(r);
	result = instance_start(m, r, &options, NULL, err);
	if (result >= 0)
		manager_tell(m, r, "restart", 0, 0, NULL);
	return result < 0 ? result : 0;
}

/* Docker counts a kill by the stop signal or by SIGKILL as the user's wish that it ends. */
static int begin_kill(struct manager *m, struct record *r, int signal, struct keeper **ret,
		      struct error *err)
{
	auto_verbs struct record *held = record_lock(r);
	int result = verb_check(m, r, VERB_KILL, err);
	if (result != 0)
		return result;
	bool ends = signal == SIGKILL || signal == r->stop_signal;
	if (r->state == STATE_RESTARTING) {
		/* nothing runs that could get another signal */
		if (ends) {
			note_by_user(m, r, false);
			stop_restarting(m, r);
		}
		return 0;
	}
	auto_keeper *k = record_keeper(m, r);
	if (!k)
		return state_refuse(STATE_EXITED, VERB_KILL, r->name, err);

	if (ends) {
		note_by_user(m, r, false);
		/* the end may come when this engine is gone */
		note_intent(m, r);
	}
	result = send_signal(r, k, signal, err);
	if (result == 0 && signal == SIGKILL && r->state == STATE_PAUSED) {
		result = thaw(r, k, err);
		if (result == 0)
			record_enter(m, r, STATE_RUNNING);
	}
	*ret = take_ptr(k);
	return result;
}

int manager_kill(struct manager *m, const char *ref, int signal, struct error *err)
{
	auto_record *r = NULL;
	auto_keeper *k = NULL;
	int result = roster_find(&m->roster, ref, &r, err);
	if (result == 0)
		result = begin_kill(m, r, signal, &k, err);
	if (result != 0)
		return result;
	if (signal != SIGKILL || !k)
		return 0;
	return await_killed(r, k, err);
}

int instance_kill(struct manager *m, struct record *r, struct error *err)
{
	return stop(m, r, SIGKILL, 0, false, err);
}

/* Pause and unpause: the same verb in two directions. */
static int freeze(struct manager *m, const char *ref, enum instance_verb verb, struct error *err)
{
	auto_record *r = NULL;
	int result = roster_find(&m->roster, ref, &r, err);
	if (result < 0)
		return result;
	auto_verbs struct record *held = record_lock(r);
	result = verb_check(m, r, verb, err);
	if (result != 0)
		return result;

	const struct isolation *isolation = isolation_of(r);
	bool pausing = verb == VERB_PAUSE;
	int (*act)(struct keeper * k, struct error * err) =
		pausing ? isolation->pause : isolation->unpause;
	if (!act)
		return isolation_refuse(isolation, verb, err);
	auto_keeper *k = record_keeper(m, r);
	if (!k)
		return state_refuse(STATE_EXITED, verb, r->name, err);
	result = act(k, err);
	if (result < 0)
		return result;
	record_enter(m, r, pausing ? STATE_PAUSED : STATE_RUNNING);
	manager_tell(m, r, verb_name(verb), 0, 0, NULL);
	return 0;
}

int manager_pause(struct manager *m, const char *ref, struct error *err)
{
	return freeze(m, ref, VERB_PAUSE, err);
}

int manager_unpause(struct manager *m, const char *ref, struct error *err)
{
	return freeze(m, ref, VERB_UNPAUSE, err);
}

int manager_resize(struct manager *m, const char *ref, uint16_t rows, uint16_t cols,
		   struct error *err)
{
	auto_record *r = NULL;
	int result = roster_find(&m->roster, ref, &r, err);
	if (result == 0)
		result = verb_check(m, r, VERB_RESIZE, err);
	if (result < 0)
		return result;
	const struct isolation *isolation = isolation_of(r);
	if (!isolation->resize)
		return isolation_refuse(isolation, VERB_RESIZE, err);
	auto_keeper *k = record_keeper(m, r);
	if (!k)
		return state_refuse(STATE_EXITED, VERB_RESIZE, r->name, err);
	return isolation->resize(k, 0, rows, cols, err);
}
