/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/log.h"
#include "base/strv.h"
#include "store/store.h"

/**
 * DOC: What the operator sets
 *
 * First the defaults, then the configuration file, then the command line; the last word counts. The
 * file is a JSON object whose keys are the long options' names without dashes. An unknown key is an
 * error: a setting that is spelt wrong must not be passed over.
 *
 *	{ "state": "/srv/berth", "log-level": "debug", "insecure-registries": ["10.0.0.5:5000"] }
 */

struct engine_options {
	char *state_dir;
	char *run_dir;
	char *socket;
	char *pid_file;
	char *config;   /* file that was read, NULL where there is none */
	char *log_file; /* of an engine in the background */
	char *group;    /* owns the socket beside root; NULL = none */
	enum log_level log_level;
	enum store_mode store_mode;
	struct strv token_servers; /* "host[:port]" that any registry may name for logins */
	char *qemu;                /* NULL: the distribution's */
	char *guest_kernel;        /* folder of an unpacked kernel package; NULL: look for one */
	unsigned vm_spares;        /* machines made ahead, at most VM_SPARES_MAX */
	struct strv insecure_registries; /* "host[:port]", plain HTTP or an unknown certificate */
	bool daemon;                     /* go to the background once the socket listens */
	int ready_fd; /* where the engine in the background tells how its start went; -1 = none */
};

void engine_options_done(struct engine_options *options);
#define auto_engine_options auto_(engine_options_done) struct engine_options

/**
 * engine_options_read() - take the command line and the configuration file
 * @ret: zeroed; receives the options
 *
 * Return: 0; 1 where help or version was asked for and printed; -EINVAL.
 */
must_check int engine_options_read(int argc, char **argv, struct engine_options *ret,
				   struct error *err);
