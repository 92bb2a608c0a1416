/* SPDX-License-Identifier: Apache-2.0 */
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
#include "base/path.h"
#include "instance/files-internal.h"
#include "instance/files.h"
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
	struct root_view image;
	const struct strv *skip;
	int (*visit)(const char *path, enum change_kind kind, void *arg);
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

void files_placeholders(int upper_fd, struct strv *ret)
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
	auto_close int fd = rootfs_open(w->image.fd, w->path, O_PATH | O_NOFOLLOW, NULL);

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
		rootfs_open(w->image.fd, w->path, O_PATH | O_DIRECTORY | O_NOFOLLOW, NULL);
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

static int open_both(struct manager *m, struct record *r, struct root_view *image,
		     struct error *err)
{
	const struct isolation *isolation = isolation_of(r);
	int result = verb_check(m, r, VERB_DIFF, err);

	if (result < 0)
		return result;
	if (!isolation->open_upper || !isolation->open_image)
		return isolation_refuse(isolation, VERB_DIFF, err);
	auto_close int upper = isolation->open_upper(m, r, err);
	if (upper < 0)
		return upper;
	result = isolation->open_image(m, r, image, err);
	return result < 0 ? result : take_fd(upper);
}

int manager_changes(struct manager *m, const char *ref,
		    int (*visit)(const char *path, enum change_kind kind, void *arg), void *arg,
		    struct error *err)
{
	auto_record *r = NULL;
	auto_strv skip = {};
	struct level root = { .told = true };

	int result = roster_find(&m->roster, ref, &r, err);
	if (result < 0)
		return result;
	auto_free struct walk *w = xnew(struct walk);
	w->image.fd = -1;
	w->skip = &skip;
	w->visit = visit;
	w->arg = arg;
	w->names_room = NAMES_MAX;
	auto_close int upper = open_both(m, r, &w->image, err);
	if (upper == -ENOENT)
		return 0; /* it never ran */
	if (upper < 0)
		return upper;
	files_placeholders(upper, &skip);
	result = walk_folder(w, upper, &root, 0, err);
	root_view_done(&w->image);
	return result;
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

int manager_disk_usage(struct manager *m, const char *ref, int64_t *ret, struct error *err)
{
	auto_record *r = NULL;
	int64_t sum = 0;

	int result = roster_find(&m->roster, ref, &r, err);
	if (result < 0)
		return result;
	const struct isolation *isolation = isolation_of(r);
	auto_close int upper = isolation->open_upper ? isolation->open_upper(m, r, NULL) : -ENOENT;
	if (upper >= 0)
		add_sizes(upper, 0, NAMES_MAX, &sum);
	*ret = sum;
	return 0;
}
