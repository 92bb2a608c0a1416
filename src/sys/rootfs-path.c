/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "sys/rootfs.h"

#define LINKS_MAX 40

struct resolving {
	int root_fd;
	char done[ROOTFS_PATH_MAX]; /* absolute, without a slash at its end; "" is the root */
	char rest[ROOTFS_PATH_MAX];
	int links;
};

/* Takes the next part off the rest; false at the end. */
static bool next_part(struct resolving *w, char part[ROOTFS_PATH_MAX])
{
	size_t skip = strspn(w->rest, "/");
	size_t len = strcspn(w->rest + skip, "/");

	memcpy(part, w->rest + skip, len);
	part[len] = '\0';
	memmove(w->rest, w->rest + skip + len, strlen(w->rest + skip + len) + 1);
	return len > 0;
}

/* Puts a link's target before the rest. */
static int follow(struct resolving *w, const char *target, size_t len)
{
	size_t rest = strlen(w->rest);

	if (++w->links > LINKS_MAX)
		return -ELOOP;
	if (len + 1 + rest >= sizeof(w->rest))
		return -ENAMETOOLONG;
	if (target[0] == '/')
		w->done[0] = '\0';
	memmove(w->rest + len + 1, w->rest, rest + 1);
	memcpy(w->rest, target, len);
	w->rest[len] = '/';
	return 0;
}

static int step(struct resolving *w, const char *part)
{
	char target[ROOTFS_PATH_MAX];
	size_t before = strlen(w->done);

	if (strcmp(part, ".") == 0)
		return 0;
	if (strcmp(part, "..") == 0) {
		char *slash = strrchr(w->done, '/');
		if (slash)
			*slash = '\0';
		return 0;
	}
	if (before + 1 + strlen(part) >= sizeof(w->done))
		return -ENAMETOOLONG;
	(void)snprintf(w->done + before, sizeof(w->done) - before, "/%s", part);
	auto_close int fd = rootfs_open(w->root_fd, w->done, O_PATH | O_NOFOLLOW, NULL);
	ssize_t n = fd < 0 ? -1 : readlinkat(fd, "", target, sizeof(target) - 1);
	if (n <= 0) /* missing, or no link */
		return 0;
	w->done[before] = '\0';
	return follow(w, target, (size_t)n);
}

int rootfs_real_path(int root_fd, const char *path, char ret[ROOTFS_PATH_MAX], struct error *err)
{
	struct resolving w = { .root_fd = root_fd };
	char part[ROOTFS_PATH_MAX];
	int r = 0;

	size_t len = strlen(path);
	if (len >= sizeof(w.rest))
		return error_set(err, ENAMETOOLONG, "resolve a path in the root");
	memcpy(w.rest, path, len + 1);
	while (r == 0 && next_part(&w, part))
		r = step(&w, part);
	if (r < 0)
		return error_set(err, r, "resolve %s in the root", path);
	const char *done = w.done[0] ? w.done : "/";
	memcpy(ret, done, strlen(done) + 1);
	return 0;
}
