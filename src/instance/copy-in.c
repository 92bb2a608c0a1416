/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "container/plan/plan.h"
#include "container/user-lookup.h"
#include "instance/copy-path.h"
#include "instance/files-internal.h"
#include "instance/files.h"
#include "instance/isolation-plan.h"
#include "oci/image-config.h"
#include "store/tar/unpack.h"
#include "sys/rootfs.h"

struct copy_in {
	struct record *r;
	bool locked; /* holds @r's verbs: nothing starts it meanwhile */
	struct root_view view;
	struct tar_unpack *unpack;
};

void copy_in_free(struct copy_in *in)
{
	if (!in)
		return;
	tar_unpack_free(in->unpack);
	root_view_done(&in->view);
	if (in->locked) {
		struct record *held = in->r;
		record_unlock_p(&held);
	}
	record_unref(in->r);
	free(in);
}

/* The folder as it is without links, so that what comes can not be led elsewhere by them later. */
static int find_folder(const struct root_view *view, const char *ref, const char *path,
		       char ret[ROOTFS_PATH_MAX], struct error *err)
{
	struct copy_path parts;
	struct stat st;

	int result = copy_path_split(path, &parts, err);
	if (result < 0)
		return result;
	auto_close int fd = rootfs_open(view->fd, parts.path, O_PATH, err);
	if (fd == -ENOENT)
		return error_say(err, ENOENT, "Could not find the file %s in container %s", path,
				 ref);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
		return error_say(err, EINVAL, "extraction point is not a directory");
	return rootfs_real_path(view->fd, parts.path, ret, err);
}

/* The user that the instance runs as becomes every entry's owner, where one is set. */
static int find_owner(struct manager *m, struct record *r, const struct root_view *view,
		      struct tar_unpack_options *o, struct error *err)
{
	struct plan_user user = { .user = r->request.user };
	struct credentials credentials = {};

	if (!user.user && isolation_load_image(m, r, NULL) == 0)
		user.user = r->image->settings.user;
	if (!user.user || !*user.user)
		return 0;
	int result = user_resolve_in(view->fd, &user, &credentials, err);
	if (result < 0)
		return error_prefix(err, "find the instance's user");
	o->own = true;
	o->uid = credentials.uid;
	o->gid = credentials.gid;
	return 0;
}

static int begin(struct manager *m, struct copy_in *in, const char *path,
		 const struct copy_in_options *options, struct error *err)
{
	char folder[ROOTFS_PATH_MAX];
	struct record *r = in->r;

	int result = files_open(m, r, VERB_COPY, ROOT_WRITE, &in->view, err);
	if (result == 0 && !in->view.running)
		result = copy_path_check_mounts(r, path, err);
	if (result == 0 && !in->view.running && r->request.read_only_root)
		result = error_say(err, EACCES, "container rootfs is marked read-only");
	if (result == 0)
		result = find_folder(&in->view, r->name, path, folder, err);
	if (result < 0)
		return result;
	struct tar_unpack_options unpack = {
		.root_fd = in->view.fd,
		.path = folder,
		.id_base = in->view.id_base,
		.id_count = in->view.id_count,
		.keep_kinds = options->keep_kinds,
	};
	if (options->own_user)
		result = find_owner(m, r, &in->view, &unpack, err);
	if (result == 0)
		in->unpack = tar_unpack_new(&unpack);
	return result;
}

int manager_copy_in(struct manager *m, const char *ref, const char *path,
		    const struct copy_in_options *options, struct copy_in **ret, struct error *err)
{
	auto_copy_in *in = xnew(struct copy_in);

	in->view.fd = -1;
	int result = roster_find(&m->roster, ref, &in->r, err);
	if (result < 0)
		return result;
	(void)record_lock(in->r);
	in->locked = true;
	result = begin(m, in, path, options, err);
	if (result < 0)
		return result;
	manager_tell(m, in->r, "extract-to-dir", 0, 0, NULL);
	/* A running instance may be stopped and removed while a client takes its time. */
	if (in->view.running) {
		struct record *held = in->r;
		record_unlock_p(&held);
		in->locked = false;
	}
	*ret = take_ptr(in);
	return 0;
}

int copy_in_write(struct copy_in *in, const void *data, size_t len, struct error *err)
{
	return tar_unpack_write(in->unpack, data, len, err);
}

int copy_in_finish(struct copy_in *in, struct error *err)
{
	return tar_unpack_finish(in->unpack, err);
}
