/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/manager-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "store/image/image.h"

static void timing_add(struct start_timing *timing, const char *name, int64_t at_ns)
{
	if (!timing || at_ns == 0 || timing->count == START_PHASES_MAX)
		return;
	timing->phases[timing->count].name = name;
	timing->phases[timing->count++].at_ns = at_ns;
}

/* The descriptors of one instance that a keeper gets beside the plan's. */
struct places {
	int run_fd;   /* folder below the run folder */
	int state_fd; /* folder below the state folder, with the log */
	int listen_fd;
	int control_fd; /* the keeper's end of the first connection */
};

static void places_done(struct places *places)
{
	close_p(&places->run_fd);
	close_p(&places->state_fd);
	close_p(&places->listen_fd);
	close_p(&places->control_fd);
}

static int open_below(int dir_fd, const char *name, bool *ret_fresh, struct error *err)
{
	*ret_fresh = mkdirat(dir_fd, name, 0700) == 0;
	if (!*ret_fresh && errno != EEXIST)
		return error_set(err, errno, "make folder %s", name);
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? error_set(err, errno, "open folder %s", name) : fd;
}

char *keeper_path(const struct manager *m, const struct record *r)
{
	return xasprintf("%s/%s/%s", m->run_dir, r->id, KEEPER_SOCKET_NAME);
}

static int open_places(struct manager *m, struct record *r, struct places *ret, struct error *err)
{
	bool fresh;

	ret->state_fd = open_below(m->state_fd, r->id, &fresh, err);
	if (ret->state_fd < 0)
		return ret->state_fd;
	ret->run_fd = open_below(m->run_fd, r->id, &fresh, err);
	if (ret->run_fd < 0)
		return ret->run_fd;
	/* What an earlier run told must not be taken for this one's word. */
	if (!fresh && unlinkat(ret->run_fd, KEEPER_EXIT_NAME, 0) < 0 && errno != ENOENT)
		return error_set(err, errno, "remove the exit status of the last run");

	auto_free char *path = keeper_path(m, r);
	ret->listen_fd = unix_listen(path, SOCK_SEQPACKET, 0600, err);
	return ret->listen_fd < 0 ? ret->listen_fd : 0;
}

static struct keeper *connect_keeper(struct manager *m, struct record *r, struct places *places,
				     struct error *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
		(void)error_set(err, errno, "make the connection to the keeper");
		return NULL;
	}
	places->control_fd = ends[1];
	struct keeper *k = keeper_new(ends[0], &instance_callbacks, record_ref(r));
	k->path = keeper_path(m, r);
	return k;
}

/* The instance gets a keeper that waits for one, with its machine. */
static int adopt_spare(struct manager *m, const struct record *r, const struct launch *launch,
		       const struct places *places, struct keeper *k, struct error *err)
{
	auto_free char *cgroup = xasprintf("berth/%s", r->id);
	const int fds[] = { launch->plan_fd, places->control_fd, places->listen_fd, places->run_fd,
			    places->state_fd };
	(void)m;
	int result = vm_spare_adopt(launch->spare, cgroup, fds, err);
	if (result < 0)
		return result;
	k->pid = launch->spare->pid;
	k->pidfd = take_fd(launch->spare->pidfd);
	return 0;
}

static int spawn_keeper(struct manager *m, struct record *r, const struct launch *launch,
			struct places *places, struct keeper *k, struct error *err)
{
	char *const argv[] = { (char *)"berth-keeper", r->id,
			       (char *)isolation_of(r)->keeper_argument, NULL };
	const int fds[] = { launch->plan_fd, places->control_fd, places->listen_fd, places->run_fd,
			    places->state_fd };

	if (launch->spare)
		return adopt_spare(m, r, launch, places, k, err);
	int result = launch_spawn(m, launch, argv, fds, &k->pid, err);
	if (result < 0)
		return result;
	k->pidfd = pidfd_open(k->pid, 0);
	return 0;
}

/* Gives the waiting clients, and the one of a compound run, to a keeper that is not started yet. */
static int send_clients(struct manager *m, struct record *r, const struct start_options *o,
			struct keeper *k, struct error *err)
{
	attaches_deliver(m, r, k);
	if (!o->attach)
		return 0;

	struct keeper_attach encoded;
	o->client->number = keeper_next_client(k);
	int result =
		attach_encode(o->attach, r->request.tty, o->client->number, true, &encoded, err);
	if (result < 0)
		return result;
	keeper_watch_client(k, o->client);
	return keeper_send(k, KEEPER_ATTACH, 0, &encoded, sizeof(encoded), o->attach->pending,
			   o->attach->pending_len, &o->attach->socket, 1, err);
}

/* The keeper is started; waits for its word. */
static int await_start(const struct isolation *isolation, struct keeper *k, struct error *err)
{
	int64_t deadline = clock_monotonic() + isolation->start_timeout_ms * NSEC_PER_MSEC;
	int result = keeper_await(k, keeper_start_known, NULL, true, deadline);

	if (result < 0 && k->pidfd >= 0)
		(void)pidfd_send_signal(k->pidfd, SIGKILL, NULL, 0);
	if (result == -ETIMEDOUT)
		return error_say(err, ETIMEDOUT, "the program did not start within %d seconds",
				 isolation->start_timeout_ms / 1000);
	if (result < 0)
		return error_say(err, ECONNRESET, "the keeper ended while it started the program");
	if (k->start == KEEPER_START_FAILED) {
		int code = k->failed.error.code ? k->failed.error.code : -EIO;
		bool command = k->failed.exit_code == 126 || k->failed.exit_code == 127;
		return error_say(err, command ? EINVAL : -code, "%s", k->failed.error.text);
	}
	return 0;
}

/* The act itself; on failure nothing runs. */
static int launch_instance(struct manager *m, struct record *r, const struct start_options *o,
			   struct launch *launch, struct keeper **ret, struct error *err)
{
	const struct isolation *isolation = isolation_of(r);
	auto_(places_done) struct places places = { -1, -1, -1, -1 };

	int result = open_places(m, r, &places, err);
	if (result == 0)
		result = isolation->start(m, r, places.state_fd, launch, err);
	timing_add(o->timing, "prepared", clock_monotonic());
	if (result < 0)
		return result;

	auto_keeper *k = connect_keeper(m, r, &places, err);
	if (!k)
		return -EIO;
	k->foreground = o->foreground;
	result = send_clients(m, r, o, k, err);
	if (result == 0)
		result = spawn_keeper(m, r, launch, &places, k, err);
	close_p(&places.control_fd);
	timing_add(o->timing, "keeper", clock_monotonic());
	if (result == 0) {
		result = await_start(isolation, k, err);
		if (result < 0) {
			struct error cause = {};
			if (k->start != KEEPER_START_FAILED)
				remains_of_start(m, r, k);
			keeper_finish(k);
			instance_complain(m, r, watcher_add(m->watcher, k, &cause), &cause);
		}
	}
	if (result < 0 && o->attach)
		keeper_unwatch_client(k, o->client);
	*ret = take_ptr(k);
	return result;
}

static void note_running(struct manager *m, struct record *r, struct keeper *k,
			 struct image_layers *layers)
{
	auto_roster held = roster_lock(&m->roster);

	record_become(m, r, STATE_RUNNING);
	r->keeper = keeper_ref(k);
	r->layers = layers;
	r->started_ns = k->started.started_ns;
	r->finished_ns = 0;
	r->pid = k->started.pid;
	r->exit_code = 0;
}

/* A start that failed: the record keeps the reason; one that was never started stays created. */
static void note_failure(struct manager *m, struct record *r, const struct keeper *k,
			 const struct error *why)
{
	auto_roster held = roster_lock(&m->roster);

	record_become(m, r, r->started_ns ? STATE_EXITED : STATE_CREATED);
	r->exit_code = k && k->start == KEEPER_START_FAILED ? k->failed.exit_code : 128;
	memcpy(r->error, why->text, sizeof(r->error));
	waits_exit(r, false);
}

/*
 * The intent, before the first act: an engine that finds it knows what was under way. Where it can not
 * be written down, nothing is begun.
 */
static int begin_start(struct manager *m, struct record *r, const struct start_options *o,
		       struct error *err)
{
	if (!o->direct && !o->again) {
		int result = verb_check(m, r, VERB_START, err);
		if (result != 0)
			return result;
	}
	enum instance_state before = r->state;
	{
		auto_roster held = roster_lock(&m->roster);
		if (r->state != STATE_RESTARTING)
			r->restart = (struct record_restart){};
		record_become(m, r, STATE_STARTING);
		r->error[0] = '\0';
		r->oom_killed = false;
		r->restart.by_user = false;
		r->restart.hold = false;
	}
	int result = o->direct ? 0 : record_update(m->options.db, r, err);
	if (result < 0)
		/* what a restart policy wanted has failed for good */
		record_enter(m, r, before == STATE_RESTARTING ? STATE_EXITED : before);
	return result;
}

/* Some phases run side by side in several processes: they are told in the order of their ends. */
static void sort_phases(struct start_timing *timing)
{
	for (size_t i = 1; i < timing->count; i++)
		for (size_t j = i; j > 0 && timing->phases[j].at_ns < timing->phases[j - 1].at_ns;
		     j--) {
			typeof(timing->phases[0]) later = timing->phases[j - 1];
			timing->phases[j - 1] = timing->phases[j];
			timing->phases[j] = later;
		}
}

static void add_phases(struct start_timing *timing, const struct keeper_started *started)
{
	for (uint32_t i = 0; timing && i < KEEPER_PHASE_COUNT; i++)
		timing_add(timing, keeper_phase_name(i), started->phase_ns[i]);
	timing_add(timing, "started", clock_monotonic());
	if (timing)
		sort_phases(timing);
}

static void undo_start(struct manager *m, struct record *r)
{
	struct error why = {};
	int result = r->request.auto_remove ? instance_remove(m, r, &why)
					    : record_update(m->options.db, r, &why);
	instance_complain(m, r, result, &why);
}

int instance_start(struct manager *m, struct record *r, const struct start_options *o,
		   struct keeper **ret_keeper, struct error *err)
{
	int result = begin_start(m, r, o, err);
	if (result != 0)
		return result;
	remains_settle(m, r);
	timing_add(o->timing, "recorded", clock_monotonic());

	struct error why = {};
	auto_launch launch = LAUNCH_INIT;
	auto_keeper *k = NULL;
	result = launch_instance(m, r, o, &launch, &k, &why);
	if (result < 0) {
		note_failure(m, r, k, &why);
		if (launch.layers)
			image_layers_put(m->options.store, launch.layers);
		undo_start(m, r);
		if (err)
			*err = why;
		return result;
	}

	add_phases(o->timing, &k->started);
	note_running(m, r, k, launch.layers);
	if (!o->foreground)
		result = watcher_add(m->watcher, k, err);
	/* it runs, whether that can be written down or not: the record says "starting" until then */
	if (result == 0 && !r->request.auto_remove)
		instance_complain(m, r, record_update(m->options.db, r, &why), &why);
	manager_tell(m, r, "start", 0, 0, NULL);
	if (isolation_of(r)->started)
		isolation_of(r)->started(m, r);
	if (ret_keeper)
		*ret_keeper = take_ptr(k);
	return result;
}

int manager_start(struct manager *m, const char *ref, struct start_timing *timing,
		  struct error *err)
{
	auto_record *r = NULL;
	int result = roster_find(&m->roster, ref, &r, err);
	if (result < 0)
		return result;

	attaches_await(m, r);
	const struct start_options options = { .timing = timing };
	if (timing) {
		*timing = (struct start_timing){};
		timing_add(timing, "received", clock_monotonic());
	}
	auto_verbs struct record *held = record_lock(r);
	return instance_start(m, r, &options, NULL, err);
}
