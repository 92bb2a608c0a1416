/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/files/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "store/tar/tar.h"

#define ENTRIES_MAX (1ULL << 32)

/* A folder's time changes with each entry below it, so it is set at the end. */
struct late {
	char *path;
	struct timespec mtime;
	mode_t mode;
};

struct unpack {
	struct unpack_options options;
	struct tar_parser *tar;
	int file; /* the one being written; -1 = none */
	struct timespec mtime;
	mode_t mode;
	struct late *folders;
	size_t folder_count;
	size_t folder_room;
};

static int entry(void *context, const struct tar_entry *e, struct error *err);
static int data(void *context, const void *bytes, size_t len, struct error *err);

static const struct tar_events events = { .entry = entry, .data = data };

struct unpack *unpack_new(const struct unpack_options *options)
{
	struct unpack *u = xnew(struct unpack);

	u->options = *options;
	u->file = -1;
	u->tar = tar_parser_new(&events, u, ENTRIES_MAX);
	return u;
}

void unpack_free(struct unpack *u)
{
	if (!u)
		return;
	tar_parser_free(u->tar);
	close_p(&u->file);
	for (size_t i = 0; i < u->folder_count; i++)
		free(u->folders[i].path);
	free(u->folders);
	free(u);
}

/* Where an entry goes, below the target folder; NULL where it lies outside what was asked for. */
static char *place_of(const struct unpack *u, const char *path)
{
	const char *base = u->options.base;
	const char *name = u->options.name;
	size_t len = strlen(base);

	if (len > 0) {
		if (strncmp(path, base, len) != 0 || (path[len] && path[len] != '/'))
			return NULL;
		path += len + (path[len] == '/');
	}
	return xasprintf("%s%s%s", name, *name && *path ? "/" : "", path);
}

/* Opens the folder that holds the last part of @path, making what is missing; no link is followed.
 */
static int open_parent(const struct unpack *u, char *path, char **ret_name, struct error *err)
{
	auto_close int dir = fcntl(u->options.dir_fd, F_DUPFD_CLOEXEC, 3);
	char *at = path;

	if (dir < 0)
		return error_set(err, errno, "duplicate a descriptor");
	for (char *slash; (slash = strchr(at, '/')); at = slash + 1) {
		*slash = '\0';
		if (mkdirat(dir, at, 0755) < 0 && errno != EEXIST)
			return error_set(err, errno, "make folder %s", path);
		int next = openat(dir, at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return error_set(err, errno, "open folder %s", path);
		*slash = '/';
		close_p(&dir);
		dir = next;
	}
	*ret_name = at;
	return take_fd(dir);
}

/* Removes what is in the way of something that is no folder. */
static int clear_place(int dir, const char *name, const char *path, struct error *err)
{
	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno == EISDIR)
		return error_say(err, EISDIR, "cannot overwrite directory with non-directory: %s",
				 path);
	return error_set(err, errno, "remove %s", path);
}

static int make_folder(struct unpack *u, int dir, const char *name, const char *path,
		       const struct tar_entry *e, struct error *err)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode) &&
	    unlinkat(dir, name, 0) < 0)
		return error_set(err, errno, "remove %s", path);
	if (mkdirat(dir, name, 0700) < 0 && errno != EEXIST)
		return error_set(err, errno, "make folder %s", path);
	if (u->options.owners && fchownat(dir, name, e->uid, e->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set(err, errno, "change the owner of %s", path);
	if (u->folder_count == u->folder_room) {
		u->folder_room = u->folder_room ? u->folder_room * 2 : 16;
		u->folders = xreallocarray(u->folders, u->folder_room, sizeof(*u->folders));
	}
	u->folders[u->folder_count++] = (struct late){
		.path = xstrdup(path),
		.mtime = { .tv_sec = e->mtime_sec, .tv_nsec = (long)e->mtime_nsec },
		.mode = e->mode & (u->options.owners ? 07777 : 01777),
	};
	return 0;
}

static int make_file(struct unpack *u, int dir, const char *name, const char *path,
		     const struct tar_entry *e, struct error *err)
{
	int r = clear_place(dir, name, path, err);
	if (r < 0)
		return r;
	u->file = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (u->file < 0)
		return error_set(err, errno, "create %s", path);
	if (u->options.owners && fchown(u->file, e->uid, e->gid) < 0)
		return error_set(err, errno, "change the owner of %s", path);
	u->mode = e->mode & (u->options.owners ? 07777 : 0777);
	u->mtime = (struct timespec){ .tv_sec = e->mtime_sec, .tv_nsec = (long)e->mtime_nsec };
	return 0;
}

static int make_symlink(struct unpack *u, int dir, const char *name, const char *path,
			const struct tar_entry *e, struct error *err)
{
	const struct timespec times[] = {
		{ .tv_nsec = UTIME_OMIT },
		{ .tv_sec = e->mtime_sec, .tv_nsec = (long)e->mtime_nsec },
	};

	int r = clear_place(dir, name, path, err);
	if (r < 0)
		return r;
	if (symlinkat(e->link, dir, name) < 0)
		return error_set(err, errno, "make link %s", path);
	if (u->options.owners && fchownat(dir, name, e->uid, e->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set(err, errno, "change the owner of %s", path);
	(void)utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW);
	return 0;
}

static int make_hard_link(struct unpack *u, int dir, const char *name, const char *path,
			  const struct tar_entry *e, struct error *err)
{
	auto_free char *target = place_of(u, e->link);
	char *target_name;

	if (!target || !*target)
		return error_say(err, EBADMSG, "%s is a link to '%s', which was not asked for",
				 path, e->link);
	auto_close int from = open_parent(u, target, &target_name, err);
	if (from < 0)
		return from;
	int r = clear_place(dir, name, path, err);
	if (r < 0)
		return r;
	if (linkat(from, target_name, dir, name, 0) < 0)
		return error_set(err, errno, "link %s to %s", path, e->link);
	return 0;
}

static int make_fifo(int dir, const char *name, const char *path, const struct tar_entry *e,
		     struct error *err)
{
	int r = clear_place(dir, name, path, err);
	if (r < 0)
		return r;
	if (mkfifoat(dir, name, e->mode & 0777) < 0)
		return error_set(err, errno, "make %s", path);
	return 0;
}

/* The last file's content is complete. */
static int finish_file(struct unpack *u, struct error *err)
{
	const struct timespec times[] = { { .tv_nsec = UTIME_OMIT }, u->mtime };

	if (u->file < 0)
		return 0;
	int r = fchmod(u->file, u->mode) < 0 || futimens(u->file, times) < 0
			? error_set(err, errno, "finish a file")
			: 0;
	close_p(&u->file);
	return r;
}

static int make_entry(struct unpack *u, int dir, const char *name, const char *path,
		      const struct tar_entry *e, struct error *err)
{
	switch (e->type) {
	case TAR_FILE:
		return make_file(u, dir, name, path, e, err);
	case TAR_DIR:
		return make_folder(u, dir, name, path, e, err);
	case TAR_SYMLINK:
		return make_symlink(u, dir, name, path, e, err);
	case TAR_HARD_LINK:
		return make_hard_link(u, dir, name, path, e, err);
	case TAR_FIFO:
		return make_fifo(dir, name, path, e, err);
	case TAR_CHAR_DEVICE:
	case TAR_BLOCK_DEVICE:
		(void)fprintf(stderr, "berth: %s is a device and left out\n", path);
		return 0;
	}
	return error_say(err, EBADMSG, "%s is of no known type", path);
}

static int entry(void *context, const struct tar_entry *e, struct error *err)
{
	struct unpack *u = context;
	char *name;

	int r = finish_file(u, err);
	if (r < 0)
		return r;
	auto_free char *path = place_of(u, e->path);
	if (!path)
		return error_say(err, EBADMSG, "the archive holds '%s', which was not asked for",
				 e->path);
	/* the folder itself, which exists */
	if (!*path)
		return e->type == TAR_DIR ? 0 : error_say(err, ENOTDIR, "the archive is no folder");
	auto_free char *shown = xstrdup(path);
	auto_close int dir = open_parent(u, path, &name, err);
	if (dir < 0)
		return dir;
	if (!path_is_component(name))
		return error_say(err, EBADMSG, "the archive holds the bad name '%s'", shown);
	return make_entry(u, dir, name, shown, e, err);
}

static int data(void *context, const void *bytes, size_t len, struct error *err)
{
	struct unpack *u = context;
	int r = write_full(u->file, bytes, len);

	return r < 0 ? error_set(err, r, "write a file") : 0;
}

int unpack_write(struct unpack *u, const void *bytes, size_t len, struct error *err)
{
	return tar_parser_write(u->tar, bytes, len, err);
}

/* Modes and times of folders, innermost first. */
static int finish_folder(struct unpack *u, const struct late *folder, struct error *err)
{
	const struct timespec times[] = { { .tv_nsec = UTIME_OMIT }, folder->mtime };
	auto_free char *path = xstrdup(folder->path);
	char *name;
	auto_close int dir = open_parent(u, path, &name, err);
	if (dir < 0)
		return dir;

	auto_close int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, folder->mode) < 0 || futimens(fd, times) < 0)
		return error_set(err, errno, "finish folder %s", folder->path);
	return 0;
}

int unpack_finish(struct unpack *u, struct error *err)
{
	int r = tar_parser_finish(u->tar, err);
	if (r == 0)
		r = finish_file(u, err);
	for (size_t i = u->folder_count; i > 0 && r == 0; i--)
		r = finish_folder(u, &u->folders[i - 1], err);
	return r;
}
