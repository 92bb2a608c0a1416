/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

/**
 * DOC: Sizes and times as people read and write them
 *
 * The forms are the ones that Docker's command line prints and accepts, to the letter, since
 * scripts read them: "7.8MB" in powers of 1000, "512m" in powers of 1024, "About a minute".
 */

#define HUMAN_TEXT 48

/* "12.3MB": powers of 1000, @digits significant ones (3 in lists, 4 in progress bars). */
void human_size(double bytes, int digits, char ret[HUMAN_TEXT]);

/* "1.95GiB": powers of 1024, four significant digits. */
void human_size_binary(double bytes, char ret[HUMAN_TEXT]);

/* "Less than a second", "5 seconds", "About an hour", "3 weeks". */
void human_duration(int64_t ns, char ret[HUMAN_TEXT]);

/* "512m" in powers of 1024, with an optional fraction and "b", "ib" behind the unit. */
must_check bool human_parse_bytes(const char *text, int64_t *ret);

/* Go's durations, into nanoseconds: "1h2m3.5s", "300ms", "0". */
must_check bool human_parse_duration(const char *text, int64_t *ret);

/* A number of processors with up to nine decimals, into billionths. */
must_check bool human_parse_cpus(const char *text, int64_t *ret);

/**
 * human_parse_instant() - what --since and --until take
 * @text:   RFC 3339, a date, a date and time without offset (local), seconds since the epoch with
 *          an optional fraction, or a duration that is counted back from now
 * @now_ns: wall clock
 *
 * Return: true with nanoseconds since the epoch in @ret.
 */
must_check bool human_parse_instant(const char *text, int64_t now_ns, int64_t *ret);

/* "2026-11-20 23:24:29 +0000 UTC", local time, as lists print instants. */
void human_instant(int64_t ns, char ret[HUMAN_TEXT]);
