/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/ident.h"

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

/*
 * A removal under way. Who made the tree may have made it deeper than there are descriptors, so a
 * folder below LEVELS_MAX is moved up into @top_fd, the tree's own uppermost folder, which is listed
 * again until it is empty.
 */
#define LEVELS_MAX 32

struct removal {
	uint64_t mount; /* that the tree lies in: another one may be of the same file system */
	int top_fd;
	unsigned int moved;
	bool again; /* something was moved since the uppermost folder was listed */
};

static int remove_content(struct removal *removal, int fd, int level, const char *name,
			  struct error *err);

static int move_up(struct removal *removal, int dir_fd, const char *name, struct error *err)
{
	char id[17];
	char target[64];

	ident_random_hex(id, 16);
	(void)snprintf(target, sizeof(target), "%s-%u", id, removal->moved++);
	removal->again = true;
	if (renameat(dir_fd, name, removal->top_fd, target) < 0)
		return error_set(err, errno, "move folder %s", name);
	return 0;
}

static int mount_of(int fd, uint64_t *ret)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0)
		return -errno;
	*ret = st.stx_mnt_id;
	return 0;
}

/* Removes a folder that is not empty. */
static int remove_folder(struct removal *removal, int dir_fd, int level, const char *name,
			 struct error *err)
{
	uint64_t mount = 0;
	auto_close int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = fd < 0 ? -errno : mount_of(fd, &mount);
	if (r < 0)
		return error_set(err, r, "open folder %s", name);
	if (removal->top_fd < 0) {
		removal->top_fd = fd;
		removal->mount = mount;
	}
	if (mount != removal->mount)
		return error_say(err, EXDEV,
				 "remove folder %s: another file system is mounted there", name);
	if (level == LEVELS_MAX)
		return move_up(removal, dir_fd, name, err);

	do {
		removal->again &= level > 0;
		r = remove_content(removal, fd, level, name, err);
	} while (r == 0 && level == 0 && removal->again);
	if (r < 0)
		return r;
	if (unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return error_set(err, errno, "remove folder %s", name);
	return 0;
}

/* @type: what readdir(3) says of it, so that most entries cost one system call. */
static int remove_entry(struct removal *removal, int dir_fd, int level, const char *name,
			unsigned char type, struct error *err)
{
	if (type != DT_DIR) {
		if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
			return 0;
		if (errno != EISDIR && errno != EPERM)
			return error_set(err, errno, "remove %s", name);
	}
	if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return error_set(err, errno, "remove folder %s", name);
	return remove_folder(removal, dir_fd, level, name, err);
}

static int remove_content(struct removal *removal, int fd, int level, const char *name,
			  struct error *err)
{
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
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
		r = remove_entry(removal, fd, level + 1, e->d_name, e->d_type, err);
	}
	(void)closedir(dir);
	return r;
}

int path_remove_tree_at(int dir_fd, const char *name, struct error *err)
{
	struct removal removal = { .top_fd = -1 };
	return remove_entry(&removal, dir_fd, 0, name, DT_UNKNOWN, err);
}

bool path_is_component(const char *name)
{
	return *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* What a name takes beside its bytes: its pointer, and what the allocator keeps. */
#define NAME_OVERHEAD 24

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_names(DIR *dir, size_t *room, struct strv *ret, struct error *err)
{
	errno = 0;
	for (struct dirent *d; (d = readdir(dir)); errno = 0) {
		size_t need = strlen(d->d_name) + NAME_OVERHEAD;
		if (!path_is_component(d->d_name))
			continue;
		if (need > *room)
			return error_say(err, E2BIG, "the folders have too many entries");
		*room -= need;
		strv_add(ret, d->d_name);
	}
	return errno ? error_set(err, errno, "read a folder") : 0;
}

int path_list(int dir_fd, size_t *room, struct strv *ret, struct error *err)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		int r = error_set(err, errno, "read a folder");
		close_p(&fd);
		return r;
	}
	int r = add_names(dir, room, ret, err);
	(void)closedir(dir);
	if (ret->count > 1)
		qsort(ret->items, ret->count, sizeof(*ret->items), by_name);
	return r;
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
