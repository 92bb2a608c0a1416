/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strv.h"

/**
 * DOC: Options from a table
 *
 * A verb describes its options once, in tables of `struct option`; parsing, help text, completion
 * and man page all read the same tables. Each entry says where its value lies in the verb's own
 * struct of options, which starts zeroed and then gets the entries' presets.
 *
 * This is a parser of its own and not getopt_long(3), because Docker's command line is another
 * language than that one: a flag takes "--rm=false" (but not "--rm false"), names are never
 * abbreviated, "-n=5" means 5, the first operand ends the options of some verbs only, and the
 * messages are ones that people know.
 */

enum option_type {
	OPTION_FLAG,     /* bool */
	OPTION_TEXT,     /* const char *, borrowed from the arguments */
	OPTION_LIST,     /* struct strv, one item for each use */
	OPTION_WORDS,    /* struct strv; a comma also parts items */
	OPTION_INT,      /* int64_t */
	OPTION_BYTES,    /* int64_t, "512m" */
	OPTION_DURATION, /* int64_t nanoseconds, "1m30s" */
	OPTION_CPUS,     /* int64_t billionths of a processor, "1.5" */
};

/* What completion offers for an option's value or an operand. */
enum words {
	WORDS_NONE,
	WORDS_FILE,
	WORDS_FOLDER,
	WORDS_INSTANCE,
	WORDS_RUNNING,
	WORDS_STOPPED,
	WORDS_IMAGE,
	WORDS_SIGNAL,
	WORDS_CAPABILITY,
	WORDS_NETWORK,
	WORDS_VOLUME,
	WORDS_CONTEXT,
	WORDS_HOST_COMMAND,
};

struct option {
	const char *name; /* long name without dashes; NULL ends a table */
	char letter;      /* 0 where there is none */
	enum option_type type;
	size_t place;        /* offset of the value in the verb's struct */
	const char *help;    /* one sentence without a full stop */
	const char *value;   /* what help calls the value; NULL: the type's own word */
	const char *preset;  /* value where the option is not given; NULL: zero */
	const char *choices; /* "always|missing|never" for completion; NULL: see @words */
	enum words words;
	bool hidden; /* accepted, but neither in help nor completion */
};

#define OPTION_TABLES_MAX 4

/* Tables of one command; each ends with an entry without a name, unused places are NULL. */
struct option_set {
	const struct option *tables[OPTION_TABLES_MAX];
	bool stop_at_operand; /* the first operand ends the options */
	bool raw;             /* everything is an operand */
};

#define OPTIONS_MAX 160

/* What parsing found beside the values. */
struct option_result {
	bool given[OPTIONS_MAX]; /* by position, as option_at() counts */
	char **operands;         /* NULL-terminated; borrowed */
	size_t operand_count;
	bool help; /* --help was among the options; nothing else is checked then */
};

/* The entry at @position over all tables, or NULL behind the last. */
const struct option *option_at(const struct option_set *set, size_t position);

/* Position of the option called @name; -1 where there is none. */
int option_find(const struct option_set *set, const char *name);

/**
 * option_parse() - read arguments into a verb's struct
 * @set:    the tables
 * @argv:   arguments without the command, NULL-terminated; the operands are moved to its front
 * @values: the zeroed struct of the verb
 * @ret:    receives what was found
 *
 * Return: 0 or -EINVAL, with Docker's text.
 */
must_check int option_parse(const struct option_set *set, char **argv, void *values,
			    struct option_result *ret, struct error *err);

/* Releases the lists in @values. */
void option_done(const struct option_set *set, void *values);

/* What help calls the option's value: "" for a flag. */
const char *option_value_word(const struct option *o);
