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
#include "instance/keeper-protocol.h"

#define NAME KEEPER_LOG_NAME
#define RECORDS_MAX 64 /* written by one call */
#define FILES_LIMIT 100u

struct log_writer {
	int dir_fd;
	int fd; /* -1 while the file can not be opened */
	uint64_t size;
	uint64_t max_bytes;
	uint32_t max_files;
};

static int open_file(struct log_writer *w)
{
	struct stat st;
	w->fd = openat(w->dir_fd, NAME, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
		       0640);
	if (w->fd < 0)
		return -errno;
	w->size = fstat(w->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
	return 0;
}

int log_writer_open(int dir_fd, uint64_t max_bytes, uint32_t max_files, struct log_writer **ret,
		    struct error *err)
{
	struct log_writer *w = xnew(struct log_writer);
	w->dir_fd = dir_fd;
	w->max_bytes = max_bytes;
	w->max_files = max_files > FILES_LIMIT ? FILES_LIMIT : max_files;
	int r = open_file(w);
	if (r < 0) {
		free(w);
		return error_set(err, r, "open the log");
	}
	*ret = w;
	return 0;
}

void log_writer_free(struct log_writer *w)
{
	if (!w)
		return;
	close_p(&w->fd);
	free(w);
}

static void rotate(struct log_writer *w)
{
	close_p(&w->fd);
	for (uint32_t i = w->max_files; i > 1; i--) {
		char from[24], to[24];
		(void)snprintf(from, sizeof(from), i > 2 ? NAME ".%u" : NAME, i - 2);
		(void)snprintf(to, sizeof(to), NAME ".%u", i - 1);
		(void)renameat(w->dir_fd, from, w->dir_fd, to);
	}
	if (w->max_files <= 1)
		(void)unlinkat(w->dir_fd, NAME, 0);
	(void)open_file(w);
}

/* Writes whole records, or takes back what was written of them. */
static void write_records(struct log_writer *w, const struct iovec *iov, int count, size_t len)
{
	if (w->max_bytes && w->size && w->size + len > w->max_bytes)
		rotate(w);
	if (w->fd < 0)
		return;
	ssize_t n = writev(w->fd, iov, count);
	if (n == (ssize_t)len || (n > 0 && ftruncate(w->fd, (off_t)w->size) < 0))
		w->size += (uint64_t)n;
}

void log_write(struct log_writer *w, enum log_stream stream, const char *data, size_t len,
	       int64_t now)
{
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
		while (len && count < (int)ARRAY_SIZE(iov)) {
			const char *end = memchr(data, '\n', len);
			size_t part = end ? (size_t)(end - data) : len;
			iov[count++] = (struct iovec){ head[!end], head_len };
			iov[count++] = (struct iovec){ (char *)(uintptr_t)data, part };
			iov[count++] = (struct iovec){ newline, 1 };
			total += head_len + part + 1;
			data += part + (end != NULL);
			len -= part + (end != NULL);
		}
		write_records(w, iov, count, total);
	}
}
