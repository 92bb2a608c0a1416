/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/manager-internal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "oci/image-config.h"
#include "store/image/image.h"

/* Restart policies wait 100 ms, then twice as long each time, and start anew after a good run. */
#define BACKOFF_FIRST_NS (100 * NSEC_PER_MSEC)
#define BACKOFF_LAST_NS (60 * NSEC_PER_SEC)
#define GOOD_RUN_NS (10 * NSEC_PER_SEC)

static bool wants_restart(const struct record *r, const struct keeper_exit *exit)
{
	const struct container_restart *policy = &r->request.restart;

	if (r->restart.by_user || r->request.auto_remove || !policy->name)
		return false;
	if (strcmp(policy->name, "on-failure") == 0)
		return exit->exit_code != 0 && (policy->maximum_retry_count == 0 ||
						r->restart.count < policy->maximum_retry_count);
	return strcmp(policy->name, "always") == 0 || strcmp(policy->name, "unless-stopped") == 0;
}

/* The next pause of a restart policy; the roster's lock is held. */
static void plan_restart(struct record *r)
{
	bool good = r->finished_ns - r->started_ns >= GOOD_RUN_NS;

	if (good || r->restart.delay_ns == 0)
		r->restart.delay_ns = BACKOFF_FIRST_NS;
	else if (r->restart.delay_ns < BACKOFF_LAST_NS / 2)
		r->restart.delay_ns *= 2;
	else
		r->restart.delay_ns = BACKOFF_LAST_NS;
	r->restart.count++;
}

void instance_ended(struct manager *m, struct record *r, const struct keeper_exit *exit)
{
	{
		auto_roster held = roster_lock(&m->roster);
		bool again = wants_restart(r, exit);
		record_become(m, r, again ? STATE_RESTARTING : STATE_EXITED);
		r->exit_code = exit->exit_code;
		r->oom_killed = exit->oom;
		if (exit->started_ns)
			r->started_ns = exit->started_ns;
		r->finished_ns = exit->finished_ns;
		r->pid = 0;
		memcpy(r->error, exit->error.text, sizeof(r->error));
		if (again)
			plan_restart(r);
		waits_exit(r, again);
	}
	manager_tell(m, r, "die", exit->exit_code, exit->signal, NULL);
}

/* A part of the pause may have passed before this engine ran. */
static int64_t pause_left(const struct record *r)
{
	int64_t passed = clock_now() - r->finished_ns;

	if (passed < 0)
		return r->restart.delay_ns;
	return passed < r->restart.delay_ns ? r->restart.delay_ns - passed : 0;
}

/* Waits out the pause of a restart policy; false where a verb came between, or the engine ends. */
static bool await_restart(struct manager *m, struct record *r)
{
	int64_t until = clock_monotonic() + pause_left(r);
	const struct timespec deadline = { .tv_sec = until / NSEC_PER_SEC,
					   .tv_nsec = until % NSEC_PER_SEC };
	bool waiting = true;

	(void)pthread_mutex_lock(&m->threads_lock);
	while (waiting && !m->stopping) {
		{
			auto_roster held = roster_lock(&m->roster);
			waiting = r->state == STATE_RESTARTING;
		}
		if (waiting && pthread_cond_timedwait(&m->threads_changed, &m->threads_lock,
						      &deadline) == ETIMEDOUT)
			break;
	}
	bool go = waiting && !m->stopping;
	(void)pthread_mutex_unlock(&m->threads_lock);
	return go;
}

void instance_restart(struct manager *m, struct record *r, struct keeper *k)
{
	(void)k;
	if (!await_restart(m, r))
		return;
	auto_verbs struct record *held = record_lock(r);
	if (r->state != STATE_RESTARTING)
		return;
	const struct start_options options = { .again = true };
	struct error why = {};
	instance_complain(m, r, instance_start(m, r, &options, NULL, &why), &why);
}

/* Takes the keeper and the layers off the record; false where another thread did so before. */
static bool release_run(struct manager *m, struct record *r, struct keeper *k)
{
	struct image_layers *layers;
	{
		auto_roster held = roster_lock(&m->roster);
		if (r->keeper != k)
			return false;
		r->keeper = NULL;
		layers = r->layers;
		r->layers = NULL;
	}
	keeper_unref(k);
	if (layers)
		image_layers_put(m->options.store, layers);
	return true;
}

/* What follows an end: removal, or another start. */
static void go_on(struct manager *m, struct record *r)
{
	struct error why = {};
	int result = 0;

	if (r->request.auto_remove && !r->restart.hold)
		result = instance_remove(m, r, &why);
	else if (r->state == STATE_RESTARTING)
		result = manager_spawn(m, r, NULL, instance_restart, &why);
	instance_complain(m, r, result, &why);
}

void instance_finish(struct manager *m, struct record *r, struct keeper *k)
{
	auto_verbs struct record *held = record_lock(r);
	struct keeper_exit exit = k->exit;
	struct error why = {};

	if (!release_run(m, r, k))
		return;
	if (k->lost)
		instance_lost(m, r, "the keeper of this instance ended unexpectedly", EXIT_BY_KILL,
			      &exit);
	else
		remains_expect(m, r, k);
	execs_release(m, r);
	instance_ended(m, r, &exit);
	if (!r->request.auto_remove)
		instance_complain(m, r, record_update(m->options.db, r, &why), &why);
	keeper_finish(k);
	image_config_free(take_ptr(r->image));
	go_on(m, r);
}

/* ---- What keepers tell ---------------------------------------------------------------------- */

static void on_exited(struct keeper *k, const struct keeper_exit *exit, void *owner)
{
	struct record *r = owner;

	struct error why = {};

	(void)exit;
	if (k->foreground)
		return;
	int result = manager_spawn(r->manager, r, k, instance_finish, &why);
	instance_complain(r->manager, r, result, &why);
}

static void on_oom(struct keeper *k, void *owner)
{
	struct record *r = owner;

	(void)k;
	{
		auto_roster held = roster_lock(&r->manager->roster);
		r->oom_killed = true;
	}
	manager_tell(r->manager, r, "oom", 0, 0, NULL);
}

static void on_exec(struct keeper *k, const struct keeper_exec *exec, void *owner)
{
	struct record *r = owner;

	(void)k;
	execs_changed(r->manager, r, exec);
}

static void on_released(void *owner)
{
	record_unref(owner);
}

const struct keeper_callbacks instance_callbacks = {
	.exited = on_exited,
	.ended = remains_keeper_ended,
	.oom = on_oom,
	.exec = on_exec,
	.released = on_released,
};
