/* SPDX-License-Identifier: Apache-2.0 */
#include "files/objects.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "container/plan/plan.h"
#include "container/user-lookup.h"
#include "files/copy-path.h"
#include "store/tar/buffer.h"
#include "store/tar/unpack.h"
#include "sys/rootfs.h"

void path_stat_done(struct path_stat *stat)
{
	free(stat->name);
	free(stat->link);
	*stat = (struct path_stat){};
}

static int not_found(const char *path, const char *name, struct error *err)
{
	return error_say(err, ENOENT, "Could not find the file %s in container %s", path, name);
}

static int read_link(int root_fd, const char *path, struct path_stat *ret, struct error *err)
{
	char real[ROOTFS_PATH_MAX];
	int result = rootfs_real_path(root_fd, path, real, err);

	if (result == 0) {
		free(ret->link);
		ret->link = xstrdup(real);
	}
	return result;
}

int files_find(const struct files_root *root, const char *name, const char *path,
	       struct path_stat *ret, struct error *err)
{
	struct copy_path parts;
	struct stat st;

	int result = copy_path_split(path, &parts, err);
	if (result < 0)
		return result;
	auto_close int fd = rootfs_open(root->fd, parts.path,
					O_PATH | (parts.folder ? O_DIRECTORY : O_NOFOLLOW), err);
	if (fd == -ENOENT)
		return not_found(path, name, err);
	if (fd == -ENOTDIR && parts.folder)
		return error_say(err, EINVAL, "%s in container %s is not a directory", path, name);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return error_set(err, errno, "look at %s", path);
	auto_path_stat stat = {
		.name = xstrdup(parts.name),
		.link = xstrdup(""),
		.size = (uint64_t)st.st_size,
		.mode = st.st_mode,
		.mtime_ns = st.st_mtim.tv_sec * NSEC_PER_SEC + st.st_mtim.tv_nsec,
	};
	if (S_ISLNK(st.st_mode))
		result = read_link(root->fd, parts.path, &stat, err);
	if (result < 0)
		return result;
	*ret = take_struct(stat);
	return take_fd(fd);
}

int files_write(const struct files_root *root, int fd, const char *name, tar_sink_fn sink,
		void *context, struct error *err)
{
	const struct tar_tree_options options = {
		.id_shift = root->id_base,
		.id_count = root->id_count,
		.cross_mounts = name != NULL,
	};
	auto_tar_buffer buffer = {};
	struct tar_writer w = { .sink = tar_buffer_take, .context = &buffer };

	tar_buffer_init(&buffer, sink, context);
	int result = tar_write_object(&w, fd, name, &options, err);
	if (result == 0)
		result = tar_write_end(&w, err);
	return result < 0 ? result : tar_buffer_flush(&buffer, err);
}

/* ---- Unpacking ------------------------------------------------------------------------------ */

/* The folder as it is without links, so that what comes can not be led elsewhere by them later. */
static int find_folder(const struct files_root *root, const char *name, const char *path,
		       char ret[ROOTFS_PATH_MAX], struct error *err)
{
	struct copy_path parts;
	struct stat st;

	int result = copy_path_split(path, &parts, err);
	if (result < 0)
		return result;
	auto_close int fd = rootfs_open(root->fd, parts.path, O_PATH, err);
	if (fd == -ENOENT)
		return not_found(path, name, err);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
		return error_say(err, EINVAL, "extraction point is not a directory");
	return rootfs_real_path(root->fd, parts.path, ret, err);
}

static int find_owner(const struct files_root *root, const char *name, struct tar_unpack_options *o,
		      struct error *err)
{
	const struct plan_user user = { .user = name };
	struct credentials credentials = {};

	int result = user_resolve_in(root->fd, &user, &credentials, err);
	if (result < 0)
		return error_prefix(err, "find the instance's user");
	o->own = true;
	o->uid = credentials.uid;
	o->gid = credentials.gid;
	return 0;
}

int files_unpack(const struct files_root *root, const char *name,
		 const struct files_unpack *options, struct tar_unpack **ret, struct error *err)
{
	char folder[ROOTFS_PATH_MAX];

	int result = find_folder(root, name, options->path, folder, err);
	if (result < 0)
		return result;
	struct tar_unpack_options unpack = {
		.root_fd = root->fd,
		.path = folder,
		.id_base = root->id_base,
		.id_count = root->id_count,
		.keep_kinds = options->keep_kinds,
	};
	if (options->user && *options->user)
		result = find_owner(root, options->user, &unpack, err);
	if (result == 0)
		*ret = tar_unpack_new(&unpack);
	return result;
}
