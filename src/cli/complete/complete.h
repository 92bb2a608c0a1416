/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/verb.h"

/**
 * DOC: Completion
 *
 * The shells' scripts are a few lines that hand the words typed so far to `berth __complete`, which
 * answers from the verbs' tables and, for names of instances, images and the like, from the engine
 * where one runs. The answer is one candidate a line, with a tab and a description behind it where
 * there is one; the last line says what else the shell should offer: ":words" nothing, ":files",
 * ":folders" or ":commands".
 */

/**
 * complete_words() - candidates for the last of some words
 * @call:  of __complete: its engine is asked, where one runs
 * @words: what stands behind "berth", the last one possibly empty
 * @count: at least 1
 * @ret:   receives the answer
 */
void complete_words(const struct call *call, char **words, size_t count, struct strbuf *ret);

/* Adds candidates of a kind that begin with @prefix; @lead is put before each. */
void complete_add_words(const struct call *call, enum words kind, const char *lead,
			const char *prefix, struct strbuf *ret);

/* Adds one candidate where it begins with @prefix. */
void complete_add(const char *lead, const char *word, const char *description, const char *prefix,
		  struct strbuf *ret);
