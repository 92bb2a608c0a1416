/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor/doctor.h"

#include <stdio.h>

#include "cli/verbs.h"

/* Prints one group of findings; how many of them are bad. */
static int examine(const struct call *call, const char *head, const struct doctor_check *checks)
{
	static const char *const words[] = { "ok", "note", "FAIL" };
	int bad = 0;

	(void)printf("%s:\n", head);
	for (; checks->name; checks++) {
		struct finding f = {};
		checks->look(call, &f);
		(void)printf("  %-4s  %-16s  %s\n", words[f.verdict], checks->name, f.text);
		if (f.mend[0])
			(void)printf("        %-16s  mend: %s\n", "", f.mend);
		bad += f.verdict == VERDICT_BAD;
	}
	return bad;
}

static int run(struct call *call)
{
	int bad = examine(call, "This host", doctor_host_checks);

	(void)putchar('\n');
	bad += examine(call, "The engine", doctor_engine_checks);
	return bad > 0 ? 1 : 0;
}

const struct verb verb_doctor = {
	.names = (const char *const[]){ "doctor", "system doctor", NULL },
	.help = "Show what works on this host and how to mend what does not",
	.no_start = true,
	.run = run,
};
