/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>

#include "cli/verb.h"

/**
 * DOC: Help texts
 *
 * Written from the verbs' tables, in the layout of Docker's.
 */

/* `berth --help`. */
void help_program(FILE *out);
/* `berth image --help`. */
void help_group(FILE *out, const struct verb_group *group);
/* `berth run --help`. */
void help_verb(FILE *out, const struct verb *verb);
/* "Usage:  berth run [OPTIONS] IMAGE ..." and a line end. */
void help_usage(FILE *out, const struct verb *verb);

/* Positions of a set's shown options sorted by name, into @ret; how many. */
size_t help_sorted(const struct option_set *set, size_t ret[OPTIONS_MAX]);
