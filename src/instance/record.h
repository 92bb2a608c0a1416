/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "container/request/request.h"
#include "instance/manager.h"
#include "instance/state.h"

struct db;
struct db_stmt;
struct keeper;
struct image_config;
struct image_layers;
struct instance_wait;
struct exec_session;
struct manager;
struct pending_attach;

/**
 * DOC: The record of an instance
 *
 * A record lives from create to removal. It is reference-counted: the roster holds one reference,
 * each verb, thread and wait that uses it another, so a removed record stays valid memory for who
 * still looks at it (@removed says so).
 *
 * Two locks guard it:
 *
 *	@verbs          serialises the verbs on this instance; held while one acts, which may take
 *as long as a start. Never taken while the roster's lock is held. roster's lock   guards every
 *field below "changes"; held for a few instructions only.
 *
 * What stands above "changes" is fixed when the record is made and read without a lock.
 *
 * In the database a record is one row. record_insert() and record_update() write it by transactions
 * that survive the engine's death; they need no disk flush, since what a power cut ends is over
 * anyway. The row of an instance that is removed when it ends (AutoRemove) is written once, as
 * "starting": its keeper, if it lives, says the rest.
 */

/* An id range of its own: 65,536 host ids from ID_BASE + slot * 65536. */
#define ID_BASE 0x70000000u
#define ID_SLOTS 16384u
#define ID_SLOT_NONE UINT32_MAX

/* How often restart policies have run, and who ended it. */
struct record_restart {
	int count;
	bool by_user; /* stopped or killed by a verb: no policy but "always" at the next start */
	bool hold;    /* a restart by a verb is under way: not to be removed at this end */
	int64_t delay_ns; /* next back-off */
};

struct record {
	int refs; /* atomic */
	pthread_mutex_t verbs;
	struct manager *manager;

	char id[INSTANCE_ID_LEN + 1];
	struct container_request request;
	char *request_text; /* the same as JSON */
	char *image_id;
	char *path; /* the program, entry point applied */
	struct strv args;
	struct strv labels;
	bool vm;
	uint32_t slot; /* or ID_SLOT_NONE */
	int64_t created_ns;
	int stop_signal; /* of the request or the image */

	/* The image's configuration, loaded when it is needed; guarded by @verbs. */
	struct image_config *image;

	/* changes */
	char *name;
	enum instance_state state;
	bool removed;
	int64_t started_ns, finished_ns;
	int exit_code;
	int pid;
	bool oom_killed;
	char error[ERROR_TEXT];
	struct record_restart restart;
	struct keeper *keeper;       /* while one runs */
	struct keeper *ending;       /* the last one, until nothing of its run is left */
	struct image_layers *layers; /* while one runs */
	struct instance_wait *waits;
	struct exec_session *execs;
	struct pending_attach *attaches; /* to be given to the next keeper */
	size_t announced;                /* clients that are about to attach */
};

/* A record in STATE_CREATED with one reference; the caller fills the rest. */
struct record *record_new(void);
struct record *record_ref(struct record *r);
void record_unref(struct record *r);
DEFINE_AUTO(struct record, record_unref);
#define auto_record auto_(record_unrefp) struct record

/* Takes @verbs for the rest of the scope: `auto_verbs struct record *held = record_lock(r);` */
struct record *record_lock(struct record *r);
void record_unlock_p(struct record **r);
#define auto_verbs auto_(record_unlock_p)

/* Host id of 0 inside; 0 where the instance shares the host's ids. */
uint32_t record_id_base(const struct record *r);

/* Copies what callers see; the roster's lock is held. */
void record_info(const struct record *r, struct instance_info *ret);

/* The table of records: made or brought up to date. */
must_check int record_migrate(struct db *db, struct error *err);
must_check int record_insert(struct db *db, const struct record *r, struct error *err);
must_check int record_update(struct db *db, const struct record *r, struct error *err);
must_check int record_delete(struct db *db, const struct record *r, struct error *err);

/**
 * record_load() - read every record
 * @visit: gets each with the reference; a non-zero answer ends the walk and is returned
 *
 * A row that cannot be read is reported by @damaged, and passed over.
 */
must_check int record_load(struct db *db, int (*visit)(struct record *r, void *arg),
			   void (*damaged)(const char *id, const struct error *err, void *arg),
			   void *arg, struct error *err);
