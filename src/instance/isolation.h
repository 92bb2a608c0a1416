/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <json-c/json_object.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "container/config/compile.h"
#include "instance/root-view.h"
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

struct manager;
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

	/*
	 * The files of an instance, running or not, for the verbs export, copy, diff and commit;
	 * root-view.h. @open_image: those of its image alone. @open_upper: a descriptor of the folder
	 * that holds what it changed, -ENOENT where it never ran.
	 */
	int (*open_root)(struct manager *m, struct record *r, enum root_use use,
			 struct root_view *ret, struct error *err);
	int (*open_image)(struct manager *m, struct record *r, struct root_view *ret,
			  struct error *err);
	int (*open_upper)(struct manager *m, struct record *r, struct error *err);

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
