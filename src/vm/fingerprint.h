/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/**
 * DOC: Fingerprints
 *
 * Name a thing that was made from others, so that it is made anew when one of them changes: two
 * 64-bit FNV-1a sums with different starts. They guard against age, not against malice: everything
 * that goes in belongs to the operator.
 */

#define FINGERPRINT_TEXT 33

struct fingerprint {
	uint64_t sums[2];
};

/* @version: of the code that makes the thing. */
void fingerprint_init(struct fingerprint *f, uint32_t version);
void fingerprint_add(struct fingerprint *f, const void *data, size_t len);
void fingerprint_add_text(struct fingerprint *f, const char *text);

/* Path, size and time of change of a file, which stand for its content. */
must_check int fingerprint_add_file(struct fingerprint *f, const char *path, struct error *err);

void fingerprint_text(const struct fingerprint *f, char ret[FINGERPRINT_TEXT]);
