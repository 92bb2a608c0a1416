/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/verb.h"

/**
 * DOC: Man pages
 *
 * Written from the verbs' tables: berth.1 and a page for each verb, berth-run.1, berth-image-prune.1.
 */

/* The page of one verb, appended to @ret. */
void manual_verb(const struct verb *verb, struct strbuf *ret);
/* berth(1). */
void manual_program(struct strbuf *ret);

/* "berth-image-prune" of a verb; the caller's. */
char *manual_name(const struct verb *verb);
