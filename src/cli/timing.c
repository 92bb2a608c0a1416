/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/timing.h"

#include <stdio.h>

#include "cli/document.h"

static int compare_phases(const void *a, const void *b)
{
	int64_t x = document_int(*(struct json_object *const *)a, "ns");
	int64_t y = document_int(*(struct json_object *const *)b, "ns");

	return (x > y) - (x < y);
}

void timing_print(struct json_object *phases)
{
	double before = 0;

	/* parent and child of a start tell theirs independently of each other */
	json_object_array_sort(phases, compare_phases);
	(void)fprintf(stderr, "%-24s %12s %12s\n", "PHASE", "TOOK", "SINCE START");
	for (size_t i = 0; i < document_count(phases, NULL); i++) {
		struct json_object *phase = document_item(phases, i);
		double at = (double)document_int(phase, "ns") / 1e3;
		(void)fprintf(stderr, "%-24s %10.0fus %10.0fus\n", document_text(phase, "phase"),
			      at - before, at);
		before = at;
	}
}
