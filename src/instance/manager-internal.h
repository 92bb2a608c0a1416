/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/map.h"
#include "instance/isolation.h"
#include "instance/keeper-client.h"
#include "instance/manager.h"
#include "instance/record.h"
#include "instance/roster.h"
#include "instance/spares.h"
#include "instance/vm-images.h"
#include "instance/vm-spares.h"
#include "instance/watcher.h"

/**
 * DOC: What the files of the manager share
 *
 *	manager.c    the manager itself, look-up, lists, events
 *	create.c     a request becomes a record
 *	start.c      a record becomes a running instance
 *	finish.c     a running instance becomes an ended one: exit status, removal, restart policy
 *	remains.c    what a keeper that died left in the kernel
 *	stop.c       signals, stop, restart, pause
 *	remove.c     the end of a record
 *	recover.c    what the engine finds at its start
 *	wait.c       who waits for an end
 *	attach.c     clients on the standard streams
 *	logs.c       the log, whatever driver keeps it
 *	run.c        create, attach, start, wait, remove in one go
 *	exec.c       additional processes
 *
 * Order of locks: a record's @verbs, then at most one of the roster's lock, a keeper's lock and the
 * database. Callbacks from keepers take no record's @verbs in the watcher's thread.
 */

struct manager {
	struct manager_options options; /* its strings are @state_dir and @run_dir */
	char *state_dir, *run_dir;      /* the folders "instances" below the options' ones */
	int state_fd, run_fd;           /* the same, open */
	int removed_fd;                 /* folder of what is removed and not yet off the disk */
	struct roster roster;
	struct watcher *watcher;
	struct vm_spares vm_spares;
	struct vm_images vm_images;
	struct spares spares;
	struct seccomp_cache *seccomp;
	int seccomp_fd;           /* its folder */
	struct strv masked_paths; /* of this host, beside those of every one */
	struct map *execs;        /* by id; guarded by the roster's lock */
	struct map *damaged;      /* ids whose rows could not be read */

	void (*listen)(const struct instance_event *event, void *arg);
	void *listen_arg;

	pthread_mutex_t threads_lock;
	pthread_cond_t threads_changed;
	int threads; /* that finish or restart instances, or sweep */
	bool sweep_wanted, sweeping;
	bool stopping;
};

const struct isolation *isolation_of(const struct record *r);

/* ---- manager.c ---- */

/* Asks the state machine; 0, MANAGER_UNCHANGED or an error. The roster's lock is not held. */
must_check int verb_check(struct manager *m, const struct record *r, enum instance_verb verb,
			  struct error *err);

/*
 * Changes a record's state along an edge of the machine; what is none is told as a fault of the engine,
 * and the state stays. With the roster's lock held; record_enter() takes it.
 */
void record_become(struct manager *m, struct record *r, enum instance_state state);
void record_enter(struct manager *m, struct record *r, enum instance_state state);

/* Tells the listener. @detail may be NULL. */
void manager_tell(struct manager *m, const struct record *r, const char *action, int exit_code,
		  int signal, const char *detail);

/* Tells a failure (negative @result) that has no caller who could be told. */
void instance_complain(struct manager *m, const struct record *r, int result,
		       const struct error *why);

/* The keeper of a running instance, with a reference; NULL where none runs. */
struct keeper *record_keeper(struct manager *m, const struct record *r);

/* Runs @work in a thread of its own, which manager_free() waits for. @r and @k may be NULL. */
must_check int manager_spawn(struct manager *m, struct record *r, struct keeper *k,
			     void (*work)(struct manager *m, struct record *r, struct keeper *k),
			     struct error *err);

/* ---- create.c ---- */

/* As manager_create(), gives the record; with @direct it is STARTING already (compound run). */
must_check int instance_create(struct manager *m, const char *name, struct json_object *request,
			       bool direct, struct record **ret, struct strv *warnings,
			       struct error *err);

/* ---- start.c ---- */

struct start_options {
	struct start_timing *timing;  /* or NULL */
	bool direct;                  /* the record is STARTING already */
	bool again;                   /* by its restart policy: it is RESTARTING */
	bool foreground;              /* the caller goes on to read the keeper (struct keeper) */
	const struct attach *attach;  /* a client from the first byte on; or NULL */
	struct keeper_client *client; /* of @attach, to wait for its end */
};

/**
 * instance_start() - start with @verbs held
 * @ret_keeper: receives a reference; NULL is allowed
 */
must_check int instance_start(struct manager *m, struct record *r,
			      const struct start_options *options, struct keeper **ret_keeper,
			      struct error *err);

/* Where the keeper of an instance listens; the caller frees it. */
char *keeper_path(const struct manager *m, const struct record *r);

/* ---- finish.c ---- */

extern const struct keeper_callbacks instance_callbacks;

/* Records the end of @k's run, removes or restarts as asked for; takes @verbs by itself. */
void instance_finish(struct manager *m, struct record *r, struct keeper *k);

/* Records what an end means, with @verbs held: state, exit status, waits, event. */
void instance_ended(struct manager *m, struct record *r, const struct keeper_exit *exit);

/* Waits out the back-off of a restart policy and starts again. */
void instance_restart(struct manager *m, struct record *r, struct keeper *k);

/* ---- remains.c ---- */

/* Exit statuses of what nobody saw end; Docker's of a restart of the host is 255. */
#define EXIT_BY_KILL (128 + SIGKILL)
#define EXIT_BY_REBOOT 255

/*
 * The exit of an instance whose keeper is gone, after what is left of it was killed: what the keeper
 * wrote, else @exit_code and @why.
 */
void instance_lost(struct manager *m, struct record *r, const char *why, int exit_code,
		   struct keeper_exit *ret);

/* Removes what a start left whose keeper died, or was killed. */
void remains_of_start(struct manager *m, const struct record *r, const struct keeper *k);

/*
 * With @verbs held: the instance has ended, and its keeper will say that nothing is left of it. What
 * a keeper that dies before that leaves is removed then.
 */
void remains_expect(struct manager *m, struct record *r, struct keeper *k);

/* Waits for that word, with @verbs held: the next start makes the same things again. */
void remains_settle(struct manager *m, struct record *r);

/* The callback of a keeper whose connection has ended. */
void remains_keeper_ended(struct keeper *k, void *owner);

/* ---- stop.c ---- */

/* Ends it at once and waits until its end is recorded; takes @verbs by itself. */
must_check int instance_kill(struct manager *m, struct record *r, struct error *err);

/* ---- remove.c ---- */

/* Removes files and row, with @verbs held, from a state that allows it. */
must_check int instance_remove(struct manager *m, struct record *r, struct error *err);

/* Takes what was removed off the disk and makes spare folders, in a thread of its own. */
must_check int manager_sweep(struct manager *m, struct error *err);

/* ---- wait.c ---- */

/* Answer the waits: an instance ended, or was removed. The roster's lock is held. */
void waits_exit(struct record *r, bool will_restart);
void waits_removed(struct record *r);

/* A wait whose eventfd tells that the instance no longer runs; wait_free() releases it. */
struct instance_wait *wait_begin(struct manager *m, struct record *r,
				 enum wait_condition condition);
int wait_fd(const struct instance_wait *wait);
void wait_free(struct instance_wait *wait);

/* ---- logs.c ---- */

/* Walks an instance's log wherever its driver keeps it, as log_read(); -EOPNOTSUPP where nowhere. */
must_check int log_walk(struct manager *m, const struct record *r, const struct log_query *query,
			int ended_fd, log_visit visit, void *arg, struct error *err);

/* ---- attach.c ---- */

/* Docker's notation of detach keys: bytes into @ret, their count, or -EINVAL. */
int detach_keys_parse(const char *text, uint8_t ret[KEEPER_DETACH_KEYS_MAX], struct error *err);

/* The keeper's form of an attach. */
must_check int attach_encode(const struct attach *attach, bool terminal, uint32_t client,
			     bool keep_open, struct keeper_attach *ret, struct error *err);

/* Gives the clients that wait for the next start to @k, or drops them (NULL). */
void attaches_deliver(struct manager *m, struct record *r, struct keeper *k);

/* Waits for the clients that were announced; @verbs is not held. */
void attaches_await(struct manager *m, struct record *r);

/* ---- exec.c ---- */

/* Ids of the sessions of an instance; the roster's lock is held. */
void execs_list(const struct record *r, struct strv *ret);

/* The instance ended: its sessions let go of the keeper. */
void execs_release(struct manager *m, struct record *r);

/* A keeper told of a change of one of them. */
void execs_changed(struct manager *m, struct record *r, const struct keeper_exec *exec);

/* Drops the sessions of an instance that is removed. */
void execs_drop(struct manager *m, struct record *r);

/* ---- recover.c ---- */

/* Loads the records and brings them in line with what the last engine and its keepers left. */
must_check int manager_recover(struct manager *m, struct error *err);
