/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "container/config/default-config.h"
#include "files/copy-path.h"
#include "instance/files-internal.h"
#include "instance/manager-internal.h"
#include "instance/root-view.h"
#include "store/tar/unpack.h"

/* The engine sees a container's files and does the work by itself. */

static struct files_root root_of(const struct root_view *view)
{
	return (struct files_root){
		.fd = view->fd,
		.id_base = view->id_base,
		.id_count = view->id_count,
	};
}

/* The object at a path with the view that it was found in. */
static int open_object(struct manager *m, struct record *r, const char *path,
		       struct root_view *view, struct path_stat *stat, struct error *err)
{
	int result = container_root_open(m, r, ROOT_READ, view, err);

	if (result == 0 && !view->running)
		result = files_check_stopped(r, path, false, err);
	if (result < 0)
		return result;
	const struct files_root root = root_of(view);
	return files_find(&root, r->name, path, stat, err);
}

static int container_stat(struct manager *m, struct record *r, const char *path,
			  struct path_stat *ret, struct error *err)
{
	auto_root_view view = ROOT_VIEW_NONE;
	auto_close int fd = open_object(m, r, path, &view, ret, err);

	return fd < 0 ? fd : 0;
}

/* ---- Out ------------------------------------------------------------------------------------- */

struct container_out {
	struct copy_out base;
	struct root_view view;
	int fd;     /* what is written; -1: the view's root, whole */
	char *name; /* of the object in the tar */
};

static void out_free(struct copy_out *base)
{
	struct container_out *out = (struct container_out *)base;

	close_p(&out->fd);
	root_view_done(&out->view);
	free(out->name);
	free(out);
}

static int out_write(struct copy_out *base, tar_sink_fn sink, void *context, struct error *err)
{
	struct container_out *out = (struct container_out *)base;
	const struct files_root root = root_of(&out->view);

	return files_write(&root, out->fd < 0 ? out->view.fd : out->fd, out->name, sink, context,
			   err);
}

static int container_copy_out(struct manager *m, struct record *r, const char *path,
			      struct path_stat *stat, struct copy_out **ret, struct error *err)
{
	static const struct copy_out_ops ops = { .write = out_write, .free = out_free };
	struct container_out *out = xnew(struct container_out);

	out->base.ops = &ops;
	out->fd = out->view.fd = -1;
	int result = path ? (out->fd = open_object(m, r, path, &out->view, stat, err))
			  : container_root_open(m, r, ROOT_BARE, &out->view, err);
	if (result < 0) {
		out_free(&out->base);
		return result;
	}
	out->name = path ? copy_path_archive_name(path) : NULL;
	*ret = &out->base;
	return 0;
}

/* ---- In -------------------------------------------------------------------------------------- */

struct container_in {
	struct copy_in base;
	struct root_view view;
	struct tar_unpack *unpack;
};

static void in_free(struct copy_in *base)
{
	struct container_in *in = (struct container_in *)base;

	tar_unpack_free(in->unpack);
	root_view_done(&in->view);
	free(in);
}

static int in_write(struct copy_in *base, const void *data, size_t len, struct error *err)
{
	return tar_unpack_write(((struct container_in *)base)->unpack, data, len, err);
}

static int in_finish(struct copy_in *base, struct error *err)
{
	return tar_unpack_finish(((struct container_in *)base)->unpack, err);
}

static int begin_in(struct manager *m, struct record *r, const struct files_unpack *options,
		    struct container_in *in, struct error *err)
{
	int result = container_root_open(m, r, ROOT_WRITE, &in->view, err);

	in->base.exclusive = result == 0 && !in->view.running;
	if (in->base.exclusive)
		result = files_check_stopped(r, options->path, true, err);
	if (result < 0)
		return result;
	const struct files_root root = root_of(&in->view);
	return files_unpack(&root, r->name, options, &in->unpack, err);
}

static int container_copy_in(struct manager *m, struct record *r,
			     const struct files_unpack *options, struct copy_in **ret,
			     struct error *err)
{
	static const struct copy_in_ops ops = {
		.write = in_write,
		.finish = in_finish,
		.free = in_free,
	};
	struct container_in *in = xnew(struct container_in);

	in->base.ops = &ops;
	in->view.fd = -1;
	int result = begin_in(m, r, options, in, err);
	if (result < 0) {
		in_free(&in->base);
		return result;
	}
	*ret = &in->base;
	return 0;
}

/* ---- What changed ---------------------------------------------------------------------------- */

static int container_changes(struct manager *m, struct record *r, change_visit_fn visit, void *arg,
			     struct error *err)
{
	auto_root_view image = ROOT_VIEW_NONE;
	auto_close int upper = container_upper_open(m, r, err);

	if (upper == -ENOENT)
		return 0; /* it never ran */
	int result = upper < 0 ? upper : container_image_open(m, r, &image, err);
	return result < 0 ? result : files_changes(upper, image.fd, visit, arg, err);
}

static int container_write_layer(struct manager *m, struct record *r, bool pause, tar_sink_fn sink,
				 void *context, struct error *err)
{
	auto_keeper *k = pause && r->state == STATE_RUNNING ? record_keeper(m, r) : NULL;
	auto_close int upper_fd = container_upper_open(m, r, err);

	if (upper_fd < 0 && upper_fd != -ENOENT)
		return upper_fd;
	if (k && keeper_pause(k, err) < 0)
		return error_prefix(err, "pause it");
	const struct files_root upper = {
		.fd = upper_fd,
		.id_base = record_id_base(r),
		.id_count = record_id_base(r) ? CONTAINER_ID_COUNT : 0,
	};
	int result = files_write_layer(&upper, sink, context, err);
	/* One that was killed meanwhile needs no more. */
	if (k)
		(void)!keeper_resume(k, NULL);
	return result;
}

static int64_t container_size(struct manager *m, struct record *r)
{
	auto_close int upper = container_upper_open(m, r, NULL);

	return upper < 0 ? 0 : files_size(upper);
}

const struct isolation_files container_files = {
	.stat = container_stat,
	.copy_out = container_copy_out,
	.copy_in = container_copy_in,
	.changes = container_changes,
	.write_layer = container_write_layer,
	.size = container_size,
};
