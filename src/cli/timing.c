/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/timing.h"

#include <stdio.h>

#include "cli/document.h"

void timing_print(struct json_object *phases)
{
	double before = 0;

	(void)fprintf(stderr, "%-24s %12s %12s\n", "PHASE", "TOOK", "SINCE START");
	for (size_t i = 0; i < document_count(phases, NULL); i++) {
		struct json_object *phase = document_item(phases, i);
		double at = (double)document_int(phase, "ns") / 1e3;
		(void)fprintf(stderr, "%-24s %10.0fus %10.0fus\n", document_text(phase, "phase"),
			      at - before, at);
		before = at;
	}
}
