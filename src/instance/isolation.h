/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <json-c/json_object.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "container/config/compile.h"
#include "files/changes.h"
#include "files/objects.h"
#include "instance/state.h"

/**
 * DOC: The isolation interface
 *
 * What an instance is kept apart by: the host's kernel (container) or a kernel of its own (vm).
 * Both fill this struct; everything above it (records, states, keepers, streams) is the same for
 * both. An isolation that cannot do a verb leaves its function NULL and says why in @refusals: the
 * caller gets an error that names verb, isolation and reason, and nothing else happens instead.
 *
 * An isolation does not start processes by itself. It prepares a launch, which is a plan and
 * descriptors, and a keeper carries that out.
 */

struct cgroup_usage;
struct container_request;
struct copy_in;
struct copy_out;
struct manager;
struct plan;
struct process_table;
struct record;
struct keeper;
struct image_layers;
struct image_config;

/* What a keeper is given. */
struct launch {
	struct vm_spare *spare; /* a keeper that waits already: gets the plan, and no descriptors */
	int plan_fd;
	struct plan_fds fds;         /* those that the plan names by index */
	struct image_layers *layers; /* to be given back to the store when the instance has ended */
};

#define LAUNCH_INIT           \
	{                     \
		.plan_fd = -1 \
	}
void launch_done(struct launch *launch);
#define auto_launch auto_(launch_done) struct launch

/*
 * The files of an instance, running or not, for the verbs export, copy, diff and commit (files.h). All
 * are called with the record's @verbs held.
 */
struct isolation_files {
	int (*stat)(struct manager *m, struct record *r, const char *path, struct path_stat *ret,
		    struct error *err);
	/* @path NULL: everything, as an image would hold it. @stat: what lies there. */
	int (*copy_out)(struct manager *m, struct record *r, const char *path,
			struct path_stat *stat, struct copy_out **ret, struct error *err);
	int (*copy_in)(struct manager *m, struct record *r, const struct files_unpack *options,
		       struct copy_in **ret, struct error *err);
	int (*changes)(struct manager *m, struct record *r, change_visit_fn visit, void *arg,
		       struct error *err);
	/* What it changed, as a layer; @pause: it stands still meanwhile, where it runs. */
	int (*write_layer)(struct manager *m, struct record *r, bool pause, tar_sink_fn sink,
			   void *context, struct error *err);
	/* Bytes that its writable layer takes. */
	int64_t (*size)(struct manager *m, struct record *r);
};

/**
 * launch_spawn() - start a keeper
 * @argv:   its name and arguments
 * @places: what it gets at KEEPER_FD_PLAN to KEEPER_FD_LOG
 * @ret:    receives its process id
 */
must_check int launch_spawn(struct manager *m, const struct launch *launch, char *const argv[],
			    const int places[5], pid_t *ret, struct error *err);

struct isolation {
	const char *name;            /* "container", "vm" */
	const char *keeper_argument; /* for the keeper's command line, or NULL */

	/* Whether an instance of this kind can be made of the request, before a record exists. */
	int (*check)(struct manager *m, const struct record *r, const struct image_config *image,
		     struct error *err);
	/* The launch of the instance itself; @state_fd is its folder, for its writable layer. */
	int (*start)(struct manager *m, struct record *r, int state_fd, struct launch *ret,
		     struct error *err);
	/* The launch of a program beside it; @request is Docker's exec document. */
	int (*exec)(struct manager *m, struct record *r, struct json_object *request,
		    struct launch *ret, struct error *err);

	/* Verbs on what runs; @exec 0 is the instance's first process. */
	int (*signal)(struct keeper *k, uint32_t exec, int signal, struct error *err);
	int (*resize)(struct keeper *k, uint32_t exec, uint16_t rows, uint16_t cols,
		      struct error *err);
	int (*pause)(struct keeper *k, struct error *err);
	int (*unpause)(struct keeper *k, struct error *err);

	const struct isolation_files *files;

	/* The processes of a running instance, as usage.h tells them. */
	int (*processes)(struct manager *m, struct record *r, const char *ps_args,
			 struct process_table *ret, struct error *err);
	/* What a running instance uses. */
	int (*usage)(struct manager *m, struct record *r, struct cgroup_usage *ret,
		     struct error *err);
	/*
	 * Gives a running instance the limits in the cgroup part of @limits, which is changed on the
	 * way; @request: as it will be. With @verbs held.
	 */
	int (*limit)(struct manager *m, struct record *r, const struct container_request *request,
		     struct plan *limits, struct error *err);

	/* An instance was started; may prepare the next start in a thread. NULL: nothing to do. */
	void (*started)(struct manager *m, struct record *r);

	int start_timeout_ms; /* until the first process runs */

	const char *refusals[VERB_COUNT]; /* why a verb's function is NULL */
};

extern const struct isolation isolation_container;
extern const struct isolation isolation_vm;

/**
 * isolation_refuse() - the error for a verb whose function is NULL
 *
 * Return: -EOPNOTSUPP, with a text such as "pause is not possible with isolation vm: ...".
 */
int isolation_refuse(const struct isolation *isolation, enum instance_verb verb, struct error *err);
