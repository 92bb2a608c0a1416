/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/human.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

static void scaled(double value, double step, int digits, const char *const *units, size_t count,
		   char ret[HUMAN_TEXT])
{
	size_t unit = 0;

	while (value >= step && unit + 1 < count) {
		value /= step;
		unit++;
	}
	(void)snprintf(ret, HUMAN_TEXT, "%.*g%s", digits, value, units[unit]);
	/* 999.7 rounds to a thousand, which is one of the next unit */
	if (strchr(ret, 'e') && unit + 1 < count)
		(void)snprintf(ret, HUMAN_TEXT, "%.*g%s", digits, value / step, units[unit + 1]);
}

void human_size(double bytes, int digits, char ret[HUMAN_TEXT])
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };

	scaled(bytes, 1000, digits, units, ARRAY_SIZE(units), ret);
}

void human_size_binary(double bytes, char ret[HUMAN_TEXT])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };

	scaled(bytes, 1024, 4, units, ARRAY_SIZE(units), ret);
}

void human_duration(int64_t ns, char ret[HUMAN_TEXT])
{
	int64_t seconds = ns / NSEC_PER_SEC;
	int64_t minutes = seconds / 60;
	int64_t hours = (minutes + 30) / 60;
	const char *fixed = seconds < 1    ? "Less than a second"
			    : seconds == 1 ? "1 second"
			    : seconds < 60 ? NULL
			    : minutes == 1 ? "About a minute"
			    : minutes < 60 ? NULL
			    : hours == 1   ? "About an hour"
					   : NULL;

	if (fixed)
		(void)snprintf(ret, HUMAN_TEXT, "%s", fixed);
	else if (seconds < 60)
		(void)snprintf(ret, HUMAN_TEXT, "%lld seconds", (long long)seconds);
	else if (minutes < 60)
		(void)snprintf(ret, HUMAN_TEXT, "%lld minutes", (long long)minutes);
	else if (hours < 48)
		(void)snprintf(ret, HUMAN_TEXT, "%lld hours", (long long)hours);
	else if (hours < 24 * 7 * 2)
		(void)snprintf(ret, HUMAN_TEXT, "%lld days", (long long)(hours / 24));
	else if (hours < 24 * 30 * 2)
		(void)snprintf(ret, HUMAN_TEXT, "%lld weeks", (long long)(hours / 24 / 7));
	else if (hours < 24 * 365 * 2)
		(void)snprintf(ret, HUMAN_TEXT, "%lld months", (long long)(hours / 24 / 30));
	else
		(void)snprintf(ret, HUMAN_TEXT, "%lld years", (long long)(seconds / 86400 / 365));
}

/* A plain decimal number: digits with at most one point among them. */
static bool parse_decimal(const char **at, double *ret)
{
	const char *from = *at;
	bool digit = false;
	bool point = false;
	double value = 0;
	double unit = 1;

	for (; isdigit((unsigned char)**at) || (**at == '.' && !point); (*at)++) {
		if (**at == '.') {
			point = true;
			continue;
		}
		digit = true;
		value = value * 10 + (**at - '0');
		if (point)
			unit *= 10;
	}
	if (!digit || *at - from > 40)
		return false;
	*ret = value / unit;
	return true;
}

bool human_parse_bytes(const char *text, int64_t *ret)
{
	static const char units[] = "kmgtp";
	bool minus = *text == '-';
	const char *at = text + (minus ? 1 : 0);
	double value;

	if (!parse_decimal(&at, &value))
		return false;
	if (*at == ' ')
		at++;
	const char *unit = *at ? strchr(units, tolower((unsigned char)*at)) : NULL;
	if (unit) {
		at++;
		for (const char *u = units; u <= unit; u++)
			value *= 1024;
		if (*at == 'i' || *at == 'I')
			at++;
	}
	if (*at == 'b' || *at == 'B')
		at++;
	if (*at || value >= 0x1p63)
		return false;
	*ret = minus ? -(int64_t)value : (int64_t)value;
	return true;
}

/* The unit at *at in nanoseconds, or 0. */
static double duration_unit(const char **at)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {
		{ "ns", 1 },  { "us", 1e3 }, { "\xc2\xb5s", 1e3 }, { "ms", 1e6 },
		{ "s", 1e9 }, { "m", 60e9 }, { "h", 3600e9 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		size_t len = strlen(units[i].name);
		if (strncmp(*at, units[i].name, len) == 0) {
			*at += len;
			return units[i].ns;
		}
	}
	return 0;
}

bool human_parse_duration(const char *text, int64_t *ret)
{
	bool minus = *text == '-';
	const char *at = text + (minus || *text == '+' ? 1 : 0);
	double total = 0;

	if (strcmp(at, "0") == 0) {
		*ret = 0;
		return true;
	}
	if (!*at)
		return false;
	while (*at) {
		double value;
		if (!parse_decimal(&at, &value))
			return false;
		double unit = duration_unit(&at);
		if (unit == 0)
			return false;
		total += value * unit;
	}
	if (total >= 0x1p63)
		return false;
	*ret = (int64_t)(minus ? -total : total);
	return true;
}

bool human_parse_cpus(const char *text, int64_t *ret)
{
	const char *at = text;
	const char *point = strchr(text, '.');
	double value;

	if (!parse_decimal(&at, &value) || *at || (point && strlen(point + 1) > 9) ||
	    value > 1000000)
		return false;
	*ret = llround(value * 1e9);
	return true;
}

/* "1700000000" or "1700000000.25". */
static bool parse_epoch(const char *text, int64_t *ret)
{
	char *end;
	long long seconds = strtoll(text, &end, 10);
	int64_t nanos = 0;
	int64_t unit = NSEC_PER_SEC / 10;

	if (end == text || (*end && *end != '.') || seconds > INT64_MAX / NSEC_PER_SEC ||
	    seconds < 0)
		return false;
	if (*end == '.') {
		for (end++; isdigit((unsigned char)*end); end++, unit /= 10)
			nanos += (*end - '0') * unit;
		if (*end)
			return false;
	}
	*ret = seconds * NSEC_PER_SEC + nanos;
	return true;
}

bool human_parse_instant(const char *text, int64_t now_ns, int64_t *ret)
{
	static const char *const forms[] = { "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H",
					     "%Y-%m-%d" };
	int64_t back;

	if (clock_parse(text, ret) || parse_epoch(text, ret))
		return true;
	if (human_parse_duration(text, &back)) {
		*ret = now_ns - back;
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct tm tm = { .tm_isdst = -1 };
		const char *end = strptime(text, forms[i], &tm);
		if (end && strcmp(end, "Z") == 0) {
			*ret = (int64_t)timegm(&tm) * NSEC_PER_SEC;
			return true;
		}
		if (end && !*end) {
			*ret = (int64_t)mktime(&tm) * NSEC_PER_SEC;
			return true;
		}
	}
	return false;
}

void human_instant(int64_t ns, char ret[HUMAN_TEXT])
{
	time_t when = (time_t)(ns / NSEC_PER_SEC);
	struct tm tm;

	if (!localtime_r(&when, &tm) || strftime(ret, HUMAN_TEXT, "%F %T %z %Z", &tm) == 0)
		(void)snprintf(ret, HUMAN_TEXT, "N/A");
}
