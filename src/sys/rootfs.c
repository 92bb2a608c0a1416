/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macros.h"

#define RETRIES_MAX 128 /* of openat2() where a rename elsewhere made it give up */
#define DEPTH_MAX 64
#define LINKS_MAX 40

static int open_in_root(int root_fd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	if (flags & O_CREAT)
		return -EINVAL;
	for (int i = 0; i < RETRIES_MAX; i++) {
		long fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
		if (fd >= 0)
			return (int)fd;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
	}
	return -EAGAIN;
}

int rootfs_open(int root_fd, const char *path, int flags, struct error *err)
{
	int fd = open_in_root(root_fd, path, flags);
	return fd < 0 ? error_set(err, fd, "open %s in the root", path) : fd;
}

/*
 * A walk from the root: @dirs are the folders passed, the root (borrowed) first; @rest is what is
 * still to be walked, as text that links are put before.
 */
struct walk {
	int dirs[DEPTH_MAX];
	size_t depth; /* folders in @dirs, at least the root */
	char rest[PATH_MAX];
	int links;
	mode_t mode;
};

static void walk_back_to(struct walk *w, size_t depth)
{
	while (w->depth > depth)
		(void)close(w->dirs[--w->depth]);
}

static void walk_done(struct walk *w)
{
	walk_back_to(w, 1);
}

static int walk_init(struct walk *w, int root_fd, const char *path, mode_t mode)
{
	w->dirs[0] = root_fd;
	w->depth = 1;
	w->links = 0;
	w->mode = mode;
	if (strlen(path) >= sizeof(w->rest))
		return -ENAMETOOLONG;
	memcpy(w->rest, path, strlen(path) + 1);
	return 0;
}

/* Takes the next name off @rest; false at the end. */
static bool walk_next(struct walk *w, char name[NAME_MAX + 1])
{
	size_t skip = strspn(w->rest, "/");
	size_t len = strcspn(w->rest + skip, "/");
	if (len == 0)
		return false;
	if (len > NAME_MAX)
		len = NAME_MAX; /* the kernel refuses it as the name of anything */
	memcpy(name, w->rest + skip, len);
	name[len] = '\0';
	memmove(w->rest, w->rest + skip + len, strlen(w->rest + skip + len) + 1);
	return true;
}

/* True where nothing but slashes is left. */
static bool walk_at_end(const struct walk *w)
{
	return w->rest[strspn(w->rest, "/")] == '\0';
}

/* Puts what a link says before the rest of the way. */
static int walk_follow(struct walk *w, int link_fd)
{
	char target[PATH_MAX];
	if (++w->links > LINKS_MAX)
		return -ELOOP;
	ssize_t n = readlinkat(link_fd, "", target, sizeof(target));
	if (n < 0)
		return -errno;
	size_t len = (size_t)n, rest = strlen(w->rest);
	if (len == 0)
		return -ENOENT;
	if (len + 1 + rest >= sizeof(w->rest))
		return -ENAMETOOLONG;
	if (target[0] == '/')
		walk_back_to(w, 1);
	memmove(w->rest + len + 1, w->rest, rest + 1);
	memcpy(w->rest, target, len);
	w->rest[len] = '/';
	return 0;
}

/* Opens @name in the present folder without following it; a missing one is made as @type. */
static int walk_step(struct walk *w, const char *name, mode_t type, struct stat *st)
{
	int dir = w->dirs[w->depth - 1];
	int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		if (S_ISDIR(type)) {
			if (mkdirat(dir, name, w->mode) < 0 && errno != EEXIST)
				return -errno;
		} else {
			auto_close int made = openat(dir, name,
						     O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY |
							     O_NONBLOCK | O_CLOEXEC,
						     type & 0777);
			if (made < 0 && errno != EEXIST)
				return -errno;
		}
		fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0)
		return -errno;
	if (fstat(fd, st) < 0) {
		int r = -errno;
		(void)close(fd);
		return r;
	}
	return fd;
}

/* Walks to the end, making folders, and at the end what @type says; an O_PATH descriptor. */
static int walk_make(struct walk *w, mode_t type)
{
	char name[NAME_MAX + 1];
	while (walk_next(w, name)) {
		if (strcmp(name, ".") == 0)
			continue;
		if (strcmp(name, "..") == 0) {
			walk_back_to(w, w->depth > 1 ? w->depth - 1 : 1);
			continue;
		}
		struct stat st;
		bool last = walk_at_end(w);
		auto_close int fd = walk_step(w, name, last ? type : S_IFDIR, &st);
		if (fd < 0)
			return fd;
		if (S_ISLNK(st.st_mode)) {
			int r = walk_follow(w, fd);
			if (r < 0)
				return r;
		} else if (S_ISDIR(st.st_mode)) {
			if (w->depth == DEPTH_MAX)
				return -ENAMETOOLONG;
			w->dirs[w->depth++] = take_fd(fd);
		} else {
			return last ? take_fd(fd) : -ENOTDIR;
		}
	}
	int fd = fcntl(w->dirs[w->depth - 1], F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? -errno : fd;
}

static int make(int root_fd, const char *path, mode_t dir_mode, mode_t type)
{
	struct walk w;
	int r = walk_init(&w, root_fd, path, dir_mode);
	if (r < 0)
		return r;
	r = walk_make(&w, type);
	walk_done(&w);
	return r;
}

int rootfs_make_dir(int root_fd, const char *path, mode_t mode, struct error *err)
{
	int fd = open_in_root(root_fd, path, O_PATH | O_DIRECTORY);
	if (fd != -ENOENT)
		return fd < 0 ? error_set(err, fd, "open folder %s in the root", path) : fd;
	auto_close int made = make(root_fd, path, mode, S_IFDIR);
	struct stat st;
	if (made < 0)
		return error_set(err, made, "make folder %s in the root", path);
	if (fstat(made, &st) < 0 || !S_ISDIR(st.st_mode))
		return error_set(err, ENOTDIR, "make folder %s in the root", path);
	return take_fd(made);
}

int rootfs_make_file(int root_fd, const char *path, mode_t mode, struct error *err)
{
	auto_close int fd = open_in_root(root_fd, path, O_PATH);
	if (fd == -ENOENT)
		fd = make(root_fd, path, 0755, S_IFREG | (mode & 0777));
	struct stat st;
	if (fd < 0)
		return error_set(err, fd, "make file %s in the root", path);
	if (fstat(fd, &st) < 0 || S_ISDIR(st.st_mode))
		return error_set(err, EISDIR, "make file %s in the root", path);
	return take_fd(fd);
}

int rootfs_read_file(int root_fd, const char *path, size_t cap, struct strbuf *ret,
		     struct error *err)
{
	/* Opened as a name first: opening a device or a fifo for reading could have effects. */
	auto_close int name_fd = rootfs_open(root_fd, path, O_PATH, err);
	if (name_fd < 0)
		return name_fd;
	struct stat st, again;
	if (fstat(name_fd, &st) < 0)
		return error_set(err, errno, "look at %s in the root", path);
	if (!S_ISREG(st.st_mode))
		return error_say(err, EINVAL, "%s in the root is no regular file", path);
	if ((uint64_t)st.st_size > cap)
		return error_set(err, EFBIG, "read %s in the root", path);
	auto_close int fd = rootfs_open(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, err);
	if (fd < 0)
		return fd;
	if (fstat(fd, &again) < 0 || again.st_dev != st.st_dev || again.st_ino != st.st_ino)
		return error_set(err, EAGAIN, "%s in the root was exchanged: read it", path);
	return read_file_fd(fd, path, cap, ret, err);
}
