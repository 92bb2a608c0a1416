/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/strv.h"
#include "container/request/mounts.h"
#include "instance/log-reader.h"
#include "instance/state.h"

/**
 * DOC: The manager of instances
 *
 * Owns every instance's record, its folders and the connection to its keeper. All functions may be
 * called from any thread and block until they are done. Verbs on one instance are serialised by its
 * own lock; verbs on different ones run side by side. What a caller gets (struct instance_info) is
 * a copy: nothing here hands out a pointer into a record.
 *
 * Instances are named by full id, by name (with or without a leading '/'), or by a prefix of the id
 * that is unique: every `const char *ref` below.
 *
 * Return values, beside 0, of every verb:
 *	MANAGER_UNCHANGED (1)  the instance is already as asked (Docker: 304)
 *	-ENOENT                no such instance, exec session or image (404)
 *	-EEXIST                the name is taken (409)
 *	-EBUSY                 not legal in the present state (409)
 *	-EINVAL                the request is wrong, or its command cannot be run (400)
 *	-EOPNOTSUPP            this isolation cannot do that; the text names verb and reason (501)
 *	other negative errno   the engine failed (500)
 *
 * Descriptors given to these functions stay the caller's: a keeper gets a duplicate.
 */

#define MANAGER_UNCHANGED 1
#define INSTANCE_ID_LEN 64

struct manager;
struct store;
struct db;
struct templates;

struct manager_options {
	const char *state_dir;       /* instances/ is made below it */
	const char *run_dir;         /* instances/ is made below it */
	struct store *store;         /* borrowed, must outlive the manager */
	struct db *db;               /* borrowed, must outlive the manager */
	int keeper_fd;               /* sealed copy of berth-keeper; borrowed */
	struct templates *templates; /* of virtual machines, borrowed; NULL: there are none */
	unsigned vm_spares;          /* machines that may wait for a start; at most VM_SPARES_MAX */
	/* Gets failures that happen behind the callers' backs: after an instance's own end, at the
	 * engine's start. May be called from any thread; NULL is allowed. */
	void (*complain)(const char *id, const struct error *err, void *arg);
	void *complain_arg;
};

/**
 * manager_new() - load the records, take back what still runs, clean up what a crash left
 *
 * An instance whose keeper answers is running again for this engine; one whose keeper ended while
 * no engine ran gets the exit status that the keeper wrote; one whose keeper is gone without a word
 * is killed and recorded as such (exit status 137 and an error text).
 *
 * Return: 0 or a negative errno.
 */
must_check int manager_new(const struct manager_options *options, struct manager **ret,
			   struct error *err);
/* Stops watching; keepers and their instances go on. */
void manager_free(struct manager *m);

/* ---- What an instance is -------------------------------------------------------------------- */

/* Instants of one start, CLOCK_MONOTONIC nanoseconds; 0 where a phase did not happen. */
#define START_PHASES_MAX 24
struct start_timing {
	size_t count;
	struct {
		const char *name; /* constant text */
		int64_t at_ns;
	} phases[START_PHASES_MAX];
};

struct instance_info {
	char id[INSTANCE_ID_LEN + 1];
	char *name; /* without a leading '/' */
	enum instance_state state;
	bool vm;            /* isolation: virtual machine, else container */
	char *image;        /* as the caller named it */
	char *image_id;     /* "sha256:..." */
	char *request;      /* the create request, JSON as Docker's */
	char *path;         /* the program, entry point applied; "" until known */
	struct strv args;   /* its arguments without the program */
	struct strv labels; /* "key=value", image's and request's */
	char *network_mode;
	bool tty;
	bool open_stdin;
	bool auto_remove;
	int64_t created_ns; /* wall clock; 0 = never */
	int64_t started_ns;
	int64_t finished_ns;
	int exit_code;
	int pid; /* of the first process on the host; 0 while not running */
	bool oom_killed;
	char *error; /* of the last start, "" where there was none */
	int restart_count;
	char *restart_policy; /* "no", "on-failure", "always", "unless-stopped" */
	int restart_max;      /* on-failure:N; 0 = no end */
	uint32_t id_base;     /* host id of the instance's root; 0 with --userns=host */
	char *log_path;
	struct strv exec_ids;
	struct container_mounts mounts; /* of the request, as lists show them */
};

void instance_info_done(struct instance_info *info);
#define auto_instance_info auto_(instance_info_done) struct instance_info

/* Fills @ret (uninitialised before) with a copy. */
must_check int manager_get(struct manager *m, const char *ref, struct instance_info *ret,
			   struct error *err);

/* Full id of @ref, into @ret. */
must_check int manager_resolve(struct manager *m, const char *ref, char ret[INSTANCE_ID_LEN + 1],
			       struct error *err);

/**
 * manager_list() - every instance, newest first
 * @all:   also those that do not run
 * @visit: called with a borrowed copy; a non-zero answer ends the walk and is returned
 *
 * No lock is held during @visit.
 */
int manager_list(struct manager *m, bool all,
		 int (*visit)(const struct instance_info *info, void *arg), void *arg);

/**
 * manager_templates_list() - the templates of virtual machines
 * @ret: receives a list of objects: Key, Image ("" for one of a size), Memory, Cpus, Size
 */
must_check int manager_templates_list(struct manager *m, struct json_object **ret,
				      struct error *err);

/**
 * manager_templates_make() - make the template of a size where there is none
 * @memory_bytes, @nano_cpus: as for an instance; 0: what one without limits gets
 * @ret: receives an object with its Key
 */
must_check int manager_templates_make(struct manager *m, int64_t memory_bytes, int64_t nano_cpus,
				      struct json_object **ret, struct error *err);

/**
 * manager_templates_remove() - remove templates, what was made of them, and machines that wait
 * @key: NULL for all
 * @ret: receives an object: how many were Removed
 *
 * Return: 0; -ENOENT where there is none of that key.
 */
must_check int manager_templates_remove(struct manager *m, const char *key,
					struct json_object **ret, struct error *err);

/* Adds how many images have a template ("images") and how many machines wait ("spares"). */
void manager_describe_vm(struct manager *m, struct json_object *ret);

/**
 * manager_oci_config() - what an instance is started from, as an OCI runtime's config.json
 * @ret: receives the document; root.path is "rootfs", for a bundle to be made around it
 *
 * See the OCI runtime specification, config.md.
 */
must_check int manager_oci_config(struct manager *m, const char *ref, struct json_object **ret,
				  struct error *err);

struct manager_counts {
	size_t all, running, paused, stopped;
};
void manager_count(struct manager *m, struct manager_counts *ret);

/* ---- Create, start, end --------------------------------------------------------------------- */

/**
 * manager_create() - make an instance from a create request
 * @name:    wanted name, or NULL for a random one
 * @request: Docker's body of POST /containers/create (Config with HostConfig), as
 *           container/request/json.h reads it; borrowed, not changed
 * @ret_id:  receives the id
 * @warnings: appended to; NULL is allowed
 *
 * Return: 0; -ENOENT "No such image: ..." ; -EEXIST ; -EINVAL.
 */
must_check int manager_create(struct manager *m, const char *name, struct json_object *request,
			      char ret_id[INSTANCE_ID_LEN + 1], struct strv *warnings,
			      struct error *err);

/**
 * manager_start() - start a created or ended instance
 * @timing: receives the phases; NULL is allowed
 *
 * Return: 0 as soon as the program runs; MANAGER_UNCHANGED; -EINVAL where the command was not found
 *         or not executable (exit status 127 or 126 is then in the record).
 */
must_check int manager_start(struct manager *m, const char *ref, struct start_timing *timing,
			     struct error *err);

/**
 * manager_stop() - ask the program to end, kill it after a grace period
 * @signal:    number (container/request/check.h reads names); 0 takes the request's or the image's
 * stop signal, else SIGTERM
 * @timeout_s: grace period; negative takes the request's, else 10 s
 */
must_check int manager_stop(struct manager *m, const char *ref, int signal, int timeout_s,
			    struct error *err);
must_check int manager_restart(struct manager *m, const char *ref, int signal, int timeout_s,
			       struct error *err);
must_check int manager_kill(struct manager *m, const char *ref, int signal, struct error *err);
must_check int manager_pause(struct manager *m, const char *ref, struct error *err);
must_check int manager_unpause(struct manager *m, const char *ref, struct error *err);
must_check int manager_rename(struct manager *m, const char *ref, const char *name,
			      struct error *err);

struct remove_options {
	bool force;   /* kill it first */
	bool volumes; /* also its anonymous volumes */
};
must_check int manager_remove(struct manager *m, const char *ref,
			      const struct remove_options *options, struct error *err);

enum wait_condition {
	WAIT_NOT_RUNNING, /* at once where it does not run, else at its end, restarted or not */
	WAIT_NEXT_EXIT,
	WAIT_REMOVED,
	WAIT_AT_REST, /* ended, and no policy starts it again */
};

/**
 * manager_wait_prepare() - begin to wait: what happens from now on is not missed
 * @ret: receives the wait; given to manager_wait_finish(), which must be called
 *
 * Two steps, so that an API can send its response's head in between: docker's `run` waits before
 * it starts.
 */
struct instance_wait;
must_check int manager_wait_prepare(struct manager *m, const char *ref,
				    enum wait_condition condition, struct instance_wait **ret,
				    struct error *err);

/**
 * manager_wait_finish() - block until the condition holds, then release @wait
 * @cancel_fd: the wait also ends when this descriptor reports a hang-up; -1 = none
 * @ret_error: receives the start error's text or "" (room for ERROR_TEXT); NULL is allowed
 *
 * Return: the exit status (0..255), or -ECANCELED.
 */
int manager_wait_finish(struct instance_wait *wait, int cancel_fd, char *ret_error);

/* ---- Streams -------------------------------------------------------------------------------- */

/**
 * struct attach - a client's connection to a program's standard streams
 *
 * The keeper gets a duplicate of @socket and speaks Docker's stream format on it by itself: eight
 * bytes of header before each piece, or bare bytes for a terminal. The caller closes its own
 * descriptor after the call and sends nothing more on it, unless told so by the function.
 */
struct attach {
	int socket;
	bool std_in, std_out, std_err;
	bool logs;               /* first what the log holds */
	bool stream;             /* then what is new */
	bool multiplex;          /* headers even for a terminal (Berth's own run and exec) */
	bool raw;                /* no headers, even without a terminal */
	const char *detach_keys; /* Docker's notation; NULL = ctrl-p,ctrl-q */
	const void *pending;     /* bytes of the client's that were read already */
	size_t pending_len;
	uint16_t rows, cols; /* first size of a terminal; 0 = leave */
};

/* Whether @keys, of struct attach's notation, can be read: 0 or -EINVAL. */
must_check int manager_check_detach_keys(const char *keys, struct error *err);

/* Attaches; returns as soon as the keeper has the socket (the log is sent before that). */
must_check int manager_attach(struct manager *m, const char *ref, const struct attach *attach,
			      struct error *err);

/**
 * manager_attach_announce() - say that a client is about to attach
 * @ret: receives the announcement; ended by manager_attach_arrived(), which must be called
 *
 * A client gets its answer before it is attached, and may start the instance as soon as it has it.
 * A start waits for the clients that are announced, for a second at most, so that they miss nothing.
 */
struct attach_announcement;
must_check int manager_attach_announce(struct manager *m, const char *ref,
				       struct attach_announcement **ret, struct error *err);
/* It is attached, or will not be. NULL is fine. */
void manager_attach_arrived(struct attach_announcement *a);

must_check int manager_resize(struct manager *m, const char *ref, uint16_t rows, uint16_t cols,
			      struct error *err);

/**
 * manager_log_attributes() - what the log driver adds to each line
 * @ret: receives "key=value", in the order of keys
 *
 * Return: 0; -ENOENT; -EOPNOTSUPP where the driver keeps nothing that could be read.
 */
must_check int manager_log_attributes(struct manager *m, const char *ref, struct strv *ret,
				      struct error *err);

/**
 * manager_logs() - walk an instance's log
 * @visit: called for each entry in order; a non-zero answer ends the walk and is returned
 *
 * With @follow it returns when the instance has ended and all is told, when cancelled, or when
 * the instance is removed.
 */
must_check int manager_logs(struct manager *m, const char *ref, const struct log_query *query,
			    log_visit visit, void *arg, struct error *err);

/* ---- Compound run --------------------------------------------------------------------------- */

enum run_event_kind { RUN_CREATED, RUN_STARTED, RUN_FAILED, RUN_EXITED };

struct run_event {
	enum run_event_kind kind;
	const char *id;                    /* always */
	const struct start_timing *timing; /* RUN_STARTED */
	const struct error *error;         /* RUN_FAILED */
	int exit_code;                     /* RUN_FAILED (125..127), RUN_EXITED */
};

struct run_options {
	const char *name; /* or NULL */
	bool detach;      /* end after RUN_STARTED */
	struct attach attach;
	int64_t received_ns; /* CLOCK_MONOTONIC of the request's arrival, for the timing; 0 = now */
	/*
	 * Called in order, in the caller's thread. While it is called, no keeper writes to the
	 * socket: so RUN_STARTED of an attached run comes at the end, just before RUN_EXITED.
	 */
	void (*event)(const struct run_event *event, void *arg);
	void *arg;
};

/**
 * manager_run() - create, attach, start, wait and (with AutoRemove) remove in one go
 *
 * Return: 0 after RUN_EXITED, or RUN_STARTED with @detach; after a failure the negative errno, told
 *         by RUN_FAILED before. A client that hangs up or detaches ends the call with 0 and no
 *         further event; the instance goes on.
 */
must_check int manager_run(struct manager *m, struct json_object *request,
			   const struct run_options *options, struct error *err);

/* ---- Exec sessions -------------------------------------------------------------------------- */

struct exec_info {
	char id[INSTANCE_ID_LEN + 1];
	char instance_id[INSTANCE_ID_LEN + 1];
	char *request; /* the create request, JSON as Docker's */
	bool running;
	bool started;
	bool tty;
	int exit_code; /* valid once it is started and not running */
	int pid;
};

void exec_info_done(struct exec_info *info);
#define auto_exec_info auto_(exec_info_done) struct exec_info

/**
 * manager_exec_create() - prepare a program beside the instance's own
 * @request: Docker's body of POST /containers/{id}/exec
 */
must_check int manager_exec_create(struct manager *m, const char *ref, struct json_object *request,
				   char ret_id[INSTANCE_ID_LEN + 1], struct error *err);

/**
 * manager_exec_start() - start it
 * @attach: streams; NULL for a detached one. As in manager_attach(), the socket is the keeper's
 *          afterwards; the keeper closes it when the program's output has ended.
 *
 * Return: 0 as soon as the program runs; -EINVAL where the command was not found (127) or not
 *         executable (126).
 */
must_check int manager_exec_start(struct manager *m, const char *exec_id,
				  const struct attach *attach, struct error *err);
must_check int manager_exec_resize(struct manager *m, const char *exec_id, uint16_t rows,
				   uint16_t cols, struct error *err);
must_check int manager_exec_get(struct manager *m, const char *exec_id, struct exec_info *ret,
				struct error *err);

/**
 * manager_exec_run() - create, attach, start and wait in one go
 *
 * As manager_run(), with the events RUN_CREATED (id of the session), RUN_FAILED and RUN_EXITED.
 */
must_check int manager_exec_run(struct manager *m, const char *ref, struct json_object *request,
				const struct run_options *options, struct error *err);

/* ---- Events --------------------------------------------------------------------------------- */

struct instance_event {
	const char *action; /* Docker's word: "create", "start", "die", "destroy", "kill", ... */
	const struct instance_info *info;
	int64_t time_ns;
	int exit_code;      /* "die", "exec_die" */
	int signal;         /* "kill" */
	const char *detail; /* "rename": the old name; exec: the session's id; else NULL */
};

/* Sets the one listener; called in the thread where the event happens, while the verb that caused
 * it is under way: it must not call verbs itself. */
void manager_set_listener(struct manager *m,
			  void (*listen)(const struct instance_event *event, void *arg), void *arg);
