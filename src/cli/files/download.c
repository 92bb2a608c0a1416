/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/files/download.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "cli/text.h"

#define PIECE 262144

int download_to(struct http *http, int fd, struct error *err)
{
	auto_free char *piece = xmalloc(PIECE);

	for (;;) {
		ssize_t n = http_read(http, piece, PIECE, err);
		if (n <= 0)
			return (int)n;
		int r = write_full(fd, piece, (size_t)n);
		if (r < 0)
			return error_set(err, r, "write the output");
	}
}

/* Into a temporary file beside @path, which takes its place at the end. */
static int to_file(struct http *http, const char *path, struct error *err)
{
	auto_free char *temporary = xasprintf("%s.%d.tmp", path, getpid());
	auto_close int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_set(err, errno, "create %s", temporary);
	int r = download_to(http, fd, err);
	if (r == 0 && rename(temporary, path) < 0)
		r = error_set(err, errno, "rename %s to %s", temporary, path);
	if (r < 0)
		(void)unlink(temporary);
	return r;
}

/* A device or a pipe is written as it is. */
static int to_path(struct http *http, const char *path, struct error *err)
{
	struct stat st;

	if (stat(path, &st) < 0 || S_ISREG(st.st_mode))
		return to_file(http, path, err);
	auto_close int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, errno, "open %s", path);
	return download_to(http, fd, err);
}

int download(const struct call *call, const char *url, const char *path, struct error *err)
{
	const struct http_request request = { .method = "GET", .target = url };
	struct http_response response;
	struct http *http = NULL;

	if (!path && text_is_terminal(STDOUT_FILENO))
		return error_say(err, EINVAL,
				 "cowardly refusing to write an archive to a terminal: use -o or "
				 "redirect");
	int r = api_open(call->api, &request, &http, &response, err);
	if (r < 0)
		return r;
	r = path ? to_path(http, path, err) : download_to(http, STDOUT_FILENO, err);
	api_close(call->api, http);
	return r;
}
