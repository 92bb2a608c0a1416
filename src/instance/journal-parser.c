/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/strbuf.h"
#include "instance/journal-reader.h"

#define FIELD_MAX (1u << 20)
#define CURSOR_MAX 512

struct journal_parser {
	const struct log_query *query;
	log_visit visit;
	void *arg;
	struct strbuf input; /* what is not taken apart yet */
	/* The entry that is being read. */
	struct strbuf message;
	struct strbuf cursor;
	struct strbuf told; /* cursor of the last whole entry */
	bool has_message, partial, is_error;
	int64_t written_ns, received_ns;
};

struct journal_parser *journal_parser_new(const struct log_query *query, log_visit visit, void *arg)
{
	struct journal_parser *p = xnew(struct journal_parser);

	p->query = query;
	p->visit = visit;
	p->arg = arg;
	strbuf_init(&p->input, 2 * FIELD_MAX);
	strbuf_init(&p->message, FIELD_MAX);
	strbuf_init(&p->cursor, CURSOR_MAX);
	strbuf_init(&p->told, CURSOR_MAX);
	return p;
}

void journal_parser_free(struct journal_parser *p)
{
	if (!p)
		return;
	strbuf_done(&p->input);
	strbuf_done(&p->message);
	strbuf_done(&p->cursor);
	strbuf_done(&p->told);
	free(p);
}

const char *journal_parser_cursor(const struct journal_parser *p)
{
	return p->told.len ? strbuf_text(&p->told) : NULL;
}

static int end_entry(struct journal_parser *p)
{
	struct log_entry entry = {
		.stream = p->is_error ? LOG_STDERR : LOG_STDOUT,
		.time_ns = p->written_ns ? p->written_ns : p->received_ns,
		.partial = p->partial,
		.data = strbuf_text(&p->message),
		.len = p->message.len,
	};
	bool wanted = p->has_message && !p->message.overflow &&
		      (p->is_error ? p->query->std_err : p->query->std_out);
	int answer = wanted ? p->visit(&entry, p->arg) : 0;

	strbuf_clear(&p->told);
	strbuf_add(&p->told, p->cursor.data, p->cursor.len);
	strbuf_clear(&p->cursor);
	strbuf_clear(&p->message);
	p->has_message = p->partial = p->is_error = false;
	p->written_ns = p->received_ns = 0;
	return answer;
}

static bool is_named(const char *name, size_t len, const char *wanted)
{
	return len == strlen(wanted) && memcmp(name, wanted, len) == 0;
}

static void take_field(struct journal_parser *p, const char *name, size_t name_len,
		       const char *value, size_t len)
{
	char text[64] = "";

	if (len < sizeof(text))
		memcpy(text, value, len);
	if (is_named(name, name_len, "MESSAGE")) {
		strbuf_clear(&p->message);
		strbuf_add(&p->message, value, len);
		p->has_message = true;
	} else if (is_named(name, name_len, "__CURSOR")) {
		strbuf_clear(&p->cursor);
		strbuf_add(&p->cursor, value, len);
	} else if (is_named(name, name_len, "__REALTIME_TIMESTAMP")) {
		p->received_ns = strtoll(text, NULL, 10) * 1000;
	} else if (is_named(name, name_len, "SYSLOG_TIMESTAMP")) {
		(void)clock_parse(text, &p->written_ns);
	} else if (is_named(name, name_len, "PRIORITY")) {
		p->is_error = strcmp(text, "3") == 0;
	} else if (is_named(name, name_len, "CONTAINER_PARTIAL_MESSAGE")) {
		p->partial = strcmp(text, "true") == 0;
	}
}

/* Takes one field from the front: its bytes, 0 where it is not whole yet, or -EBADMSG. */
static ssize_t take_one(struct journal_parser *p, const char *data, size_t len)
{
	const char *end = memchr(data, '\n', len);
	if (!end)
		return len > FIELD_MAX ? -EBADMSG : 0;

	size_t line = (size_t)(end - data);
	const char *equal = memchr(data, '=', line);
	if (equal) {
		take_field(p, data, (size_t)(equal - data), equal + 1, (size_t)(end - equal - 1));
		return (ssize_t)line + 1;
	}

	/* a name alone: length and bytes follow */
	uint64_t size;
	if (len - line - 1 < sizeof(size))
		return 0;
	memcpy(&size, end + 1, sizeof(size));
	size = le64toh(size);
	if (size > FIELD_MAX)
		return -EBADMSG;
	size_t whole = line + 1 + sizeof(size) + (size_t)size + 1;
	if (len < whole)
		return 0;
	if (data[whole - 1] != '\n')
		return -EBADMSG;
	take_field(p, data, line, end + 1 + sizeof(size), (size_t)size);
	return (ssize_t)whole;
}

int journal_parser_feed(struct journal_parser *p, const char *data, size_t len, struct error *err)
{
	size_t done = 0;
	int answer = 0;

	strbuf_add(&p->input, data, len);
	while (answer == 0 && done < p->input.len) {
		ssize_t n = 1;
		if (p->input.data[done] == '\n')
			answer = end_entry(p);
		else
			n = take_one(p, p->input.data + done, p->input.len - done);
		if (n < 0 || p->input.overflow)
			return error_say(err, EBADMSG, "journalctl prints no journal entries");
		if (n == 0)
			break;
		done += (size_t)n;
	}
	strbuf_consume(&p->input, done);
	return answer;
}
