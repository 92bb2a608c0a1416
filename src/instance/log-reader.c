/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/log-reader.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/macros.h"

/* Room for one record and then some, so that most reads bring many. */
#define BUFFER_SIZE (2 * LOG_RECORD_MAX)

struct reader {
	int fd;
	const struct log_query *query;
	log_visit visit;
	void *arg;
	char *buffer;  /* BUFFER_SIZE bytes */
	size_t held;   /* bytes in it that are not visited yet */
	off_t at;      /* where the file goes on behind them */
	bool skipping; /* within a record that is too long */
	bool past;     /* a record behind the query's end was seen */
};

bool log_record_parse(char *line, size_t len, struct log_entry *ret)
{
	char *space = memchr(line, ' ', len);
	if (!space)
		return false;
	*space = '\0';

	const char *rest = space + 1;
	size_t rest_len = len - (size_t)(rest - line);
	struct log_entry entry = {};
	if (rest_len < strlen("stdout F ") || !clock_parse(line, &entry.time_ns))
		return false;
	if (memcmp(rest, "stdout ", 7) == 0)
		entry.stream = LOG_STDOUT;
	else if (memcmp(rest, "stderr ", 7) == 0)
		entry.stream = LOG_STDERR;
	else
		return false;
	if ((rest[7] != 'P' && rest[7] != 'F') || rest[8] != ' ')
		return false;

	entry.partial = rest[7] == 'P';
	entry.data = rest + 9;
	entry.len = rest_len - 9;
	*ret = entry;
	return true;
}

static bool wants_stream(const struct log_query *query, enum log_stream stream)
{
	return stream == LOG_STDOUT ? query->std_out : query->std_err;
}

static int visit_record(struct reader *r, char *line, size_t len)
{
	struct log_entry entry;

	if (!log_record_parse(line, len, &entry) || !wants_stream(r->query, entry.stream))
		return 0;
	if (r->query->since_ns && entry.time_ns < r->query->since_ns)
		return 0;
	if (r->query->until_ns && entry.time_ns > r->query->until_ns) {
		r->past = true;
		return 0;
	}
	return r->visit(&entry, r->arg);
}

/* Visits the whole records in the buffer and moves what is left to its front. */
static int visit_buffer(struct reader *r)
{
	size_t start = 0;
	int answer = 0;

	while (answer == 0 && !r->past) {
		char *line = r->buffer + start;
		char *end = memchr(line, '\n', r->held - start);
		if (!end)
			break;
		if (!r->skipping)
			answer = visit_record(r, line, (size_t)(end - line));
		r->skipping = false;
		start = (size_t)(end - r->buffer) + 1;
	}

	r->held -= start;
	memmove(r->buffer, r->buffer + start, r->held);
	if (r->held == BUFFER_SIZE) {
		r->held = 0;
		r->skipping = true;
	}
	return answer;
}

/* Visits everything up to the present end of the file. */
static int visit_rest(struct reader *r, struct error *err)
{
	while (!r->past) {
		ssize_t n = pread(r->fd, r->buffer + r->held, BUFFER_SIZE - r->held, r->at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(err, errno, "read the log");
		if (n == 0)
			return 0;
		r->at += n;
		r->held += (size_t)n;
		int answer = visit_buffer(r);
		if (answer != 0)
			return answer;
	}
	return 0;
}

/* A log read backwards: @buffer holds the file's bytes from @start on, @held of them. */
struct backwards {
	struct reader *reader;
	off_t start;
	int64_t lines; /* found so far */
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
	if (!log_record_parse(copy, head, &entry) || !wants_stream(query, entry.stream))
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
 * Visits the records of the buffer from its last newline to its first; sets *ret and returns true
 * where the wanted lines begin. What lies before the first newline is left for the block before.
 */
static bool count_block(struct backwards *b, size_t *held, off_t *ret)
{
	const char *buffer = b->reader->buffer;

	for (;;) {
		/* the buffer ends with the newline of a record */
		const char *before = *held > 1 ? memrchr(buffer, '\n', *held - 1) : NULL;
		if (!before && b->start > 0)
			return false;
		const char *line = before ? before + 1 : buffer;
		if (*held > 0 && count_record(b, line, *held - (size_t)(line - buffer) - 1)) {
			*ret = b->start + (off_t)*held;
			return true;
		}
		if (!before) {
			*ret = 0;
			return true;
		}
		*held = (size_t)(line - buffer);
	}
}

/* Where the last @query->tail lines begin. */
static int find_tail(struct reader *r, off_t *ret, struct error *err)
{
	struct stat st;
	if (fstat(r->fd, &st) < 0)
		return error_set(err, errno, "look at the log");

	struct backwards b = { .reader = r, .start = st.st_size };
	size_t held = 0;
	bool tail_cut = false; /* a torn last record is cut off */
	while (b.start > 0) {
		size_t room = BUFFER_SIZE - held;
		size_t piece = room < LOG_RECORD_MAX ? room : LOG_RECORD_MAX;
		if (piece == 0) /* a record too long to be one: go on before it */
			held = 0, piece = LOG_RECORD_MAX, tail_cut = false;
		if ((off_t)piece > b.start)
			piece = (size_t)b.start;
		memmove(r->buffer + piece, r->buffer, held);
		ssize_t n = pread(r->fd, r->buffer, piece, b.start - (off_t)piece);
		if (n != (ssize_t)piece)
			return error_set(err, n < 0 ? errno : EIO, "read the log");
		b.start -= (off_t)piece;
		held += piece;
		if (!tail_cut) {
			const char *last = memrchr(r->buffer, '\n', held);
			held = last ? (size_t)(last - r->buffer) + 1 : 0;
			tail_cut = last != NULL;
		}
		if (tail_cut && count_block(&b, &held, ret))
			return 0;
	}
	*ret = 0;
	return 0;
}

static int timeout_until(int64_t until_ns)
{
	if (!until_ns)
		return -1;
	int64_t left = until_ns - clock_now();
	if (left <= 0)
		return 0;
	int64_t ms = left / NSEC_PER_MSEC + 1;
	return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

/* Waits for more; positive when there may be some, 0 when there will be none. */
static int wait_for_more(struct reader *r, int notify, int *ended_fd, struct error *err)
{
	if (*ended_fd < 0)
		return 0;

	struct pollfd fds[] = {
		{ .fd = notify, .events = POLLIN },
		{ .fd = *ended_fd, .events = POLLIN },
		{ .fd = r->query->cancel_fd, .events = POLLIN | POLLRDHUP },
	};
	int n = poll(fds, ARRAY_SIZE(fds), timeout_until(r->query->until_ns));
	if (n < 0)
		return errno == EINTR ? 1 : error_set(err, errno, "wait for the log");
	if (n == 0 || fds[2].revents)
		return 0;
	if (fds[1].revents)
		*ended_fd = -1; /* one more look at the file */
	if (fds[0].revents) {
		char events[4096];
		(void)!read(notify, events, sizeof(events));
	}
	return 1;
}

static int follow(struct reader *r, int ended_fd, struct error *err)
{
	auto_close int notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (notify < 0)
		return error_set(err, errno, "watch the log");
	char path[32];
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", r->fd);
	if (inotify_add_watch(notify, path, IN_MODIFY) < 0)
		return error_set(err, errno, "watch the log");

	int more;
	do {
		int answer = visit_rest(r, err);
		if (answer != 0 || r->past)
			return answer;
		more = wait_for_more(r, notify, &ended_fd, err);
	} while (more > 0);
	return more;
}

int log_read(int fd, const struct log_query *query, int ended_fd, log_visit visit, void *arg,
	     struct error *err)
{
	auto_free char *buffer = xmalloc(BUFFER_SIZE);
	struct reader r = {
		.fd = fd, .query = query, .visit = visit, .arg = arg, .buffer = buffer
	};

	if (query->tail >= 0) {
		int found = find_tail(&r, &r.at, err);
		if (found < 0)
			return found;
	}
	return query->follow ? follow(&r, ended_fd, err) : visit_rest(&r, err);
}
