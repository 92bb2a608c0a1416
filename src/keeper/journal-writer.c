/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/journal-writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/strbuf.h"
#include "keeper/log-sink.h"
#include "keeper/loop.h"

/* Lines of what the pipes of a program still hold at its end; a session reads no more before. */
#define KEPT_MAX (8u << 20)
#define FIELDS_MAX (1u << 20)

/* A line that waits, followed by its bytes. */
struct kept {
	int64_t time_ns;
	uint32_t stream;
	uint32_t len;
	bool partial;
};

struct journal_writer {
	struct log_sink sink;
	struct loop *loop;
	struct source source; /* the socket; fd -1 while nobody listens */
	char *path;
	struct strbuf fields;
	struct strbuf lines[2]; /* by stream: what has no end yet */
	struct strbuf kept;     /* struct kept and bytes, again and again */
	struct strbuf message;
};

static void disconnect(struct journal_writer *w)
{
	loop_remove(&w->source);
	close_p(&w->source.fd);
	w->source.fd = -1;
}

static void journal_ready(struct source *s, uint32_t events);

static int reach(struct journal_writer *w, struct error *err)
{
	int fd = unix_connect(w->path, SOCK_DGRAM, err);
	if (fd < 0)
		return fd;
	(void)fd_set_nonblock(fd, true);
	w->source = (struct source){ .fd = fd, .ready = journal_ready };
	int r = loop_add(w->loop, &w->source, err);
	if (r < 0)
		disconnect(w);
	return r;
}

static void compose(struct journal_writer *w, const struct kept *line, const char *data)
{
	char stamp[CLOCK_TEXT];

	clock_format(line->time_ns, stamp);
	strbuf_clear(&w->message);
	strbuf_add(&w->message, w->fields.data, w->fields.len);
	strbuf_addf(&w->message, "PRIORITY=%d\nSYSLOG_TIMESTAMP=%s\n",
		    line->stream == LOG_STDERR ? 3 : 6, stamp);
	if (line->partial)
		strbuf_adds(&w->message, "CONTAINER_PARTIAL_MESSAGE=true\n");
	strbuf_adds(&w->message, "MESSAGE=");
	strbuf_add(&w->message, data, line->len);
	strbuf_addc(&w->message, '\n');
}

/* Sends the message, by a memory file where a datagram is too small. */
static int send_message(struct journal_writer *w)
{
	ssize_t n = fd_send(w->source.fd, w->message.data, w->message.len, NULL, 0);
	if (n != -EMSGSIZE && n != -ENOBUFS)
		return n < 0 ? (int)n : 0;

	auto_close int memory = fd_memory("journal", w->message.data, w->message.len);
	if (memory < 0)
		return memory;
	n = fd_send(w->source.fd, NULL, 0, &memory, 1);
	return n < 0 ? (int)n : 0;
}

/*
 * Sends a line; -EAGAIN where journald takes none now. One that was started anew is connected to
 * again; a line that it can not get at all is gone.
 */
static int send_line(struct journal_writer *w, const struct kept *line, const char *data)
{
	struct error err;

	compose(w, line, data);
	for (int attempt = 0; attempt < 2; attempt++) {
		if (w->source.fd < 0 && reach(w, &err) < 0)
			return 0;
		int r = send_message(w);
		if (r == 0 || r == -EAGAIN)
			return r;
		disconnect(w);
	}
	return 0;
}

static void keep(struct journal_writer *w, const struct kept *line, const char *data)
{
	strbuf_add(&w->kept, line, sizeof(*line));
	strbuf_add(&w->kept, data, line->len);
	loop_watch(&w->source, EPOLLOUT);
}

static void put_line(struct journal_writer *w, const struct kept *line, const char *data)
{
	if (w->kept.len + sizeof(*line) + line->len > KEPT_MAX)
		return;
	if (w->kept.len || send_line(w, line, data) == -EAGAIN)
		keep(w, line, data);
}

static void journal_ready(struct source *s, uint32_t events)
{
	struct journal_writer *w = container_of(s, struct journal_writer, source);
	size_t done = 0;

	if (!w->kept.len && (events & (EPOLLERR | EPOLLHUP))) {
		disconnect(w); /* the next line connects again */
		return;
	}
	while (done < w->kept.len) {
		struct kept line;
		memcpy(&line, w->kept.data + done, sizeof(line));
		if (send_line(w, &line, w->kept.data + done + sizeof(line)) == -EAGAIN)
			break;
		done += sizeof(line) + line.len;
	}
	strbuf_consume(&w->kept, done);
	if (w->kept.len) {
		loop_watch(&w->source, EPOLLOUT);
		return;
	}
	strbuf_done(&w->kept);
	loop_watch(&w->source, 0);
}

/* Ends the line of a stream as a whole one or as a piece. */
static void end_line(struct journal_writer *w, enum log_stream stream, bool partial, int64_t now)
{
	struct strbuf *line = &w->lines[stream == LOG_STDERR];
	const struct kept head = {
		.time_ns = now,
		.stream = stream,
		.len = (uint32_t)line->len,
		.partial = partial,
	};

	put_line(w, &head, strbuf_text(line));
	strbuf_clear(line);
}

static void write_lines(struct log_sink *sink, enum log_stream stream, const char *data, size_t len,
			int64_t now)
{
	struct journal_writer *w = container_of(sink, struct journal_writer, sink);
	struct strbuf *line = &w->lines[stream == LOG_STDERR];

	while (len) {
		const char *end = memchr(data, '\n', len);
		size_t part = end ? (size_t)(end - data) : len;
		if (part && line->len == JOURNAL_LINE_MAX)
			end_line(w, stream, true, now);
		if (part > JOURNAL_LINE_MAX - line->len) {
			part = JOURNAL_LINE_MAX - line->len;
			end = NULL;
		}
		strbuf_add(line, data, part);
		data += part + (end != NULL);
		len -= part + (end != NULL);
		if (end)
			end_line(w, stream, false, now);
	}
}

static void finish(struct log_sink *sink, int64_t now)
{
	struct journal_writer *w = container_of(sink, struct journal_writer, sink);

	for (enum log_stream stream = LOG_STDOUT; stream <= LOG_STDERR; stream++)
		if (w->lines[stream == LOG_STDERR].len)
			end_line(w, stream, false, now);
}

static bool is_behind(const struct log_sink *sink)
{
	return ((const struct journal_writer *)sink)->kept.len > 0;
}

static void free_writer(struct log_sink *sink)
{
	struct journal_writer *w = container_of(sink, struct journal_writer, sink);

	disconnect(w);
	strbuf_done(&w->fields);
	strbuf_done(&w->lines[0]);
	strbuf_done(&w->lines[1]);
	strbuf_done(&w->kept);
	strbuf_done(&w->message);
	free(w->path);
	free(w);
}

static const struct log_sink_ops ops = {
	.write = write_lines,
	.finish = finish,
	.is_behind = is_behind,
	.free = free_writer,
};

int journal_writer_open(struct loop *loop, const char *path, const void *fields, size_t fields_len,
			struct log_sink **ret, struct error *err)
{
	struct journal_writer *w = xnew(struct journal_writer);

	w->sink.ops = &ops;
	w->loop = loop;
	w->path = xstrdup(path);
	w->source.fd = -1;
	strbuf_init(&w->fields, FIELDS_MAX);
	strbuf_init(&w->lines[0], JOURNAL_LINE_MAX + 1);
	strbuf_init(&w->lines[1], JOURNAL_LINE_MAX + 1);
	strbuf_init(&w->kept, KEPT_MAX);
	strbuf_init(&w->message, FIELDS_MAX + 2 * JOURNAL_LINE_MAX);
	strbuf_add(&w->fields, fields, fields_len);
	int r = reach(w, err);
	if (r < 0) {
		free_writer(&w->sink);
		return error_prefix(err, "journald is not enabled on this host");
	}
	*ret = &w->sink;
	return 0;
}
