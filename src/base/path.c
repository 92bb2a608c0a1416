/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"

int path_make_dirs(const char *path, mode_t mode, struct error *err)
{
	auto_free char *copy = xstrdup(path);

	for (char *at = copy + 1; *copy && *at; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		if (mkdir(copy, mode) < 0 && errno != EEXIST)
			return error_set(err, errno, "make folder %s", copy);
		*at = '/';
	}
	if (mkdir(path, mode) < 0 && errno != EEXIST)
		return error_set(err, errno, "make folder %s", path);
	return 0;
}

int path_open_dir(const char *path, mode_t mode, struct error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		return fd;

	int r = path_make_dirs(path, mode, err);
	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fd : error_set(err, errno, "open folder %s", path);
}

static int remove_content(int fd, dev_t dev, const char *name, struct error *err);

static int remove_entry(int dir_fd, const char *name, dev_t dev, struct error *err)
{
	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return error_set(err, errno, "remove %s", name);
	if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return error_set(err, errno, "remove folder %s", name);

	auto_close int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, errno, "open folder %s", name);
	struct stat st;
	if (fstat(fd, &st) < 0)
		return error_set(err, errno, "look at folder %s", name);
	if (dev != 0 && st.st_dev != dev)
		return error_say(err, EXDEV,
				 "remove folder %s: another file system is mounted there", name);

	int r = remove_content(fd, st.st_dev, name, err);
	if (r < 0)
		return r;
	if (unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return error_set(err, errno, "remove folder %s", name);
	return 0;
}

static int remove_content(int fd, dev_t dev, const char *name, struct error *err)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	DIR *dir = own < 0 ? NULL : fdopendir(own);
	if (!dir) {
		int errnum = errno;
		close_p(&own);
		return error_set(err, errnum, "list folder %s", name);
	}

	int r = 0;
	for (struct dirent *e; r == 0 && (e = readdir(dir));) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		r = remove_entry(fd, e->d_name, dev, err);
	}
	(void)closedir(dir);
	return r;
}

int path_remove_tree_at(int dir_fd, const char *name, struct error *err)
{
	return remove_entry(dir_fd, name, 0, err);
}

bool path_is_component(const char *name)
{
	return *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

bool path_is_plain_relative(const char *path)
{
	for (const char *at = path;;) {
		const char *end = strchrnul(at, '/');
		size_t len = (size_t)(end - at);
		if (len == 0 || (len == 1 && at[0] == '.') ||
		    (len == 2 && at[0] == '.' && at[1] == '.'))
			return false;
		if (!*end)
			return true;
		at = end + 1;
	}
}
