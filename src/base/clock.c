/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
	struct timespec ts = {};

	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

int64_t clock_now(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t clock_monotonic(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

void clock_format(int64_t realtime_ns, char ret[CLOCK_TEXT])
{
	int64_t seconds = realtime_ns / NSEC_PER_SEC;
	int64_t nanos = realtime_ns % NSEC_PER_SEC;
	if (nanos < 0) {
		nanos += NSEC_PER_SEC;
		seconds--;
	}

	time_t when = (time_t)seconds;
	struct tm tm;
	char day[sizeof("2026-11-20T23:24:29")];
	if (!gmtime_r(&when, &tm) || strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		(void)snprintf(day, sizeof(day), "0001-01-01T00:00:00");
	(void)snprintf(ret, CLOCK_TEXT, "%.19s.%09uZ", day, (unsigned)nanos % 1000000000U);
}

/* Reads ".123" as nanoseconds; digits past the ninth are dropped. */
static bool parse_fraction(const char **at, int64_t *ret)
{
	int64_t nanos = 0;
	int64_t unit = NSEC_PER_SEC / 10;

	if (**at != '.')
		return true;
	(*at)++;
	if (!isdigit((unsigned char)**at))
		return false;
	for (; isdigit((unsigned char)**at); (*at)++, unit /= 10)
		nanos += (**at - '0') * unit;
	*ret = nanos;
	return true;
}

static bool parse_offset(const char *at, int64_t *ret)
{
	int hours;
	int minutes;
	int used = 0;

	if (strcmp(at, "Z") == 0 || strcmp(at, "z") == 0) {
		*ret = 0;
		return true;
	}
	if (*at != '+' && *at != '-')
		return false;
	if (sscanf(at + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 || at[1 + used] != '\0')
		return false;
	*ret = (int64_t)(hours * 3600 + minutes * 60) * (*at == '-' ? -1 : 1);
	return true;
}

bool clock_parse(const char *text, int64_t *ret)
{
	struct tm tm = {};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	int64_t nanos = 0;
	int64_t offset = 0;

	if (!rest || !parse_fraction(&rest, &nanos) || !parse_offset(rest, &offset))
		return false;
	*ret = ((int64_t)timegm(&tm) - offset) * NSEC_PER_SEC + nanos;
	return true;
}
