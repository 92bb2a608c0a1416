/* SPDX-License-Identifier: Apache-2.0 */
#include "base/signals.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <stdbool.h>

#include "base/macros.h"

/* The kernel's own limits: the C library keeps the first two real-time signals to itself. */
#define REALTIME_MIN 34
#define REALTIME_MAX 64

struct name {
	const char *text;
	int number;
};

/* A number's first name is the one that is shown. */
static const struct name names[] = {
	{ "HUP", SIGHUP },       { "INT", SIGINT },       { "QUIT", SIGQUIT },
	{ "ILL", SIGILL },       { "TRAP", SIGTRAP },     { "ABRT", SIGABRT },
	{ "IOT", SIGIOT },       { "BUS", SIGBUS },       { "FPE", SIGFPE },
	{ "KILL", SIGKILL },     { "USR1", SIGUSR1 },     { "SEGV", SIGSEGV },
	{ "USR2", SIGUSR2 },     { "PIPE", SIGPIPE },     { "ALRM", SIGALRM },
	{ "TERM", SIGTERM },     { "STKFLT", SIGSTKFLT }, { "CHLD", SIGCHLD },
	{ "CLD", SIGCHLD },      { "CONT", SIGCONT },     { "STOP", SIGSTOP },
	{ "TSTP", SIGTSTP },     { "TTIN", SIGTTIN },     { "TTOU", SIGTTOU },
	{ "URG", SIGURG },       { "XCPU", SIGXCPU },     { "XFSZ", SIGXFSZ },
	{ "VTALRM", SIGVTALRM }, { "PROF", SIGPROF },     { "WINCH", SIGWINCH },
	{ "IO", SIGIO },         { "POLL", SIGPOLL },     { "PWR", SIGPWR },
	{ "SYS", SIGSYS },
};

/* Digits alone, at most @max; -1 where it is not that. */
static int number_of(const char *text, int max)
{
	size_t len = strlen(text);

	if (len == 0 || len > 2 || strspn(text, "0123456789") != len)
		return -1;
	int number = (int)strtol(text, NULL, 10);
	return number <= max ? number : -1;
}

static int realtime(const char *text)
{
	bool from_min = strncasecmp(text, "RTMIN", 5) == 0;
	int base = from_min ? REALTIME_MIN : REALTIME_MAX;

	if (text[5] == '\0')
		return base;
	if (text[5] != (from_min ? '+' : '-'))
		return 0;
	int step = number_of(text + 6, REALTIME_MAX - REALTIME_MIN);
	if (step < 0)
		return 0;
	return from_min ? base + step : base - step;
}

int signal_parse(const char *text)
{
	int number = number_of(text, REALTIME_MAX);
	if (number >= 0)
		return number;

	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	if (strncasecmp(text, "RTMIN", 5) == 0 || strncasecmp(text, "RTMAX", 5) == 0)
		return realtime(text);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcasecmp(names[i].text, text) == 0)
			return names[i].number;
	return 0;
}

const char *signal_name(int number, char ret[SIGNAL_NAME])
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i].number == number) {
			(void)snprintf(ret, SIGNAL_NAME, "SIG%s", names[i].text);
			return ret;
		}
	}
	if (number >= REALTIME_MIN && number <= REALTIME_MAX)
		(void)snprintf(ret, SIGNAL_NAME, "SIGRTMIN+%d", number - REALTIME_MIN);
	else
		(void)snprintf(ret, SIGNAL_NAME, "%d", number);
	return ret;
}
