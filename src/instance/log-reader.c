/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/macros.h"
#include "instance/log-reader-inside.h"

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

bool log_query_wants(const struct log_query *query, enum log_stream stream)
{
	return stream == LOG_STDOUT ? query->std_out : query->std_err;
}

static int visit_record(struct log_reader *r, char *line, size_t len)
{
	struct log_entry entry;

	if (!log_record_parse(line, len, &entry) || !log_query_wants(r->query, entry.stream))
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
static int visit_buffer(struct log_reader *r)
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
	if (r->held == LOG_BUFFER_SIZE) {
		r->held = 0;
		r->skipping = true;
	}
	return answer;
}

/* Visits what the file holds up to @end; negative: up to its present end. */
static int visit_file(struct log_reader *r, off_t end, struct error *err)
{
	while (!r->past) {
		size_t room = LOG_BUFFER_SIZE - r->held;
		if (end >= 0 && (off_t)room > end - r->at)
			room = end > r->at ? (size_t)(end - r->at) : 0;
		ssize_t n = pread(r->fd, r->buffer + r->held, room, r->at);
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

/* ---- From file to file ---------------------------------------------------------------------- */

static int open_file(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Goes to the beginning of a file that was opened. */
static void enter_file(struct log_reader *r, int fd_take, uint64_t number, bool rotated)
{
	close_p(&r->fd);
	r->fd = fd_take;
	r->number = number;
	r->rotated = rotated;
	r->at = 0;
	r->held = 0; /* of a record that was never finished */
	r->skipping = false;
}

int log_reader_open(struct log_reader *r, uint64_t number, struct error *err)
{
	char name[LOG_FILE_NAME_ROOM];

	log_file_name(number, name);
	int fd = open_file(r->dir_fd, name);
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return error_set(err, fd, "open %s", name);
	enter_file(r, fd, number, true);
	return 1;
}

/* True while @fd is the file that is written. */
static bool is_present(int dir_fd, int fd)
{
	struct stat named, open;

	return fstatat(dir_fd, LOG_PRESENT_NAME, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstat(fd, &open) == 0 && named.st_ino == open.st_ino && named.st_dev == open.st_dev;
}

/*
 * Goes on to the file behind the present one: 1, or 0 where there is none yet. The file "log" is
 * opened before the numbers are looked at: where there is no higher one then, it is the next.
 */
static int open_next(struct log_reader *r, struct error *err)
{
	struct log_range newer;
	int result = 0;

	while (result == 0) {
		auto_close int fd = open_file(r->dir_fd, LOG_PRESENT_NAME);
		if (fd < 0 && fd != -ENOENT)
			return error_set(err, fd, "open the log");
		result = log_files_find(r->dir_fd, r->number, 0, &newer, err);
		if (result == 0 && newer.first) {
			/* one that is removed meanwhile is passed over */
			result = log_reader_open(r, newer.first, err);
		} else if (result == 0 && fd < 0) {
			return 0;
		} else if (result == 0) {
			enter_file(r, take_fd(fd), r->number + 1, false);
			return 1;
		}
	}
	return result;
}

/* Goes to the file that is written now; where there is none at this moment, to the end of the last.
 */
static int open_present(struct log_reader *r, struct error *err)
{
	for (;;) {
		auto_close int fd = open_file(r->dir_fd, LOG_PRESENT_NAME);
		if (fd < 0 && fd != -ENOENT)
			return error_set(err, fd, "open the log");
		struct log_range all;
		int result = log_files_find(r->dir_fd, 0, 0, &all, err);
		if (result < 0)
			return result;
		r->number = all.last;
		if (fd < 0)
			return 0;
		if (is_present(r->dir_fd, fd)) {
			enter_file(r, take_fd(fd), all.last + 1, false);
			return 0;
		}
	}
}

/* What a walk that does not follow comes to: it tells what was written when it began. */
struct walk_end {
	uint64_t number;
	off_t size;
};

/* Visits everything that there is, up to @end where it is given. */
static int visit_all(struct log_reader *r, const struct walk_end *end, struct error *err)
{
	for (;;) {
		bool last = end && r->number == end->number;
		int answer = r->fd < 0 ? 0 : visit_file(r, last ? end->size : -1, err);
		if (answer != 0 || r->past || last)
			return answer;
		if (r->fd >= 0 && !r->rotated) {
			if (is_present(r->dir_fd, r->fd))
				return 0;
			r->rotated = true; /* and written to until a moment ago */
			continue;
		}
		answer = open_next(r, err);
		if (answer <= 0 || (end && r->number > end->number))
			return answer < 0 ? answer : 0;
	}
}

/* ---- Following ------------------------------------------------------------------------------ */

int log_query_timeout(const struct log_query *query)
{
	if (!query->until_ns)
		return -1;
	int64_t left = query->until_ns - clock_now();
	if (left <= 0)
		return 0;
	int64_t ms = left / NSEC_PER_MSEC + 1;
	return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

/* Waits for more; positive when there may be some, 0 when there will be none. */
static int wait_for_more(struct log_reader *r, int notify, int *ended_fd, struct error *err)
{
	if (*ended_fd < 0)
		return 0;

	struct pollfd fds[] = {
		{ .fd = notify, .events = POLLIN },
		{ .fd = *ended_fd, .events = POLLIN },
		{ .fd = r->query->cancel_fd, .events = POLLIN | POLLRDHUP },
	};
	int n = poll(fds, ARRAY_SIZE(fds), log_query_timeout(r->query));
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

static int follow(struct log_reader *r, int ended_fd, struct error *err)
{
	auto_close int notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (notify < 0)
		return error_set(err, errno, "watch the log");
	char path[32];
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", r->dir_fd);
	if (inotify_add_watch(notify, path, IN_MODIFY | IN_CREATE | IN_MOVED_FROM) < 0)
		return error_set(err, errno, "watch the log");

	int more;
	do {
		int answer = visit_all(r, NULL, err);
		if (answer != 0 || r->past)
			return answer;
		more = wait_for_more(r, notify, &ended_fd, err);
	} while (more > 0);
	return more;
}

static int walk(struct log_reader *r, int ended_fd, struct error *err)
{
	struct stat st;
	int result = open_present(r, err);
	if (result < 0)
		return result;
	if (r->fd >= 0 && fstat(r->fd, &st) < 0)
		return error_set(err, errno, "look at the log");
	const struct walk_end end = { r->number, r->fd < 0 ? -1 : st.st_size };

	if (r->query->tail >= 0) {
		result = log_reader_find_tail(r, err);
	} else {
		enter_file(r, -1, 0, false);
		result = open_next(r, err);
	}
	if (result < 0)
		return result;
	return r->query->follow ? follow(r, ended_fd, err) : visit_all(r, &end, err);
}

int log_read(int dir_fd, const struct log_query *query, int ended_fd, log_visit visit, void *arg,
	     struct error *err)
{
	auto_free char *buffer = xmalloc(LOG_BUFFER_SIZE);
	struct log_reader r = {
		.dir_fd = dir_fd,
		.fd = -1,
		.query = query,
		.visit = visit,
		.arg = arg,
		.buffer = buffer,
	};

	int result = walk(&r, ended_fd, err);
	close_p(&r.fd);
	return result;
}
