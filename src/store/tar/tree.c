/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/path.h"
#include "store/tar/tree-xattr.h"
#include "store/tar/write.h"

#ifndef MQUEUE_MAGIC
#define MQUEUE_MAGIC 0x19800202
#endif
#define PIECE (256u << 10)
/* Folders within folders; each costs two descriptors while it is walked. */
#define DEPTH_MAX 400
/* An instance may make as many files as it likes; this is what one walk remembers of them. */
#define MEMORY_MAX (64u << 20)

struct walk {
	struct tar_writer *w;
	const struct tar_tree_options *options;
	struct map *links; /* "device:inode" -> path of the first name */
	size_t links_room; /* bytes that more of them may take */
	size_t names_room; /* bytes that the names of folders may take that are being walked */
	uint64_t mount_id;
	char path[TAR_PATH_MAX]; /* of the current entry, prefix included */
	size_t prefix_len;       /* of the prefix and its slash in @path */
	char *piece;
};

/* The owner as the container sees it; what lies outside its ids belongs to nobody (65534). */
static uint32_t shift_id(const struct tar_tree_options *o, uint32_t id)
{
	if (o->id_count == 0)
		return id - o->id_shift;
	return id >= o->id_shift && id - o->id_shift < o->id_count ? id - o->id_shift : 65534;
}

static void fill_header(const struct walk *walk, const struct statx *st, struct tar_header *h)
{
	*h = (struct tar_header){
		.path = walk->path,
		.mode = st->stx_mode,
		.uid = shift_id(walk->options, st->stx_uid),
		.gid = shift_id(walk->options, st->stx_gid),
		.size = S_ISREG(st->stx_mode) ? st->stx_size : 0,
		.mtime_sec = st->stx_mtime.tv_sec,
		.mtime_nsec = st->stx_mtime.tv_nsec,
		.rdev = makedev(st->stx_rdev_major, st->stx_rdev_minor),
	};
}

/* A file that shrinks while it is read is filled up with zeros, as GNU tar does. */
static int write_content(struct walk *walk, int fd, uint64_t size, struct error *err)
{
	for (uint64_t left = size; left > 0;) {
		size_t want = left < PIECE ? (size_t)left : PIECE;
		ssize_t n = read(fd, walk->piece, want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(err, errno, "read '%s'", walk->path);
		if (n == 0) {
			memset(walk->piece, 0, want);
			n = (ssize_t)want;
		}
		int r = tar_write_data(walk->w, walk->piece, (size_t)n, err);
		if (r < 0)
			return r;
		left -= (uint64_t)n;
	}
	return tar_write_pad(walk->w, size, err);
}

/* The object was looked at by an O_PATH descriptor; this opens that very object. */
static int reopen(int path_fd, int flags)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", path_fd);
	return open(path, flags | O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

static int write_file(struct walk *walk, int path_fd, const struct tar_header *h, struct error *err)
{
	auto_close int fd = reopen(path_fd, 0);
	if (fd < 0)
		return error_set(err, errno, "open '%s'", walk->path);
	int r = tar_write_header(walk->w, h, err);
	return r < 0 ? r : write_content(walk, fd, h->size, err);
}

static int write_symlink(struct walk *walk, int path_fd, struct tar_header *h, struct error *err)
{
	char target[TAR_PATH_MAX];

	ssize_t n = readlinkat(path_fd, "", target, sizeof(target) - 1);
	if (n < 0)
		return error_set(err, errno, "read link '%s'", walk->path);
	target[n] = '\0';
	h->link = target;
	return tar_write_header(walk->w, h, err);
}

/*
 * The path of another name of the same inode that was written before; remembers this one otherwise,
 * while there is room: later names are files of their own then.
 */
static const char *first_name(struct walk *walk, const struct statx *st)
{
	char key[64];

	if (st->stx_nlink < 2 || S_ISDIR(st->stx_mode))
		return NULL;
	snprintf(key, sizeof(key), "%u:%u:%llu", st->stx_dev_major, st->stx_dev_minor,
		 (unsigned long long)st->stx_ino);
	const char *first = map_get(walk->links, key);
	size_t need = sizeof(key) + strlen(walk->path);
	if (first || need > walk->links_room)
		return first;
	walk->links_room -= need;
	map_set(walk->links, key, xstrdup(walk->path));
	return NULL;
}

static bool is_whiteout(const struct walk *walk, const struct statx *st)
{
	return walk->options->convert_whiteouts && S_ISCHR(st->stx_mode) &&
	       st->stx_rdev_major == 0 && st->stx_rdev_minor == 0;
}

static int write_marker(struct walk *walk, const char *prefix, const char *name, size_t dir_len,
			const struct statx *st, struct error *err)
{
	char path[TAR_PATH_MAX];

	int n = snprintf(path, sizeof(path), "%.*s%s%s", (int)dir_len, walk->path, prefix, name);
	if (n >= (int)sizeof(path))
		return error_say(err, ENAMETOOLONG, "'%s' is too long for a tar", walk->path);
	return tar_write_file(walk->w, path, "", 0, st->stx_mtime.tv_sec, err);
}

/* File systems that show the kernel's state: what they hold is no content. */
static bool is_kernel_view(int fd)
{
	static const unsigned long types[] = {
		PROC_SUPER_MAGIC,    SYSFS_MAGIC,        CGROUP_SUPER_MAGIC,
		CGROUP2_SUPER_MAGIC, DEVPTS_SUPER_MAGIC, DEBUGFS_MAGIC,
		TRACEFS_MAGIC,       SECURITYFS_MAGIC,   MQUEUE_MAGIC,
	};
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if ((unsigned long)fs.f_type == types[i])
			return true;
	}
	return false;
}

static int walk_dir(struct walk *walk, int dir_fd, size_t dir_len, int depth, struct error *err);

static int write_dir(struct walk *walk, int path_fd, const struct tar_header *h,
		     const struct statx *st, bool opaque, int depth, struct error *err)
{
	size_t len = strlen(walk->path);

	int r = tar_write_header(walk->w, h, err);
	if (r < 0)
		return r;
	if (depth >= DEPTH_MAX || len + 2 > sizeof(walk->path))
		return error_say(err, ENAMETOOLONG, "folders below '%.200s' are too deep",
				 walk->path);
	memcpy(walk->path + len, "/", 2);
	if (opaque)
		r = write_marker(walk, ".wh..wh..opq", "", len + 1, st, err);
	if (r < 0)
		return r;
	if (walk->options->cross_mounts && is_kernel_view(path_fd))
		return 0;
	auto_close int fd = reopen(path_fd, O_DIRECTORY);
	if (fd < 0)
		return error_set(err, errno, "open '%s'", walk->path);
	return walk_dir(walk, fd, len + 1, depth + 1, err);
}

static int write_object(struct walk *walk, int path_fd, const struct statx *st, int depth,
			struct error *err)
{
	auto_(tar_tree_xattrs_done) struct tar_tree_xattrs xattrs = { 0 };
	struct tar_header h;

	fill_header(walk, st, &h);
	const char *first = first_name(walk, st);
	if (first) {
		h.hard_link = true;
		h.link = first;
		h.size = 0;
		return tar_write_header(walk->w, &h, err);
	}
	int r = tar_tree_xattrs_read(path_fd, walk->options, &xattrs, err);
	if (r < 0)
		return error_prefix(err, "attributes of '%s'", walk->path);
	h.xattrs = xattrs.items;
	h.xattr_count = xattrs.count;

	switch (st->stx_mode & S_IFMT) {
	case S_IFDIR:
		return write_dir(walk, path_fd, &h, st, xattrs.opaque, depth, err);
	case S_IFREG:
		return write_file(walk, path_fd, &h, err);
	case S_IFLNK:
		return write_symlink(walk, path_fd, &h, err);
	case S_IFSOCK:
		return 0;
	default:
		return tar_write_header(walk->w, &h, err);
	}
}

static int look(int fd, struct statx *ret)
{
	return statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, ret);
}

/* @walk->path holds the folder's path up to @dir_len, its slash included. */
static int walk_entry(struct walk *walk, int dir_fd, const char *name, size_t dir_len, int depth,
		      struct error *err)
{
	struct statx st;

	size_t len = strlen(name);
	if (dir_len + len + 1 > sizeof(walk->path))
		return error_say(err, ENAMETOOLONG, "a path below '%.200s' is too long for a tar",
				 walk->path);
	memcpy(walk->path + dir_len, name, len + 1);
	const struct strv *skip = walk->options->skip;
	if (skip && strv_contains(skip, walk->path + walk->prefix_len))
		return 0;

	auto_close int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : error_set(err, errno, "open '%s'", walk->path);
	if (look(fd, &st) < 0)
		return error_set(err, errno, "look at '%s'", walk->path);
	if (st.stx_mnt_id != walk->mount_id && !walk->options->cross_mounts)
		return 0;
	if (is_whiteout(walk, &st))
		return write_marker(walk, ".wh.", name, dir_len, &st, err);
	return write_object(walk, fd, &st, depth, err);
}

static int walk_dir(struct walk *walk, int dir_fd, size_t dir_len, int depth, struct error *err)
{
	auto_strv names = { 0 };
	size_t room = walk->names_room;

	/* sorted, so that the same tree gives the same tar */
	int r = path_list(dir_fd, &walk->names_room, &names, err);
	if (r < 0)
		r = error_prefix(err, "below '%.200s'", walk->path);
	for (size_t i = 0; i < names.count && r == 0; i++)
		r = walk_entry(walk, dir_fd, names.items[i], dir_len, depth, err);
	walk->names_room = room;
	return r;
}

static void walk_done(struct walk *walk)
{
	map_free(walk->links);
	free(walk->piece);
}

static int walk_init(struct walk *walk, struct tar_writer *w, int fd,
		     const struct tar_tree_options *options, struct statx *st, struct error *err)
{
	*walk = (struct walk){
		.w = w,
		.options = options,
		.links = map_new(free),
		.links_room = MEMORY_MAX,
		.names_room = MEMORY_MAX,
		.piece = xmalloc(PIECE),
	};
	if (look(fd, st) < 0)
		return error_set(err, errno, "look at what is to be written");
	walk->mount_id = st->stx_mnt_id;
	return 0;
}

int tar_write_tree(struct tar_writer *w, int dir_fd, const struct tar_tree_options *options,
		   struct error *err)
{
	auto_(walk_done) struct walk walk;
	struct statx st;

	int r = walk_init(&walk, w, dir_fd, options, &st, err);
	if (r < 0)
		return r;
	if (options->prefix) {
		int n = snprintf(walk.path, sizeof(walk.path), "%s/", options->prefix);
		if (n >= (int)sizeof(walk.path))
			return error_say(err, ENAMETOOLONG, "prefix is too long for a tar");
		walk.prefix_len = (size_t)n;
	}
	return walk_dir(&walk, dir_fd, walk.prefix_len, 0, err);
}

int tar_write_object(struct tar_writer *w, int fd, const char *name,
		     const struct tar_tree_options *options, struct error *err)
{
	auto_(walk_done) struct walk walk;
	struct statx st;

	int r = walk_init(&walk, w, fd, options, &st, err);
	if (r < 0)
		return r;
	size_t len = name ? strlen(name) : 0;
	if (len >= sizeof(walk.path))
		return error_say(err, ENAMETOOLONG, "'%.200s' is too long for a tar", name);
	if (name) {
		memcpy(walk.path, name, len + 1);
		return write_object(&walk, fd, &st, 0, err);
	}
	auto_close int dir_fd = reopen(fd, O_DIRECTORY);
	if (dir_fd < 0)
		return error_set(err, errno, "open a folder");
	return walk_dir(&walk, dir_fd, 0, 0, err);
}
