/* SPDX-License-Identifier: Apache-2.0 */
#include "files/changes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/strv.h"
#include "store/tar/buffer.h"
#include "store/tree/tree.h"
#include "sys/rootfs.h"

#define DEPTH_MAX 400
/* An instance may make as many files as it likes; names of the folders on one way take this at most. */
#define NAMES_MAX (64u << 20)

/* A folder on the way down; its change is told before that of the first thing in it. */
struct level {
	struct level *parent;
	size_t path_len;
	bool told; /* the root always counts as told */
	enum change_kind kind;
};

struct walk {
	int image_fd;
	const struct strv *skip;
	change_visit_fn visit;
	void *arg;
	size_t names_room; /* bytes that names may take of the folders that are being walked */
	char path[ROOTFS_PATH_MAX]; /* absolute */
};

/* ---- Places that Berth makes ---------------------------------------------------------------- */

static bool is_empty_folder(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	int count = 0;

	if (!dir) {
		close_p(&fd);
		return false;
	}
	while (readdir(dir))
		count++;
	(void)closedir(dir);
	return count <= 2;
}

static void find_placeholders(int upper_fd, struct strv *ret)
{
	static const char *const places[] = {
		"dev", "proc", "sys", "etc/hosts", "etc/hostname", "etc/resolv.conf",
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct stat st;
		auto_close int fd = rootfs_open(upper_fd, places[i], O_PATH | O_NOFOLLOW, NULL);
		if (fd < 0 || fstat(fd, &st) < 0)
			continue;
		if ((S_ISREG(st.st_mode) && st.st_size == 0) ||
		    (S_ISDIR(st.st_mode) && is_empty_folder(fd)))
			strv_add(ret, places[i]);
	}
}

/* ---- The walk ------------------------------------------------------------------------------- */

static int tell_level(struct walk *w, struct level *level)
{
	if (level->told)
		return 0;
	int r = tell_level(w, level->parent);
	if (r != 0)
		return r;
	level->told = true;
	char next = w->path[level->path_len];
	w->path[level->path_len] = '\0';
	r = w->visit(w->path, level->kind, w->arg);
	w->path[level->path_len] = next;
	return r;
}

static int tell(struct walk *w, struct level *level, enum change_kind kind)
{
	int r = tell_level(w, level);

	return r != 0 ? r : w->visit(w->path, kind, w->arg);
}

static bool look_in_image(const struct walk *w, struct stat *ret)
{
	auto_close int fd = rootfs_open(w->image_fd, w->path, O_PATH | O_NOFOLLOW, NULL);

	return fd >= 0 && fstat(fd, ret) == 0;
}

static bool is_opaque(int fd)
{
	char value[2];

	return fgetxattr(fd, TREE_OPAQUE_NAME, value, sizeof(value)) == 1 && value[0] == 'y';
}

/* Sorted; of an opaque folder also what the image has there, which it hides. */
static int list_folder(struct walk *w, int dir_fd, bool opaque, struct strv *ret, struct error *err)
{
	int r = path_list(dir_fd, &w->names_room, ret, err);
	if (r < 0 || !opaque)
		return r;
	auto_close int lower =
		rootfs_open(w->image_fd, w->path, O_PATH | O_DIRECTORY | O_NOFOLLOW, NULL);
	return lower < 0 ? 0 : path_list(lower, &w->names_room, ret, err);
}

static int walk_folder(struct walk *w, int dir_fd, struct level *level, int depth,
		       struct error *err);

static int walk_below(struct walk *w, int dir_fd, const char *name, struct level *parent,
		      const struct stat *st, int depth, struct error *err)
{
	struct stat lower;
	bool there = look_in_image(w, &lower);
	struct level level = {
		.parent = parent,
		.path_len = strlen(w->path),
		.kind = there ? CHANGE_MODIFIED : CHANGE_ADDED,
	};
	bool same = there && lower.st_mode == st->st_mode && lower.st_uid == st->st_uid &&
		    lower.st_gid == st->st_gid;

	auto_close int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || depth >= DEPTH_MAX)
		return error_set(err, fd < 0 ? errno : ENAMETOOLONG, "open %s", w->path);
	int r = same ? 0 : tell_level(w, &level);
	return r != 0 ? r : walk_folder(w, fd, &level, depth + 1, err);
}

static int walk_entry(struct walk *w, int dir_fd, const char *name, struct level *level, int depth,
		      struct error *err)
{
	struct stat st;
	struct stat lower;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return tell(w, level, CHANGE_DELETED); /* hidden by an opaque folder */
	if (strv_contains(w->skip, w->path + 1))
		return 0;
	if (S_ISDIR(st.st_mode))
		return walk_below(w, dir_fd, name, level, &st, depth, err);
	bool there = look_in_image(w, &lower);
	if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0))
		return there ? tell(w, level, CHANGE_DELETED) : 0;
	return tell(w, level, there ? CHANGE_MODIFIED : CHANGE_ADDED);
}

static int walk_folder(struct walk *w, int dir_fd, struct level *level, int depth,
		       struct error *err)
{
	auto_strv names = {};
	size_t len = level->path_len;
	size_t room = w->names_room;

	int r = list_folder(w, dir_fd, is_opaque(dir_fd), &names, err);
	if (r == -ENOENT) /* removed meanwhile */
		r = 0;
	for (size_t i = 0; i < names.count && r == 0; i++) {
		if (i > 0 && strcmp(names.items[i], names.items[i - 1]) == 0)
			continue;
		if (len + 2 + strlen(names.items[i]) > sizeof(w->path))
			return error_set(err, ENAMETOOLONG, "look below %s", w->path);
		(void)snprintf(w->path + len, sizeof(w->path) - len, "/%s", names.items[i]);
		r = walk_entry(w, dir_fd, names.items[i], level, depth, err);
		w->path[len] = '\0';
	}
	w->names_room = room;
	return r;
}

int files_changes(int upper_fd, int image_fd, change_visit_fn visit, void *arg, struct error *err)
{
	auto_strv skip = {};
	struct level root = { .told = true };
	auto_free struct walk *w = xnew(struct walk);

	find_placeholders(upper_fd, &skip);
	w->image_fd = image_fd;
	w->skip = &skip;
	w->visit = visit;
	w->arg = arg;
	w->names_room = NAMES_MAX;
	return walk_folder(w, upper_fd, &root, 0, err);
}

/* ---- A layer -------------------------------------------------------------------------------- */

static int write_changes(const struct files_root *upper, struct tar_writer *w, struct error *err)
{
	auto_strv skip = {};
	const struct tar_tree_options options = {
		.id_shift = upper->id_base,
		.id_count = upper->id_count,
		.convert_whiteouts = true,
		.skip = &skip,
	};

	if (upper->fd < 0) /* it never ran */
		return 0;
	find_placeholders(upper->fd, &skip);
	return tar_write_tree(w, upper->fd, &options, err);
}

int files_write_layer(const struct files_root *upper, tar_sink_fn sink, void *context,
		      struct error *err)
{
	auto_tar_buffer buffer = {};
	struct tar_writer w = { .sink = tar_buffer_take, .context = &buffer };

	tar_buffer_init(&buffer, sink, context);
	int result = write_changes(upper, &w, err);
	if (result == 0)
		result = tar_write_end(&w, err);
	return result < 0 ? result : tar_buffer_flush(&buffer, err);
}

/* ---- Size ----------------------------------------------------------------------------------- */

static void add_sizes(int dir_fd, int depth, size_t names_room, int64_t *sum)
{
	auto_strv names = {};

	/* what can not be listed counts as far as it could be */
	(void)!path_list(dir_fd, &names_room, &names, NULL);
	for (size_t i = 0; i < names.count; i++) {
		struct stat st;
		if (fstatat(dir_fd, names.items[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISREG(st.st_mode))
			*sum += st.st_size;
		if (!S_ISDIR(st.st_mode) || depth >= DEPTH_MAX)
			continue;
		auto_close int fd = openat(dir_fd, names.items[i],
					   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0)
			add_sizes(fd, depth + 1, names_room, sum);
	}
}

int64_t files_size(int upper_fd)
{
	int64_t sum = 0;

	add_sizes(upper_fd, 0, NAMES_MAX, &sum);
	return sum;
}
