/* SPDX-License-Identifier: Apache-2.0 */
#include "store/layer/folder-write.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/macros.h"

struct folder {
	int staging_fd;
	uint64_t extra; /* number of the next staged inode that is no file */
};

void staging_name(uint64_t number, char ret[STAGING_NAME])
{
	snprintf(ret, STAGING_NAME, "%" PRIu64, number);
}

static bool is_refused_by_fs(int errnum)
{
	return errnum == ENOTSUP || errnum == EPERM || errnum == EINVAL;
}

/* The object is named by the descriptor of its folder and a component that is not followed. */
static int set_xattrs(int dir_fd, const char *name, const struct tree_inode *inode,
		      struct error *err)
{
	char path[64 + TAR_NAME_MAX];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir_fd, name);
	for (size_t i = 0; inode->xattrs && i < inode->xattrs->count; i++) {
		const struct tar_xattr *x = &inode->xattrs->items[i];
		if (lsetxattr(path, x->name, x->value, x->len, 0) < 0 && !is_refused_by_fs(errno))
			return error_set(err, errno, "set attribute '%s' of '%s'", x->name, name);
	}
	if (inode->opaque && lsetxattr(path, TREE_OPAQUE_NAME, "y", 1, 0) < 0)
		return error_set(err, errno, "mark '%s' as opaque", name);
	return 0;
}

/* Owner first: a change of owner drops set-id bits and capabilities. */
static int set_attributes(int dir_fd, const char *name, const struct tree_inode *inode,
			  struct error *err)
{
	const struct timespec times[] = {
		{ .tv_nsec = UTIME_OMIT },
		{ .tv_sec = inode->mtime_sec, .tv_nsec = inode->mtime_nsec },
	};

	if (fchownat(dir_fd, name, inode->uid, inode->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set(err, errno, "set owner of '%s'", name);
	if (inode->kind != TREE_SYMLINK && fchmodat(dir_fd, name, inode->mode, 0) < 0)
		return error_set(err, errno, "set mode of '%s'", name);
	int r = set_xattrs(dir_fd, name, inode, err);
	if (r < 0)
		return r;
	if (utimensat(dir_fd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set(err, errno, "set time of '%s'", name);
	return 0;
}

static int make_node(int dir_fd, const char *name, const struct tree_inode *inode,
		     struct error *err)
{
	bool device = inode->kind == TREE_CHAR || inode->kind == TREE_BLOCK;
	dev_t rdev = device ? makedev(inode->rdev.major, inode->rdev.minor) : 0;
	int r = 0;

	if (inode->kind == TREE_SYMLINK)
		r = symlinkat(inode->target, dir_fd, name);
	else
		r = mknodat(dir_fd, name, tree_mode(inode) & (S_IFMT | 0600), rdev);
	if (r < 0)
		return error_set(err, errno, "make '%s'", name);
	return set_attributes(dir_fd, name, inode, err);
}

/* What has several names is made in the staging folder at its first and linked for each. */
static int place_linked(struct folder *f, int dir_fd, const struct tree_dirent *d,
			struct error *err)
{
	struct tree_inode *inode = d->inode;
	char staged[STAGING_NAME];
	bool first = inode->nid == 0;
	int r = 0;

	if (first)
		inode->nid = inode->kind == TREE_FILE ? inode->data + 1 : f->extra++ + 1;
	staging_name(inode->nid - 1, staged);
	if (first && inode->kind == TREE_FILE)
		r = set_attributes(f->staging_fd, staged, inode, err);
	else if (first)
		r = make_node(f->staging_fd, staged, inode, err);
	if (r < 0)
		return r;
	if (linkat(f->staging_fd, staged, dir_fd, d->name, 0) < 0)
		return error_set(err, errno, "link '%s'", d->name);
	return 0;
}

static int place_file(struct folder *f, int dir_fd, const struct tree_dirent *d, struct error *err)
{
	char staged[STAGING_NAME];

	staging_name(d->inode->data, staged);
	if (renameat(f->staging_fd, staged, dir_fd, d->name) < 0)
		return error_set(err, errno, "place '%s'", d->name);
	return set_attributes(dir_fd, d->name, d->inode, err);
}

static int fill_dir(struct folder *f, int dir_fd, const struct tree_inode *dir, struct error *err);

static int place_dir(struct folder *f, int dir_fd, const struct tree_dirent *d, struct error *err)
{
	if (mkdirat(dir_fd, d->name, 0700) < 0)
		return error_set(err, errno, "make folder '%s'", d->name);
	auto_close int fd =
		openat(dir_fd, d->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, errno, "open folder '%s'", d->name);
	int r = fill_dir(f, fd, d->inode, err);
	return r < 0 ? r : set_attributes(dir_fd, d->name, d->inode, err);
}

/* Depth is bounded by TAR_DEPTH_MAX. */
static int fill_dir(struct folder *f, int dir_fd, const struct tree_inode *dir, struct error *err)
{
	auto_free struct tree_dirent **children = NULL;
	size_t count = tree_children(dir, &children);
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++) {
		const struct tree_dirent *d = children[i];
		if (d->inode->kind == TREE_DIR)
			r = place_dir(f, dir_fd, d, err);
		else if (d->inode->nlink > 1)
			r = place_linked(f, dir_fd, d, err);
		else if (d->inode->kind == TREE_FILE)
			r = place_file(f, dir_fd, d, err);
		else
			r = make_node(dir_fd, d->name, d->inode, err);
	}
	return r;
}

int folder_write(struct tree *tree, int staging_fd, int root_fd, struct error *err)
{
	/* Far above the numbers of files, of which there are as many as entries. */
	struct folder f = { .staging_fd = staging_fd, .extra = UINT64_C(1) << 40 };
	struct tree_inode *root = tree_root(tree);

	int r = fill_dir(&f, root_fd, root, err);
	return r < 0 ? r : set_attributes(root_fd, ".", root, err);
}
