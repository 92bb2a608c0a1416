/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/log-writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "keeper/log-sink.h"
#include "keeper/loop.h"

#define RECORDS_MAX 64 /* written by one call */

struct log_writer {
	struct log_sink sink;
	int dir_fd;
	int fd; /* -1 while the file can not be opened */
	uint64_t size;
	uint64_t max_bytes;
	uint32_t max_files;
	uint64_t number; /* of the file that was exchanged last; 0: not looked for yet */
};

static int open_file(struct log_writer *w)
{
	struct stat st;
	w->fd = openat(w->dir_fd, LOG_PRESENT_NAME,
		       O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (w->fd < 0)
		return -errno;
	w->size = fstat(w->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
	return 0;
}

/* Removes what is more than may be kept once one more file has a number. */
static void remove_old(struct log_writer *w)
{
	struct log_range kept;
	struct error err;

	while (log_files_find(w->dir_fd, 0, 0, &kept, &err) == 0 && kept.first &&
	       kept.first + w->max_files <= w->number + 1) {
		char name[LOG_FILE_NAME_ROOM];
		log_file_name(kept.first, name);
		if (unlinkat(w->dir_fd, name, 0) < 0)
			return;
	}
}

static void rotate(struct log_writer *w)
{
	struct log_range kept = {};
	struct error err;
	char name[LOG_FILE_NAME_ROOM];

	close_p(&w->fd);
	if (w->max_files <= 1) {
		(void)unlinkat(w->dir_fd, LOG_PRESENT_NAME, 0);
	} else if (w->number || log_files_find(w->dir_fd, 0, 0, &kept, &err) == 0) {
		uint64_t number = (w->number ? w->number : kept.last) + 1;
		log_file_name(number, name);
		if (renameat(w->dir_fd, LOG_PRESENT_NAME, w->dir_fd, name) == 0)
			w->number = number;
		remove_old(w);
	}
	(void)open_file(w);
}

/* What may be written before the file is exchanged. */
static size_t room_left(const struct log_writer *w)
{
	if (!w->max_bytes)
		return SIZE_MAX;
	return w->max_bytes > w->size ? (size_t)(w->max_bytes - w->size) : 0;
}

/* Writes whole records, or takes back what was written of them. */
static void write_records(struct log_writer *w, const struct iovec *iov, int count, size_t len)
{
	if (w->max_bytes && w->size && w->size + len > w->max_bytes)
		rotate(w);
	if (w->fd < 0 && open_file(w) < 0)
		return;
	ssize_t n = writev(w->fd, iov, count);
	if (n == (ssize_t)len || (n > 0 && ftruncate(w->fd, (off_t)w->size) < 0))
		w->size += (uint64_t)n;
}

static void write_output(struct log_sink *sink, enum log_stream stream, const char *data,
			 size_t len, int64_t now)
{
	struct log_writer *w = container_of(sink, struct log_writer, sink);
	static char newline[] = "\n";
	char stamp[CLOCK_TEXT], head[2][CLOCK_TEXT + 16];
	clock_format(now, stamp);
	const char *name = stream == LOG_STDOUT ? "stdout" : "stderr";
	(void)snprintf(head[0], sizeof(head[0]), "%s %s F ", stamp, name);
	size_t head_len = (size_t)snprintf(head[1], sizeof(head[1]), "%s %s P ", stamp, name);

	while (len) {
		struct iovec iov[3 * RECORDS_MAX];
		int count = 0;
		size_t total = 0;
		size_t room = room_left(w);
		while (len && count < (int)ARRAY_SIZE(iov)) {
			const char *end = memchr(data, '\n', len);
			size_t part = end ? (size_t)(end - data) : len;
			size_t record = head_len + part + 1;
			if (count && total + record > room)
				break;
			iov[count++] = (struct iovec){ head[!end], head_len };
			iov[count++] = (struct iovec){ (char *)(uintptr_t)data, part };
			iov[count++] = (struct iovec){ newline, 1 };
			total += record;
			data += part + (end != NULL);
			len -= part + (end != NULL);
		}
		write_records(w, iov, count, total);
	}
}

static void free_writer(struct log_sink *sink)
{
	struct log_writer *w = container_of(sink, struct log_writer, sink);

	close_p(&w->fd);
	free(w);
}

static const struct log_sink_ops ops = { .write = write_output, .free = free_writer };

int log_writer_open(int dir_fd, uint64_t max_bytes, uint32_t max_files, struct log_sink **ret,
		    struct error *err)
{
	struct log_writer *w = xnew(struct log_writer);

	w->sink.ops = &ops;
	w->dir_fd = dir_fd;
	w->max_bytes = max_bytes;
	w->max_files = max_files;
	int r = open_file(w);
	if (r < 0) {
		free(w);
		return error_set(err, r, "open the log");
	}
	*ret = &w->sink;
	return 0;
}
