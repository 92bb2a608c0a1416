/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "files/copy-path.h"
#include "instance/files-internal.h"
#include "instance/isolation-vm.h"
#include "instance/manager-internal.h"
#include "instance/vm-work.h"
#include "store/tar/relay.h"

/*
 * A machine's files are behind its own kernel: its guest does the work (vm-work.h). One that never ran
 * has nothing but its image, which the engine sees by itself.
 */

#define CHANGES_MAX (1u << 20)
#define BLOCK_BYTES 512

static bool never_ran(struct manager *m, const struct record *r)
{
	auto_free char *disk = xasprintf("%s/%s", r->id, VM_WRITABLE_NAME);

	return !state_has_keeper(r->state) &&
	       faccessat(m->state_fd, disk, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
}

static int check_stopped(const struct record *r, const char *path, bool write, struct error *err)
{
	return state_has_keeper(r->state) ? 0 : files_check_stopped(r, path, write, err);
}

static void fill_stat(const char *path, const struct guest_answer *head, struct path_stat *ret)
{
	struct copy_path parts;

	(void)!copy_path_split(path, &parts, NULL); /* the guest has found it */
	*ret = (struct path_stat){
		.name = xstrdup(parts.name),
		.link = xstrdup(head->link),
		.size = head->size,
		.mode = head->mode,
		.mtime_ns = head->mtime_ns,
	};
}

/* Begins work of which the guest tells what lies at the path. */
static int begin_at(struct manager *m, struct record *r, enum guest_work_kind kind,
		    const char *path, struct path_stat *ret_stat, struct vm_work **ret,
		    struct error *err)
{
	const struct guest_work work = { .kind = kind, .name = r->name, .path = path };
	auto_free struct guest_answer *head = xnew(struct guest_answer);
	struct copy_path parts;

	int result = copy_path_split(path, &parts, err);
	if (result == 0)
		result = check_stopped(r, path, false, err);
	if (result == 0)
		result = vm_work_begin(m, r, &work, NULL, head, ret, err);
	if (result == 0)
		fill_stat(path, head, ret_stat);
	return result;
}

static int vm_stat(struct manager *m, struct record *r, const char *path, struct path_stat *ret,
		   struct error *err)
{
	auto_vm_work *w = NULL;

	if (never_ran(m, r))
		return container_files.stat(m, r, path, ret, err);
	auto_path_stat stat = {};
	int result = begin_at(m, r, GUEST_WORK_STAT, path, &stat, &w, err);
	if (result == 0)
		result = vm_work_finish(w, err);
	if (result == 0)
		*ret = take_struct(stat);
	return result;
}

/* ---- Out ------------------------------------------------------------------------------------- */

struct vm_out {
	struct copy_out base;
	struct vm_work *work;
	char *name; /* of the topmost entry */
};

static void out_free(struct copy_out *base)
{
	struct vm_out *out = (struct vm_out *)base;

	vm_work_free(out->work);
	free(out->name);
	free(out);
}

static int out_write(struct copy_out *base, tar_sink_fn sink, void *context, struct error *err)
{
	struct vm_out *out = (struct vm_out *)base;
	auto_tar_relay *relay = tar_relay_new(out->name, sink, context);

	int r = vm_work_read(out->work, tar_relay_write, relay, err);
	return r < 0 ? r : tar_relay_finish(relay, err);
}

static int vm_copy_out(struct manager *m, struct record *r, const char *path,
		       struct path_stat *stat, struct copy_out **ret, struct error *err)
{
	static const struct copy_out_ops ops = { .write = out_write, .free = out_free };
	const struct guest_work whole = { .kind = GUEST_WORK_EXPORT, .name = r->name };
	auto_vm_work *w = NULL;

	if (never_ran(m, r))
		return container_files.copy_out(m, r, path, stat, ret, err);
	int result = path ? begin_at(m, r, GUEST_WORK_COPY_OUT, path, stat, &w, err)
			  : vm_work_begin(m, r, &whole, NULL, NULL, &w, err);
	if (result < 0)
		return result;
	struct vm_out *out = xnew(struct vm_out);
	out->base.ops = &ops;
	out->base.exclusive = vm_work_is_exclusive(w);
	out->work = take_ptr(w);
	out->name = path ? copy_path_archive_name(path) : NULL;
	*ret = &out->base;
	return 0;
}

/* ---- In -------------------------------------------------------------------------------------- */

struct vm_in {
	struct copy_in base;
	struct vm_work *work;
};

static void in_free(struct copy_in *base)
{
	struct vm_in *in = (struct vm_in *)base;

	vm_work_free(in->work);
	free(in);
}

static int in_write(struct copy_in *base, const void *data, size_t len, struct error *err)
{
	return vm_work_write(((struct vm_in *)base)->work, data, len, err);
}

static int in_finish(struct copy_in *base, struct error *err)
{
	return vm_work_finish(((struct vm_in *)base)->work, err);
}

static int vm_copy_in(struct manager *m, struct record *r, const struct files_unpack *options,
		      struct copy_in **ret, struct error *err)
{
	static const struct copy_in_ops ops = {
		.write = in_write,
		.finish = in_finish,
		.free = in_free,
	};
	const struct guest_work work = {
		.kind = GUEST_WORK_COPY_IN,
		.name = r->name,
		.path = options->path,
		.user = options->user,
		.keep_kinds = options->keep_kinds,
	};
	auto_vm_work *w = NULL;

	int result = check_stopped(r, options->path, true, err);
	if (result == 0)
		result = vm_work_begin(m, r, &work, NULL, NULL, &w, err);
	if (result < 0)
		return result;
	struct vm_in *in = xnew(struct vm_in);
	in->base.ops = &ops;
	in->base.exclusive = vm_work_is_exclusive(w);
	in->work = take_ptr(w);
	*ret = &in->base;
	return 0;
}

/* ---- What changed ---------------------------------------------------------------------------- */

struct change_reader {
	struct strbuf text;
	size_t count;
	change_visit_fn visit;
	void *arg;
};

static int take_changes(void *context, const void *data, size_t len, struct error *err)
{
	struct change_reader *reader = context;
	char path[GUEST_PATH_MAX];
	uint8_t kind;
	int r;

	strbuf_add(&reader->text, data, len);
	while ((r = guest_change_take(&reader->text, path, &kind, err)) > 0) {
		if (++reader->count > CHANGES_MAX)
			return error_say(err, EFBIG, "the guest tells of too many changes");
		r = reader->visit(path, (enum change_kind)kind, reader->arg);
		if (r != 0)
			return r;
	}
	return r;
}

static int vm_changes(struct manager *m, struct record *r, change_visit_fn visit, void *arg,
		      struct error *err)
{
	const struct guest_work work = { .kind = GUEST_WORK_CHANGES, .name = r->name };
	struct change_reader reader = { .visit = visit, .arg = arg };
	auto_vm_work *w = NULL;

	if (never_ran(m, r))
		return 0;
	strbuf_init(&reader.text, GUEST_PATH_MAX + (128u << 10));
	int result = vm_work_begin(m, r, &work, NULL, NULL, &w, err);
	if (result == 0)
		result = vm_work_read(w, take_changes, &reader, err);
	if (result == 0 && reader.text.len > 0)
		result = error_say(err, EBADMSG, "the guest's list is cut short");
	strbuf_done(&reader.text);
	return result;
}

static int vm_write_layer(struct manager *m, struct record *r, bool pause, tar_sink_fn sink,
			  void *context, struct error *err)
{
	const struct guest_work work = {
		.kind = GUEST_WORK_LAYER,
		.name = r->name,
		.freeze = pause,
	};
	auto_vm_work *w = NULL;

	if (never_ran(m, r))
		return container_files.write_layer(m, r, false, sink, context, err);
	int result = vm_work_begin(m, r, &work, NULL, NULL, &w, err);
	return result < 0 ? result : vm_work_read(w, sink, context, err);
}

/* What the disk takes on the host, the file system's own records included. */
static int64_t vm_size(struct manager *m, struct record *r)
{
	auto_free char *disk = xasprintf("%s/%s", r->id, VM_WRITABLE_NAME);
	struct stat st;

	if (fstatat(m->state_fd, disk, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return (int64_t)st.st_blocks * BLOCK_BYTES;
}

const struct isolation_files vm_files = {
	.stat = vm_stat,
	.copy_out = vm_copy_out,
	.copy_in = vm_copy_in,
	.changes = vm_changes,
	.write_layer = vm_write_layer,
	.size = vm_size,
};
