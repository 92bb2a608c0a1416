/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "instance/copy-path.h"
#include "instance/files.h"
#include "instance/files-internal.h"
#include "store/tar/buffer.h"
#include "sys/rootfs.h"

struct copy_out {
	struct root_view view;
	int fd;     /* what is written, by an O_PATH descriptor; the view's root for an export */
	char *name; /* of the object in the tar; NULL for an export */
};

void copy_out_free(struct copy_out *out)
{
	if (!out)
		return;
	close_p(&out->fd);
	root_view_done(&out->view);
	free(out->name);
	free(out);
}

void path_stat_done(struct path_stat *stat)
{
	free(stat->name);
	free(stat->link);
	*stat = (struct path_stat){};
}

int files_open(struct manager *m, struct record *r, enum instance_verb verb, enum root_use use,
	       struct root_view *ret, struct error *err)
{
	const struct isolation *isolation = isolation_of(r);
	int result = verb_check(m, r, verb, err);

	if (result < 0)
		return result;
	if (!isolation->open_root)
		return isolation_refuse(isolation, verb, err);
	return isolation->open_root(m, r, use, ret, err);
}

/* ---- Export --------------------------------------------------------------------------------- */

int manager_export(struct manager *m, const char *ref, struct copy_out **ret, struct error *err)
{
	auto_copy_out *out = xnew(struct copy_out);
	auto_record *r = NULL;

	out->fd = out->view.fd = -1;
	int result = roster_find(&m->roster, ref, &r, err);
	if (result < 0)
		return result;
	auto_verbs struct record *held = record_lock(r);
	result = files_open(m, r, VERB_EXPORT, ROOT_BARE, &out->view, err);
	if (result < 0)
		return result;
	out->fd = take_fd(out->view.fd);
	manager_tell(m, r, "export", 0, 0, NULL);
	*ret = take_ptr(out);
	return 0;
}

/* ---- One object ----------------------------------------------------------------------------- */

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

/* The object that a caller's path means, by an O_PATH descriptor. */
static int find(const struct root_view *view, const char *ref, const char *path,
		struct path_stat *ret, struct error *err)
{
	struct copy_path parts;
	struct stat st;

	int result = copy_path_split(path, &parts, err);
	if (result < 0)
		return result;
	auto_close int fd = rootfs_open(view->fd, parts.path,
					O_PATH | (parts.folder ? O_DIRECTORY : O_NOFOLLOW), err);
	if (fd == -ENOENT)
		return error_say(err, ENOENT, "Could not find the file %s in container %s", path,
				 ref);
	if (fd == -ENOTDIR && parts.folder)
		return error_say(err, EINVAL, "%s in container %s is not a directory", path, ref);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return error_set(err, errno, "look at %s", path);
	*ret = (struct path_stat){
		.name = xstrdup(parts.name),
		.link = xstrdup(""),
		.size = (uint64_t)st.st_size,
		.mode = st.st_mode,
		.mtime_ns = st.st_mtim.tv_sec * NSEC_PER_SEC + st.st_mtim.tv_nsec,
	};
	if (S_ISLNK(st.st_mode))
		result = read_link(view->fd, parts.path, ret, err);
	return result < 0 ? result : take_fd(fd);
}

static int open_object(struct manager *m, const char *ref, const char *path, const char *action,
		       struct root_view *view, struct path_stat *stat, struct error *err)
{
	auto_record *r = NULL;
	int result = roster_find(&m->roster, ref, &r, err);
	if (result < 0)
		return result;
	auto_verbs struct record *held = record_lock(r);
	result = files_open(m, r, VERB_COPY, ROOT_READ, view, err);
	if (result == 0 && !view->running)
		result = copy_path_check_mounts(r, path, err);
	if (result == 0)
		result = find(view, r->name, path, stat, err);
	if (result >= 0 && action)
		manager_tell(m, r, action, 0, 0, NULL);
	return result;
}

int manager_path_stat(struct manager *m, const char *ref, const char *path, struct path_stat *ret,
		      struct error *err)
{
	auto_root_view view = ROOT_VIEW_NONE;
	auto_path_stat stat = {};
	auto_close int fd = open_object(m, ref, path, NULL, &view, &stat, err);

	if (fd < 0)
		return fd;
	*ret = take_struct(stat);
	return 0;
}

int manager_copy_out(struct manager *m, const char *ref, const char *path,
		     struct path_stat *ret_stat, struct copy_out **ret, struct error *err)
{
	auto_copy_out *out = xnew(struct copy_out);
	auto_path_stat stat = {};

	out->view.fd = -1;
	out->fd = open_object(m, ref, path, "archive-path", &out->view, &stat, err);
	if (out->fd < 0)
		return out->fd;
	out->name = copy_path_archive_name(path);
	*ret_stat = take_struct(stat);
	*ret = take_ptr(out);
	return 0;
}

int copy_out_write(struct copy_out *out, tar_sink_fn sink, void *context, struct error *err)
{
	struct tar_tree_options options = root_view_tar_options(&out->view);
	auto_tar_buffer buffer = {};
	struct tar_writer w = { .sink = tar_buffer_take, .context = &buffer };

	tar_buffer_init(&buffer, sink, context);
	options.cross_mounts = out->name != NULL;
	int result = tar_write_object(&w, out->fd, out->name, &options, err);
	if (result == 0)
		result = tar_write_end(&w, err);
	return result < 0 ? result : tar_buffer_flush(&buffer, err);
}
