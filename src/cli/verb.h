/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "cli/client/api.h"
#include "cli/option.h"

/**
 * DOC: Verbs
 *
 * A verb is one file in cli/verb and one constant struct: its names, operands, option tables, help
 * and function. Everything that must know the verbs (dispatch, help, completion, man pages) reads
 * these structs; adding a verb is one file, one line in verbs.c and one in meson.build.
 *
 * Names are whole paths, as Docker's: { "ps", "container ls", "container list" }. The first is the
 * one that help shows. Groups ("container") exist by being a name's first word; verbs.c holds their
 * descriptions.
 */

/* Options in front of the verb. */
struct globals {
	struct strv hosts;
	const char *context;
	const char *config_dir; /* NULL: the usual one */
	const char *log_level;
	bool debug;
	bool version;
};

struct verb;

/* One call of a verb. */
struct call {
	const struct verb *verb;
	const char *name; /* as typed: "container ls" */
	const struct globals *globals;
	struct api *api;
	void *options; /* the verb's own struct, filled */
	char **operands;
	size_t operand_count;
	const struct option_result *parsed;
};

struct verb {
	const char *const *names; /* NULL-terminated */
	const char *operands;     /* "CONTAINER [CONTAINER...]", or NULL */
	const char *help;         /* one line */
	const char *details;      /* further paragraphs for help and man page, or NULL */
	struct option_set options;
	size_t options_size;
	int operands_min;
	int operands_max;    /* negative: any number */
	enum words words;    /* what operands are, for completion */
	const char *choices; /* operand values for completion, as in struct option */
	bool common;         /* listed first in `berth --help` */
	bool hidden;
	bool local;    /* does without the engine */
	bool no_start; /* asks the engine only where one runs */
	/* Gives the exit status; has printed its errors itself. */
	int (*run)(struct call *call);
	int failure; /* exit status for bad usage; 0 stands for 1 */
};

struct verb_group {
	const char *name;
	const char *help;
};

/* All of them, NULL-terminated; groups end with a NULL name. */
extern const struct verb *const verbs[];
extern const struct verb_group verb_groups[];
extern const struct option_set global_options;

/**
 * verb_find() - the verb that words call
 * @words:    arguments, NULL-terminated
 * @ret_used: receives how many words are the name (1 or 2)
 * @ret_name: receives the name as typed, constant text
 *
 * Return: the verb, or NULL.
 */
const struct verb *verb_find(char *const *words, size_t *ret_used, const char **ret_name);

const struct verb_group *verb_group_find(const char *name);

/* True where the option was given on the command line (rather than preset). */
bool call_given(const struct call *call, const char *option);

/**
 * call_fail() - tell a failure on standard error: "berth: VERB: TEXT"
 * @object: named between verb and text, or NULL
 *
 * Return: 1, the usual exit status.
 */
int call_fail(const struct call *call, const char *object, const struct error *err);

/* Tells a failure that was found here, in printf's manner; returns 1. */
int call_say(const struct call *call, const char *fmt, ...) printf_like(2, 3);

/* Runs @each for every operand, tells each failure; 0 where all went well, else 1. */
int call_each(struct call *call,
	      int (*each)(struct call *call, const char *operand, struct error *err));
