/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/verb.h"

/**
 * DOC: inspect, container inspect and image inspect
 */

struct inspect_options {
	const char *format;
	const char *type;
	bool size;
};

/* Prints everything about the operands; @type limits where they are looked for, NULL = anywhere. */
int inspect_objects(struct call *call, const char *type);

/* True for a type that objects may have. */
bool inspect_knows_type(const char *type);
