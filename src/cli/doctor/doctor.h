/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/verb.h"

/**
 * DOC: The doctor's checks
 *
 * Each looks at one thing by trying it or reading what the kernel says about it, never by a version
 * number, and says in a sentence what it found and how to mend what is missing.
 */

enum verdict {
	VERDICT_GOOD,
	VERDICT_NOTE, /* works, but less well, or something optional is missing */
	VERDICT_BAD,
};

struct finding {
	enum verdict verdict;
	char text[320];
	char mend[200]; /* a command or a step; "" where nothing is to be done */
};

struct doctor_check {
	const char *name;
	void (*look)(const struct call *call, struct finding *ret);
};

/* Those about the engine and those about this host; each ends with a NULL name. */
extern const struct doctor_check doctor_engine_checks[];
extern const struct doctor_check doctor_host_checks[];

void finding_set(struct finding *f, enum verdict verdict, const char *fmt, ...) printf_like(3, 4);
void finding_mend(struct finding *f, const char *fmt, ...) printf_like(2, 3);
