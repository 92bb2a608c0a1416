/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "instance/log-reader-inside.h"

/* A file read backwards: the reader's buffer holds its bytes from @start on. */
struct backwards {
	struct log_reader *reader;
	off_t start;
	int64_t lines; /* found so far, in later files too */
	bool open[3];  /* by stream: whether the line that a record belongs to is counted already */
};

/* Counts the record; true when it lies before the wanted ones. */
static bool count_record(struct backwards *b, const char *line, size_t len)
{
	char copy[128];
	size_t head = len < sizeof(copy) ? len : sizeof(copy);
	memcpy(copy, line, head);

	struct log_entry entry;
	const struct log_query *query = b->reader->query;
	if (!log_record_parse(copy, head, &entry) || !log_query_wants(query, entry.stream))
		return false;
	if (query->until_ns && entry.time_ns > query->until_ns)
		return false;
	/* Backwards, a line begins with the record that ends it; a part at the very end of its
	 * stream is a line of its own. */
	if (!entry.partial || !b->open[entry.stream]) {
		if (b->lines == query->tail)
			return true;
		b->lines++;
		b->open[entry.stream] = true;
	}
	return false;
}

/*
 * Visits the records of the buffer from its last newline to its first; true where the wanted lines
 * begin behind the first *held bytes. What lies before the first newline is left for the block
 * before.
 */
static bool count_block(struct backwards *b, size_t *held)
{
	const char *buffer = b->reader->buffer;

	while (*held > 0) {
		/* the buffer ends with the newline of a record */
		const char *before = *held > 1 ? memrchr(buffer, '\n', *held - 1) : NULL;
		if (!before && b->start > 0)
			return false;
		const char *line = before ? before + 1 : buffer;
		if (count_record(b, line, *held - (size_t)(line - buffer) - 1))
			return true;
		*held = (size_t)(line - buffer);
	}
	return false;
}

/* Reads the block before those in the buffer to the buffer's front. */
static int read_before(struct backwards *b, size_t *held, struct error *err)
{
	struct log_reader *r = b->reader;
	size_t room = LOG_BUFFER_SIZE - *held;
	size_t piece = room < LOG_RECORD_MAX ? room : LOG_RECORD_MAX;

	if ((off_t)piece > b->start)
		piece = (size_t)b->start;
	memmove(r->buffer + piece, r->buffer, *held);
	ssize_t n = pread(r->fd, r->buffer, piece, b->start - (off_t)piece);
	if (n != (ssize_t)piece)
		return error_set(err, n < 0 ? errno : EIO, "read the log");
	b->start -= (off_t)piece;
	*held += piece;
	return 0;
}

/* Counts the lines of the reader's file; 1 where the wanted ones begin in it, at @r->at. */
static int count_file(struct backwards *b, struct error *err)
{
	struct log_reader *r = b->reader;
	struct stat st;
	if (fstat(r->fd, &st) < 0)
		return error_set(err, errno, "look at the log");

	b->start = st.st_size;
	size_t held = 0;
	bool tail_cut = false; /* a torn last record is cut off */
	while (b->start > 0) {
		if (held == LOG_BUFFER_SIZE) /* too long to be a record: go on before it */
			held = 0, tail_cut = false;
		int result = read_before(b, &held, err);
		if (result < 0)
			return result;
		if (!tail_cut) {
			const char *last = memrchr(r->buffer, '\n', held);
			held = last ? (size_t)(last - r->buffer) + 1 : 0;
			tail_cut = last != NULL;
		}
		if (tail_cut && count_block(b, &held)) {
			r->at = b->start + (off_t)held;
			return 1;
		}
	}
	return 0;
}

int log_reader_find_tail(struct log_reader *r, struct error *err)
{
	struct backwards b = { .reader = r };
	struct log_range before;

	for (;;) {
		int result = r->fd < 0 ? 0 : count_file(&b, err);
		if (result != 0)
			return result < 0 ? result : 0;
		result = log_files_find(r->dir_fd, 0, r->fd < 0 ? r->number + 1 : r->number,
					&before, err);
		if (result == 0 && before.last)
			result = log_reader_open(r, before.last, err);
		else if (result == 0)
			return 0;
		/* one that was removed meanwhile, and all before it, are no part of the log now */
		if (result <= 0)
			return result;
	}
}
