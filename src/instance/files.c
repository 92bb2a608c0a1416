/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/files.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "container/request/mounts.h"
#include "files/copy-path.h"
#include "instance/files-internal.h"
#include "instance/isolation-plan.h"
#include "instance/manager-internal.h"
#include "oci/image-config.h"
#include "store/layer/inflate.h"

/* ---- Mounts of an instance that does not run ------------------------------------------------- */

static bool is_below(const char *path, const char *target)
{
	size_t len = strlen(target);

	return strncmp(path, target, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

int files_check_stopped(const struct record *r, const char *path, bool write, struct error *err)
{
	auto_container_mounts mounts = {};
	struct copy_path parts;

	int result = copy_path_split(path, &parts, err);
	if (result == 0)
		result = container_mounts_collect(&r->request, NULL, &mounts, err);
	for (size_t i = 0; i < mounts.count && result == 0; i++) {
		const char *target = mounts.items[i].target;
		if (mounts.items[i].type != CONTAINER_MOUNT_TMPFS && is_below(parts.path, target))
			result = error_say(err, EBUSY,
					   "%s lies in the mount at %s, which is there only while "
					   "the container runs",
					   path, target);
	}
	if (result == 0 && write && r->request.read_only_root)
		result = error_say(err, EACCES, "container rootfs is marked read-only");
	return result;
}

/* ---- Finding an instance --------------------------------------------------------------------- */

/* The record with its @verbs held, where it may be used for @verb. */
static int hold(struct manager *m, const char *ref, enum instance_verb verb, struct record **ret,
		struct error *err)
{
	auto_record *r = NULL;
	int result = roster_find(&m->roster, ref, &r, err);

	if (result < 0)
		return result;
	(void)record_lock(r);
	result = verb_check(m, r, verb, err);
	if (result < 0) {
		struct record *held = r;
		record_unlock_p(&held);
		return result;
	}
	*ret = take_ptr(r);
	return 0;
}

/* Takes NULL. */
static void let_go(struct record **r)
{
	struct record *held = *r;

	if (!held)
		return;
	record_unlock_p(&held);
	record_unref(*r);
	*r = NULL;
}

#define auto_hold auto_(let_go) struct record

/* ---- Out ------------------------------------------------------------------------------------- */

void copy_out_free(struct copy_out *out)
{
	struct record *r = out ? out->r : NULL;

	if (out)
		out->ops->free(out);
	let_go(&r);
}

int copy_out_write(struct copy_out *out, tar_sink_fn sink, void *context, struct error *err)
{
	return out->ops->write(out, sink, context, err);
}

static int open_out(struct manager *m, const char *ref, enum instance_verb verb, const char *path,
		    struct path_stat *stat, struct copy_out **ret, struct error *err)
{
	auto_hold *r = NULL;
	struct copy_out *out = NULL;

	int result = hold(m, ref, verb, &r, err);
	if (result == 0)
		result = isolation_of(r)->files->copy_out(m, r, path, stat, &out, err);
	if (result < 0)
		return result;
	manager_tell(m, r, path ? "archive-path" : "export", 0, 0, NULL);
	if (out->exclusive)
		out->r = take_ptr(r);
	*ret = out;
	return 0;
}

int manager_export(struct manager *m, const char *ref, struct copy_out **ret, struct error *err)
{
	auto_path_stat stat = {};

	return open_out(m, ref, VERB_EXPORT, NULL, &stat, ret, err);
}

int manager_copy_out(struct manager *m, const char *ref, const char *path, struct path_stat *stat,
		     struct copy_out **ret, struct error *err)
{
	return open_out(m, ref, VERB_COPY, path, stat, ret, err);
}

int manager_path_stat(struct manager *m, const char *ref, const char *path, struct path_stat *ret,
		      struct error *err)
{
	auto_hold *r = NULL;

	int result = hold(m, ref, VERB_COPY, &r, err);
	return result < 0 ? result : isolation_of(r)->files->stat(m, r, path, ret, err);
}

/* ---- In -------------------------------------------------------------------------------------- */

void copy_in_free(struct copy_in *in)
{
	struct record *r = in ? in->r : NULL;

	if (in) {
		inflate_free(in->inflate);
		in->ops->free(in);
	}
	let_go(&r);
}

static int take_plain(void *context, const uint8_t *data, size_t len, struct error *err)
{
	struct copy_in *in = context;

	return in->ops->write(in, data, len, err);
}

int manager_copy_in(struct manager *m, const char *ref, const char *path,
		    const struct copy_in_options *options, struct copy_in **ret, struct error *err)
{
	auto_hold *r = NULL;
	struct copy_in *in = NULL;
	struct files_unpack unpack = { .path = path, .keep_kinds = options->keep_kinds };

	int result = hold(m, ref, VERB_COPY, &r, err);
	if (result < 0)
		return result;
	if (options->own_user) {
		unpack.user = r->request.user;
		if (!unpack.user && isolation_load_image(m, r, NULL) == 0)
			unpack.user = r->image->settings.user;
	}
	result = isolation_of(r)->files->copy_in(m, r, &unpack, &in, err);
	if (result < 0)
		return result;
	manager_tell(m, r, "extract-to-dir", 0, 0, NULL);
	in->inflate = inflate_new(take_plain, in);
	/* A running instance may be stopped and removed while a client takes its time. */
	if (in->exclusive)
		in->r = take_ptr(r);
	*ret = in;
	return 0;
}

int copy_in_write(struct copy_in *in, const void *data, size_t len, struct error *err)
{
	return inflate_write(in->inflate, data, len, err);
}

int copy_in_finish(struct copy_in *in, struct error *err)
{
	int result = inflate_finish(in->inflate, err);

	return result < 0 ? result : in->ops->finish(in, err);
}

/* ---- What changed ---------------------------------------------------------------------------- */

int manager_changes(struct manager *m, const char *ref, change_visit_fn visit, void *arg,
		    struct error *err)
{
	auto_hold *r = NULL;

	int result = hold(m, ref, VERB_DIFF, &r, err);
	return result < 0 ? result : isolation_of(r)->files->changes(m, r, visit, arg, err);
}

int manager_disk_usage(struct manager *m, const char *ref, int64_t *ret, struct error *err)
{
	auto_record *r = NULL;
	int result = roster_find(&m->roster, ref, &r, err);

	if (result < 0)
		return result;
	*ret = isolation_of(r)->files->size(m, r);
	return 0;
}
