/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/**
 * DOC: Time
 *
 * Nanoseconds since the epoch (wall clock) or since boot (monotonic) as int64_t.
 */

#define NSEC_PER_SEC 1000000000LL
#define NSEC_PER_MSEC 1000000LL

int64_t clock_now(void);       /* CLOCK_REALTIME */
int64_t clock_monotonic(void); /* CLOCK_MONOTONIC */

/* RFC 3339 with nanoseconds in UTC, "2026-11-20T23:24:29.012345678Z": 30 characters and a NUL. */
#define CLOCK_TEXT 32
void clock_format(int64_t realtime_ns, char ret[CLOCK_TEXT]);

/* Reads RFC 3339 with optional fraction and any offset; false where it is not that. */
bool clock_parse(const char *text, int64_t *ret);
