/* SPDX-License-Identifier: Apache-2.0 */
#include "api/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/strbuf.h"

#define NEVER "0001-01-01T00:00:00Z"

const char *time_text(int64_t realtime_ns, char ret[TIME_TEXT])
{
	if (realtime_ns == 0)
		return memcpy(ret, NEVER, sizeof(NEVER));
	clock_format(realtime_ns, ret);

	size_t end = strlen(ret) - 1; /* of the 'Z' */
	while (ret[end - 1] == '0')
		end--;
	if (ret[end - 1] == '.')
		end--;
	ret[end] = 'Z';
	ret[end + 1] = '\0';
	return ret;
}

/* Up to nine digits of a fraction, as nanoseconds; false where they are none. */
static bool parse_fraction(const char *digits, int64_t *ret)
{
	int64_t ns = 0;
	int64_t unit = NSEC_PER_SEC / 10;

	if (!*digits)
		return false;
	for (; *digits; digits++, unit /= 10) {
		if (*digits < '0' || *digits > '9')
			return false;
		ns += (*digits - '0') * unit;
	}
	*ret = ns;
	return true;
}

/* A span as Go writes it, "1h30m"; false where it is none. */
static bool parse_span(const char *text, int64_t *ret)
{
	static const struct {
		char unit;
		int64_t ns;
	} units[] = { { 'h', 3600 * NSEC_PER_SEC },
		      { 'm', 60 * NSEC_PER_SEC },
		      { 's', NSEC_PER_SEC } };
	int64_t total = 0;

	for (size_t i = 0; *text && i < ARRAY_SIZE(units); i++) {
		char *end;
		long count = strtol(text, &end, 10);

		if (end == text || *text < '0' || *text > '9' || count > 1000000)
			return false;
		if (*end != units[i].unit)
			continue;
		total += count * units[i].ns;
		text = end + 1;
	}
	*ret = total;
	return !*text;
}

/* Seconds since the epoch, with a fraction or without; false where it is not that. */
static bool parse_seconds(const char *text, int64_t *ret)
{
	int64_t fraction = 0;
	char *end;

	errno = 0;
	long long seconds = strtoll(text, &end, 10);
	if (errno || *text < '0' || *text > '9' || seconds > INT64_MAX / NSEC_PER_SEC - 1 ||
	    (*end && (*end != '.' || !parse_fraction(end + 1, &fraction))))
		return false;
	*ret = seconds * NSEC_PER_SEC + fraction;
	return true;
}

int time_parse(const char *name, const char *text, int64_t *ret_ns, struct error *err)
{
	int64_t span;

	if (!text || !*text || clock_parse(text, ret_ns) || parse_seconds(text, ret_ns))
		return 0;
	if (!parse_span(text, &span))
		return error_say(err, EINVAL, "query parameter '%s' is no time", name);
	*ret_ns = clock_now() - span;
	return 0;
}

const char *duration_text(int64_t duration_ns, char ret[DURATION_TEXT])
{
	int64_t seconds = duration_ns / NSEC_PER_SEC;
	int64_t minutes = seconds / 60;
	int64_t hours = (seconds + 1800) / 3600;
	int64_t whole_hours = seconds / 3600;
	struct {
		bool holds;
		const char *word; /* the whole text where @count is negative */
		int64_t count;
	} steps[] = {
		{ seconds < 1, "Less than a second", -1 },
		{ seconds == 1, "1 second", -1 },
		{ seconds < 60, "seconds", seconds },
		{ minutes == 1, "About a minute", -1 },
		{ minutes < 60, "minutes", minutes },
		{ hours == 1, "About an hour", -1 },
		{ hours < 48, "hours", hours },
		{ hours < 24 * 7 * 2, "days", hours / 24 },
		{ hours < 24 * 30 * 2, "weeks", hours / 24 / 7 },
		{ hours < 24 * 365 * 2, "months", hours / 24 / 30 },
		{ true, "years", whole_hours / 24 / 365 },
	};
	size_t i = 0;

	while (!steps[i].holds)
		i++;
	if (steps[i].count < 0)
		snprintf(ret, DURATION_TEXT, "%s", steps[i].word);
	else
		snprintf(ret, DURATION_TEXT, "%" PRId64 " %s", steps[i].count, steps[i].word);
	return ret;
}

char *command_text(const char *path, const struct strv *args)
{
	auto_strbuf text = STRBUF_INIT(SIZE_MAX);

	strbuf_adds(&text, path);
	for (size_t i = 0; i < args->count; i++) {
		const char *quote = strchr(args->items[i], ' ') ? "'" : "";

		strbuf_addf(&text, " %s%s%s", quote, args->items[i], quote);
	}
	return strbuf_take(&text);
}

const char *size_text(uint64_t bytes, char ret[SIZE_TEXT])
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	double size = (double)bytes;
	size_t unit = 0;

	while (size >= 1000.0 && unit + 1 < ARRAY_SIZE(units)) {
		size /= 1000.0;
		unit++;
	}
	snprintf(ret, SIZE_TEXT, "%.4g%s", size, units[unit]);
	return ret;
}
