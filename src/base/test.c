/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/path.h"

int test_dir(void)
{
	/* not /tmp, which may be a tmpfs: no layer can be mounted from a file on that */
	char path[] = "/var/tmp/berth-test-XXXXXX";

	assert_non_null(mkdtemp(path));
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

const char *test_dir_path(int dir_fd)
{
	static char path[PATH_MAX];
	char link[64];

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", dir_fd);
	ssize_t n = readlink(link, path, sizeof(path) - 1);
	assert_true(n > 0);
	path[n] = '\0';
	return path;
}

void test_dir_done(int *dir_fd)
{
	auto_free char *path = xstrdup(test_dir_path(*dir_fd));

	close_p(dir_fd);
	struct error err = {};
	if (path_remove_tree_at(AT_FDCWD, path, &err) < 0)
		fail_msg("%s", err.text);
}

void test_write(int dir_fd, const char *path, const char *text)
{
	auto_free char *copy = xstrdup(path);

	for (char *slash = strchr(copy, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdirat(dir_fd, copy, 0755);
		*slash = '/';
	}
	auto_close int fd = openat(dir_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}
