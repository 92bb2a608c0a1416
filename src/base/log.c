/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/strbuf.h"

#define RECORD_MAX 4096

static const char *const level_names[] = { "error", "warning", "info", "debug" };
static const char journal_levels[] = "3467";

static atomic_int threshold = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	atomic_store(&threshold, (int)level);
}

bool log_parse_level(const char *text, enum log_level *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(level_names); i++) {
		if (strcmp(text, level_names[i]) == 0) {
			*ret = (enum log_level)i;
			return true;
		}
	}
	return false;
}

static void add_value(struct strbuf *line, const char *value)
{
	if (*value && strcspn(value, " \"=\t\n") == strlen(value)) {
		strbuf_adds(line, value);
		return;
	}
	strbuf_addc(line, '"');
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			strbuf_addc(line, '\\');
		strbuf_addc(line, (unsigned char)*value < ' ' ? ' ' : *value);
	}
	strbuf_addc(line, '"');
}

void log_event(enum log_level level, const char *message, ...)
{
	if ((int)level > atomic_load(&threshold))
		return;

	auto_strbuf line = STRBUF_INIT(RECORD_MAX);
	if (getenv("JOURNAL_STREAM")) {
		strbuf_addf(&line, "<%c>", journal_levels[level]);
	} else {
		char now[CLOCK_TEXT];
		clock_format(clock_now(), now);
		strbuf_addf(&line, "%s %s ", now, level_names[level]);
	}
	strbuf_adds(&line, message);

	va_list args;
	va_start(args, message);
	for (const char *key; (key = va_arg(args, const char *));) {
		const char *value = va_arg(args, const char *);
		strbuf_addf(&line, " %s=", key);
		add_value(&line, value ? value : "");
	}
	va_end(args);
	strbuf_addc(&line, '\n');
	(void)write_full(STDERR_FILENO, strbuf_text(&line), line.len);
}
