/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "sys/process-table.h"
#include "files/changes.h"
#include "files/copy-path.h"
#include "files/objects.h"
#include "store/tar/unpack.h"
#include "sys/clone.h"
#include "sys/mount-namespace.h"
#include "sys/mounts.h"
#include "sys/overlay.h"
#include "vm/guest-work.h"

#define READ_MAX (64u << 10)
#define TEXT_MAX (1u << 20)

/* In the child: what it works on. */
struct job {
	struct guest_work work;
	const struct plan *plan;
	const struct root_disks *disks;
	struct container *container;
	struct guest_answer head;
	bool begun; /* the HEAD was sent */
};

/* ---- Answers --------------------------------------------------------------------------------- */

static int answer(const struct guest_answer *a)
{
	auto_strbuf out = STRBUF_INIT(GUEST_ANSWER_MAX + GUEST_RECORD_HEADER);

	guest_answer_encode(a, &out);
	return write_full(STDOUT_FILENO, out.data, out.len);
}

/* The work goes on: the host may answer its client. */
static int begin(struct job *j, struct error *err)
{
	j->head.part = GUEST_ANSWER_HEAD;
	j->begun = true;
	int r = answer(&j->head);
	return r < 0 ? error_set(err, r, "answer the host") : 0;
}

static int to_host(void *context, const void *data, size_t len, struct error *err)
{
	const char *at = data;
	int r = 0;

	(void)context;
	while (len > 0 && r == 0) {
		uint8_t header[GUEST_RECORD_HEADER];
		size_t piece = len < GUEST_DATA_MAX ? len : GUEST_DATA_MAX;
		guest_data_header(piece, header);
		r = write_full(STDOUT_FILENO, header, sizeof(header));
		if (r == 0)
			r = write_full(STDOUT_FILENO, at, piece);
		at += piece;
		len -= piece;
	}
	return r < 0 ? error_set(err, r, "write to the host") : 0;
}

/* ---- The files ------------------------------------------------------------------------------- */

static int writable_fd(const struct job *j)
{
	return j->disks->fds[j->disks->count - 1];
}

static int open_upper(const struct job *j, struct error *err)
{
	int fd = openat(writable_fd(j), "upper", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? error_set(err, errno, "open the writable layer") : fd;
}

static int open_image(const struct job *j, struct error *err)
{
	const struct overlay overlay = {
		.layers = j->disks->fds,
		.layer_count = j->disks->count - 1,
		.upper_fd = -1,
		.work_fd = -1,
		.attrs = MOUNT_ATTR_RDONLY,
	};

	if (overlay.layer_count == 1) { /* an overlay wants two */
		int fd = fcntl(j->disks->fds[0], F_DUPFD_CLOEXEC, 3);
		return fd < 0 ? error_set(err, errno, "take the only layer") : fd;
	}
	return overlay_mount(&overlay, err);
}

static int open_part(const struct job *j, const char *name, mode_t mode, struct error *err)
{
	if (mkdirat(writable_fd(j), name, mode) < 0 && errno != EEXIST)
		return error_set(err, errno, "make %s of the writable layer", name);
	int fd = openat(writable_fd(j), name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? error_set(err, errno, "open %s of the writable layer", name) : fd;
}

/* The root as it would be at the instance's next start. */
static int open_stopped(const struct job *j, struct error *err)
{
	auto_close int upper = open_part(j, "upper", 0755, err);
	auto_close int work = upper < 0 ? upper : open_part(j, "work", 0700, err);

	if (work < 0)
		return work;
	const struct overlay overlay = {
		.layers = j->disks->fds,
		.layer_count = j->disks->count - 1,
		.upper_fd = upper,
		.work_fd = work,
	};
	return overlay_mount(&overlay, err);
}

static int open_root(const struct job *j, bool bare, struct files_root *ret, struct error *err)
{
	*ret = (struct files_root){
		.fd = j->container ? mount_namespace_root(container_pidfd(j->container), bare, err)
				   : open_stopped(j, err),
	};
	return ret->fd < 0 ? ret->fd : 0;
}

/* ---- Kinds of work --------------------------------------------------------------------------- */

static int look_at(struct job *j, const struct files_root *root, struct error *err)
{
	auto_path_stat stat = {};

	int fd = files_find(root, j->work.name, j->work.path, &stat, err);
	if (fd < 0)
		return fd;
	j->head.size = stat.size;
	j->head.mode = stat.mode;
	j->head.mtime_ns = stat.mtime_ns;
	(void)snprintf(j->head.link, sizeof(j->head.link), "%s", stat.link);
	return fd;
}

static int do_stat(struct job *j, struct error *err)
{
	struct files_root root;

	int r = open_root(j, false, &root, err);
	if (r == 0)
		r = look_at(j, &root, err);
	return r < 0 ? r : begin(j, err);
}

static int do_copy_out(struct job *j, struct error *err)
{
	struct files_root root;

	int r = open_root(j, false, &root, err);
	int fd = r < 0 ? r : look_at(j, &root, err);
	r = fd < 0 ? fd : begin(j, err);
	if (r < 0)
		return r;
	auto_free char *name = copy_path_archive_name(j->work.path);
	return files_write(&root, fd, name, to_host, NULL, err);
}

static int do_export(struct job *j, struct error *err)
{
	struct files_root root;

	int r = open_root(j, true, &root, err);
	if (r == 0)
		r = begin(j, err);
	return r < 0 ? r : files_write(&root, root.fd, NULL, to_host, NULL, err);
}

static int do_copy_in(struct job *j, struct error *err)
{
	const struct files_unpack options = {
		.path = j->work.path,
		.keep_kinds = j->work.keep_kinds,
		.user = j->work.user,
	};
	auto_tar_unpack *unpack = NULL;
	struct files_root root;
	static char piece[READ_MAX];

	int r = open_root(j, false, &root, err);
	if (r == 0)
		r = files_unpack(&root, j->work.name, &options, &unpack, err);
	if (r == 0)
		r = begin(j, err);
	while (r == 0) {
		ssize_t n = read(STDIN_FILENO, piece, sizeof(piece));
		if (n < 0 && errno != EINTR)
			return error_set(err, errno, "read from the host");
		if (n == 0)
			return tar_unpack_finish(unpack, err);
		if (n > 0)
			r = tar_unpack_write(unpack, piece, (size_t)n, err);
	}
	return r;
}

static int tell_change(const char *path, enum change_kind kind, void *arg)
{
	struct strbuf *out = arg;

	guest_change_encode(path, (uint8_t)kind, out);
	if (out->len < READ_MAX)
		return 0;
	int r = to_host(NULL, out->data, out->len, NULL);
	strbuf_clear(out);
	return r;
}

static int do_changes(struct job *j, struct error *err)
{
	auto_strbuf out = STRBUF_INIT(TEXT_MAX);

	auto_close int upper = open_upper(j, err);
	if (upper == -ENOENT)
		return begin(j, err); /* it never ran */
	auto_close int image = upper < 0 ? upper : open_image(j, err);
	int r = image < 0 ? image : begin(j, err);
	if (r == 0)
		r = files_changes(upper, image, tell_change, &out, err);
	return r < 0 ? r : to_host(NULL, out.data, out.len, err);
}

static int do_layer(struct job *j, struct error *err)
{
	auto_close int upper = open_upper(j, err);
	const struct files_root root = { .fd = upper };
	bool freeze = j->work.freeze && j->container;

	if (upper < 0 && upper != -ENOENT)
		return upper;
	int r = freeze ? container_freeze(j->container, true, err) : 0;
	if (r == 0)
		r = begin(j, err);
	if (r == 0)
		r = files_write_layer(&root, to_host, NULL, err);
	if (freeze)
		(void)!container_freeze(j->container, false, NULL);
	return r;
}

static int do_processes(struct job *j, struct error *err)
{
	auto_strbuf out = STRBUF_INIT(TEXT_MAX * 4);
	auto_process_table table = {};
	const struct cgroup *group = j->container ? container_group(j->container) : NULL;

	if (!group)
		return error_say(err, ESRCH, "the instance does not run");
	int r = process_table_read(group, 0, 0, j->work.path, &table, err);
	if (r == 0)
		r = begin(j, err);
	if (r < 0)
		return r;
	guest_row_encode(&table.titles, &out);
	for (size_t i = 0; i < table.row_count; i++)
		guest_row_encode(&table.rows[i], &out);
	return to_host(NULL, out.data, out.len, err);
}

static int do_usage(struct job *j, struct error *err)
{
	auto_strbuf out = STRBUF_INIT(GUEST_USAGE_BYTES);
	auto_free struct cgroup_usage *usage = xnew(struct cgroup_usage);
	const struct cgroup *group = j->container ? container_group(j->container) : NULL;

	if (!group)
		return error_say(err, ESRCH, "the instance does not run");
	cgroup_usage_read(group, usage);
	guest_usage_encode(usage, &out);
	int r = begin(j, err);
	return r < 0 ? r : to_host(NULL, out.data, out.len, err);
}

static int do_update(struct job *j, struct error *err)
{
	if (!j->container)
		return error_say(err, ESRCH, "the instance does not run");
	int r = container_update(j->container, j->plan, err);
	return r < 0 ? r : begin(j, err);
}

/* ---- The child ------------------------------------------------------------------------------- */

static int (*const kinds[GUEST_WORK_COUNT])(struct job *j, struct error *err) = {
	[GUEST_WORK_STAT] = do_stat,           [GUEST_WORK_COPY_OUT] = do_copy_out,
	[GUEST_WORK_EXPORT] = do_export,       [GUEST_WORK_COPY_IN] = do_copy_in,
	[GUEST_WORK_CHANGES] = do_changes,     [GUEST_WORK_LAYER] = do_layer,
	[GUEST_WORK_PROCESSES] = do_processes, [GUEST_WORK_USAGE] = do_usage,
	[GUEST_WORK_UPDATE] = do_update,
};

/* What sessions of the guest hold: an end of a pipe that lives on here would hide its end. */
static void close_sessions(struct session *all)
{
	for (struct session *s = all; s; s = s->next) {
		container_process_done(&s->process);
		close_p(&s->input_fd);
		close_p(&s->outputs[0].fd);
		close_p(&s->outputs[1].fd);
	}
}

static _Noreturn void work(struct job *j, const struct container_streams *streams)
{
	struct guest_answer end = { .part = GUEST_ANSWER_END };

	for (int i = 0; i < 3; i++)
		if (streams->fds[i] >= 0 && dup2(streams->fds[i], i) < 0)
			_exit(1);
	(void)umask(0);
	int r = guest_work_of_plan(j->plan, &j->work, &end.error);
	if (r == 0)
		r = kinds[j->work.kind](j, &end.error);
	if (r >= 0)
		end.error = (struct error){ 0 };
	else if (!j->begun)
		end.part = GUEST_ANSWER_HEAD;
	_exit(answer(&end) < 0 || r < 0);
}

int work_start(struct session *s, struct session *all, const struct plan *plan,
	       const struct root_disks *disks, struct container *container, struct error *err)
{
	struct job job = { .plan = plan, .disks = disks, .container = container };
	struct container_streams streams;
	struct clone_request request = { .cgroup_fd = -1 };

	int r = container ? container_leave(container, err) : 0;
	if (r == 0)
		r = session_open_streams(s, plan->streams.stdin_open, &streams, err);
	if (r < 0)
		return r;
	s->process.pid = clone_process(&request, &s->process.pidfd, err);
	if (s->process.pid == 0) {
		close_sessions(all);
		work(&job, &streams);
	}
	session_close_streams(&streams);
	return s->process.pid < 0 ? s->process.pid : 0;
}
