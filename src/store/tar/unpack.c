/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tar/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "store/tar/unpack-object.h"
#include "store/tree/internal.h"
#include "store/tree/tree.h"
#include "sys/fs-identity.h"
#include "sys/rootfs.h"

#define ENTRIES_MAX (2u << 20)
/* Folders whose times are set once more at the end; what is made in them changes it. */
#define FOLDERS_MAX 65536u

struct folder_time {
	char *path;
	int64_t sec;
	uint32_t nsec;
};

struct tar_unpack {
	struct tar_unpack_options o;
	char *path;
	struct tar_parser *parser;
	struct folder_time *folders;
	size_t folder_count;

	char parent_path[TAR_PATH_MAX]; /* of @parent_fd, as entries name it */
	int parent_fd;                  /* -1: none yet */

	int file_fd; /* whose content comes; -1: none */
	uint64_t left;
	struct tar_entry file; /* its attributes; strings and lists are copies */
};

/* ---- Folders -------------------------------------------------------------------------------- */

static int full_path(const struct tar_unpack *u, const char *path, char ret[ROOTFS_PATH_MAX],
		     struct error *err)
{
	int n = snprintf(ret, ROOTFS_PATH_MAX, "%s/%s", u->path, path);

	return n < ROOTFS_PATH_MAX ? 0 : error_set(err, ENAMETOOLONG, "unpack '%.200s'", path);
}

/* The folder that an entry lies in; borrowed until the next call. */
static int open_parent(struct tar_unpack *u, const char *path, size_t len, struct error *err)
{
	char full[ROOTFS_PATH_MAX];
	char parent[TAR_PATH_MAX];

	memcpy(parent, path, len);
	parent[len] = '\0';
	if (u->parent_fd >= 0 && strcmp(parent, u->parent_path) == 0)
		return u->parent_fd;
	int r = full_path(u, parent, full, err);
	if (r < 0)
		return r;
	auto_close int fd = rootfs_make_dir(u->o.root_fd, full, 0755, err);
	if (fd < 0)
		return fd;
	r = unpack_check_owner(&u->o, fd, full, err);
	if (r < 0)
		return r;
	close_p(&u->parent_fd);
	u->parent_fd = take_fd(fd);
	memcpy(u->parent_path, parent, strlen(parent) + 1);
	return u->parent_fd;
}

static void remember_folder(struct tar_unpack *u, const struct tar_entry *e)
{
	if (u->folder_count == FOLDERS_MAX)
		return;
	u->folders = xreallocarray(u->folders, u->folder_count + 1, sizeof(*u->folders));
	u->folders[u->folder_count++] = (struct folder_time){
		.path = xstrdup(e->path),
		.sec = e->mtime_sec,
		.nsec = e->mtime_nsec,
	};
}

/* One that was exchanged meanwhile keeps its own time. */
static void set_folder_times(struct tar_unpack *u)
{
	for (size_t i = u->folder_count; i-- > 0;) {
		const struct folder_time *f = &u->folders[i];
		const struct timespec times[] = {
			{ .tv_nsec = UTIME_OMIT },
			{ .tv_sec = f->sec, .tv_nsec = f->nsec },
		};
		char full[ROOTFS_PATH_MAX];
		if (full_path(u, f->path, full, NULL) < 0)
			continue;
		auto_close int fd =
			rootfs_open(u->o.root_fd, full, O_PATH | O_DIRECTORY | O_NOFOLLOW, NULL);
		if (fd >= 0 && unpack_check_owner(&u->o, fd, full, NULL) == 0)
			(void)utimensat(fd, "", times, AT_EMPTY_PATH);
	}
}

/* ---- Objects -------------------------------------------------------------------------------- */

static mode_t type_of(const struct tar_entry *e)
{
	static const mode_t types[] = {
		[TAR_FILE] = S_IFREG,        [TAR_DIR] = S_IFDIR,
		[TAR_SYMLINK] = S_IFLNK,     [TAR_HARD_LINK] = S_IFREG,
		[TAR_CHAR_DEVICE] = S_IFCHR, [TAR_BLOCK_DEVICE] = S_IFBLK,
		[TAR_FIFO] = S_IFIFO,
	};

	return types[e->type];
}

/* Makes room for an entry: 1 where a folder is there that stays. */
static int clear_place(struct tar_unpack *u, int dir, const char *name, const struct tar_entry *e,
		       struct error *err)
{
	struct stat st;
	bool wanted = e->type == TAR_DIR;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_set(err, errno, "look at it");
	if (S_ISDIR(st.st_mode) && wanted)
		return 1;
	if (u->o.keep_kinds && S_ISDIR(st.st_mode))
		return error_say(err, EINVAL,
				 "cannot overwrite directory \"%s\" with non-directory \"%s\"",
				 e->path, u->path);
	if (u->o.keep_kinds && wanted)
		return error_say(err, EINVAL,
				 "cannot overwrite non-directory \"%s\" with directory \"%s\"",
				 e->path, u->path);
	if (S_ISDIR(st.st_mode))
		return path_remove_tree_at(dir, name, err);
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return error_set(err, errno, "replace it");
	return 0;
}

static int make_hard_link(struct tar_unpack *u, int dir, const char *name,
			  const struct tar_entry *e, struct error *err)
{
	const char *slash = strrchr(e->link, '/');
	auto_free char *folder = xstrndup(e->link, slash ? (size_t)(slash - e->link) : 0);
	char full[ROOTFS_PATH_MAX];

	int r = full_path(u, folder, full, err);
	if (r < 0)
		return r;
	auto_close int from = rootfs_open(u->o.root_fd, full, O_PATH | O_DIRECTORY, err);
	if (from < 0)
		return from;
	const char *target = slash ? slash + 1 : e->link;
	auto_close int fd = openat(from, target, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, errno, "open '%s', which it is a link to", e->link);
	r = unpack_check_owner(&u->o, fd, e->link, err);
	if (r == 0 && linkat(fd, "", dir, name, AT_EMPTY_PATH) < 0)
		r = error_set(err, errno, "link it to '%s'", e->link);
	return r;
}

static int make_device(int dir, const char *name, const struct tar_entry *e, struct error *err)
{
	bool character = e->type == TAR_CHAR_DEVICE;
	bool kept = tree_keeps_device(character, e->rdev_major, e->rdev_minor);
	dev_t rdev = kept ? makedev(e->rdev_major, e->rdev_minor)
			  : makedev(TREE_INERT_MAJOR, TREE_INERT_MINOR);

	if (character && e->rdev_major == 0 && e->rdev_minor == 0)
		return error_say(err, EBADMSG, "a device 0:0 would be a whiteout");
	return mknodat(dir, name, type_of(e) | 0600, rdev) < 0 ? error_set(err, errno, "make it")
							       : 0;
}

/* Makes what is no file and gives it its attributes. */
static int make_object(struct tar_unpack *u, int dir, const char *name, bool there,
		       const struct tar_entry *e, struct error *err)
{
	int r = 0;

	if (e->type == TAR_DIR && !there)
		r = mkdirat(dir, name, 0700);
	else if (e->type == TAR_SYMLINK)
		r = symlinkat(e->link, dir, name);
	else if (e->type == TAR_FIFO)
		r = mknodat(dir, name, S_IFIFO | 0600, 0);
	if (r < 0)
		return error_set(err, errno, "make it");
	if (e->type == TAR_CHAR_DEVICE || e->type == TAR_BLOCK_DEVICE)
		r = make_device(dir, name, e, err);
	if (r < 0)
		return r;

	auto_close int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, errno, "open it");
	r = unpack_apply(&u->o, fd, type_of(e), e, err);
	if (r == 0 && e->type == TAR_DIR)
		remember_folder(u, e);
	return r;
}

/* ---- Files ---------------------------------------------------------------------------------- */

static void forget_file(struct tar_unpack *u)
{
	struct tar_xattr *xattrs = (struct tar_xattr *)u->file.xattrs;

	for (size_t i = 0; i < u->file.xattr_count; i++) {
		free((char *)xattrs[i].name);
		free((void *)xattrs[i].value);
	}
	free(xattrs);
	free((char *)u->file.path);
	u->file = (struct tar_entry){};
	close_p(&u->file_fd);
}

static void keep_entry(struct tar_unpack *u, const struct tar_entry *e)
{
	struct tar_xattr *xattrs = xcalloc(e->xattr_count + 1, sizeof(*xattrs));

	for (size_t i = 0; i < e->xattr_count; i++)
		xattrs[i] = (struct tar_xattr){
			.name = xstrdup(e->xattrs[i].name),
			.value = xmemdup(e->xattrs[i].value, e->xattrs[i].len),
			.len = e->xattrs[i].len,
		};
	u->file = *e;
	u->file.path = xstrdup(e->path);
	u->file.xattrs = xattrs;
}

static int end_file(struct tar_unpack *u, struct error *err)
{
	int r = unpack_apply(&u->o, u->file_fd, S_IFREG, &u->file, err);

	if (r < 0)
		r = error_prefix(err, "unpack '%.200s'", u->file.path);
	forget_file(u);
	return r;
}

static int begin_file(struct tar_unpack *u, int dir, const char *name, const struct tar_entry *e,
		      struct error *err)
{
	u->file_fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (u->file_fd < 0)
		return error_set(err, errno, "make it");
	keep_entry(u, e);
	u->left = e->size;
	return u->left ? 0 : end_file(u, err);
}

static int take_data(void *context, const void *data, size_t len, struct error *err)
{
	struct tar_unpack *u = context;

	if (u->file_fd < 0 || len > u->left)
		return error_say(err, EBADMSG, "content that belongs to no file");
	int r = write_full(u->file_fd, data, len);
	if (r < 0)
		return error_set(err, r, "write '%.200s'", u->file.path);
	u->left -= len;
	return u->left ? 0 : end_file(u, err);
}

/* ---- Entries -------------------------------------------------------------------------------- */

static int place_entry(struct tar_unpack *u, const struct tar_entry *e, struct error *err)
{
	const char *slash = strrchr(e->path, '/');
	const char *name = slash ? slash + 1 : e->path;

	int dir = open_parent(u, e->path, slash ? (size_t)(slash - e->path) : 0, err);
	if (dir < 0)
		return dir;
	int there = clear_place(u, dir, name, e, err);
	if (there < 0)
		return there;
	if (e->type == TAR_FILE)
		return begin_file(u, dir, name, e, err);
	if (e->type == TAR_HARD_LINK)
		return make_hard_link(u, dir, name, e, err);
	return make_object(u, dir, name, there == 1, e, err);
}

static int take_entry(void *context, const struct tar_entry *e, struct error *err)
{
	struct tar_unpack *u = context;

	/* The folder that all is unpacked in stays as it is. */
	if (e->path[0] == '\0')
		return 0;
	int r = place_entry(u, e, err);
	return r < 0 ? error_prefix(err, "unpack '%.200s'", e->path) : 0;
}

/* ---- The whole ------------------------------------------------------------------------------ */

struct tar_unpack *tar_unpack_new(const struct tar_unpack_options *options)
{
	static const struct tar_events events = { .entry = take_entry, .data = take_data };
	struct tar_unpack *u = xnew(struct tar_unpack);

	u->o = *options;
	u->path = xstrdup(options->path);
	u->parent_fd = u->file_fd = -1;
	u->parser = tar_parser_new(&events, u, ENTRIES_MAX);
	return u;
}

void tar_unpack_free(struct tar_unpack *u)
{
	if (!u)
		return;
	forget_file(u);
	close_p(&u->parent_fd);
	for (size_t i = 0; i < u->folder_count; i++)
		free(u->folders[i].path);
	free(u->folders);
	tar_parser_free(u->parser);
	free(u->path);
	free(u);
}

int tar_unpack_write(struct tar_unpack *u, const void *data, size_t len, struct error *err)
{
	struct fs_identity back;

	int r = fs_identity_enter(u->o.id_base, u->o.id_base, &back, err);
	if (r < 0)
		return r;
	r = tar_parser_write(u->parser, data, len, err);
	fs_identity_leave(&back);
	return r;
}

int tar_unpack_finish(struct tar_unpack *u, struct error *err)
{
	struct fs_identity back;

	int r = fs_identity_enter(u->o.id_base, u->o.id_base, &back, err);
	if (r < 0)
		return r;
	r = tar_parser_finish(u->parser, err);
	if (r == 0)
		set_folder_times(u);
	fs_identity_leave(&back);
	return r;
}
