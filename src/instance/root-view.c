/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/root-view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "container/config/default-config.h"
#include "container/plan/plan.h"
#include "instance/id-shift.h"
#include "instance/manager-internal.h"
#include "store/image/image.h"
#include "sys/mount-namespace.h"
#include "sys/mounts.h"
#include "sys/overlay.h"
#include "sys/process-fd.h"

#define CGROUP_TEXT_MAX 65536

/* What a volatile overlay leaves in its work folder, and refuses when it finds it. */
#define VOLATILE_MARK "work/work/incompat/volatile"

void root_view_done(struct root_view *view)
{
	close_p(&view->fd);
	if (view->layers)
		image_layers_put(view->store, take_ptr(view->layers));
}

static void view_init(struct manager *m, const struct record *r, struct root_view *ret)
{
	*ret = (struct root_view){
		.fd = -1,
		.id_base = record_id_base(r),
		.id_count = record_id_base(r) ? CONTAINER_ID_COUNT : 0,
		.store = m->options.store,
	};
}

/* ---- Running -------------------------------------------------------------------------------- */

/* True where the process is one of the instance's: its number may have become another's. */
static bool is_ours(const struct record *r, pid_t pid)
{
	auto_strbuf groups = STRBUF_INIT(CGROUP_TEXT_MAX);
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	return read_file_at(AT_FDCWD, path, CGROUP_TEXT_MAX, &groups, NULL) == 0 &&
	       strstr(strbuf_text(&groups), r->id);
}

/* The descriptor of the instance's first process; -ESRCH where none runs. */
static int first_process(struct manager *m, const struct record *r)
{
	pid_t pid = 0;
	{
		auto_roster held = roster_lock(&m->roster);
		if (state_has_keeper(r->state))
			pid = r->pid;
	}
	if (pid <= 0)
		return -ESRCH;
	auto_close int pidfd = pidfd_for(pid);
	if (pidfd < 0)
		return pidfd;
	/* Asked in this order: while it lives its number is no other's. */
	return is_ours(r, pid) && !pidfd_ended(pidfd) ? take_fd(pidfd) : -ESRCH;
}

/* ---- Not running ---------------------------------------------------------------------------- */

struct stack {
	int fds[PLAN_LAYERS_MAX + 1];
	size_t count;
};

static void stack_done(struct stack *stack)
{
	for (size_t i = 0; i < stack->count; i++)
		close_p(&stack->fds[i]);
}

static int get_layers(const struct record *r, struct root_view *view, struct error *err)
{
	struct digest image_id;
	int result = digest_parse(r->image_id, &image_id, err);

	return result < 0 ? result : image_layers_get(view->store, &image_id, &view->layers, err);
}

/* Copies of the layers' mounts that show the instance's ids. */
static int shift_layers(struct manager *m, const struct root_view *view, struct stack *stack,
			struct error *err)
{
	auto_close int ids = -1;
	int result = 0;

	if (view->layers->count > PLAN_LAYERS_MAX)
		return error_say(err, E2BIG, "the image has too many layers");
	if (view->id_count) {
		ids = id_shift_open(m->options.keeper_fd, view->id_base, err);
		if (ids < 0)
			return ids;
	}
	for (size_t i = 0; i < view->layers->count && result == 0; i++) {
		int fd = mount_clone(view->layers->fds[i], "", false, err);
		if (fd < 0)
			return fd;
		stack->fds[stack->count++] = fd;
		const struct mount_change change = { .idmap_fd = ids };
		result = ids < 0 ? 0 : mount_change(fd, &change, err);
	}
	return result;
}

static int open_state(struct manager *m, const struct record *r, struct error *err)
{
	if (mkdirat(m->state_fd, r->id, 0700) < 0 && errno != EEXIST)
		return error_set(err, errno, "make the instance's folder");
	int fd = openat(m->state_fd, r->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? error_set(err, errno, "open the instance's folder") : fd;
}

static int open_part(int state_fd, const char *name, struct error *err)
{
	int fd = openat(state_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? error_set(err, errno, "open %s of the writable layer", name) : fd;
}

int container_upper_open(struct manager *m, struct record *r, struct error *err)
{
	auto_close int state_fd =
		openat(m->state_fd, r->id, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (state_fd < 0)
		return error_set(err, errno, "open the instance's folder");
	int fd = openat(state_fd, "upper", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? error_set(err, errno, "open the writable layer") : fd;
}

int writable_layer_make(const struct record *r, int state_fd, struct error *err)
{
	uid_t owner = record_id_base(r);

	/* a volatile overlay refuses a work folder that one used before */
	if (faccessat(state_fd, VOLATILE_MARK, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		int result = path_remove_tree_at(state_fd, "work", err);
		if (result < 0)
			return result;
	}
	if ((mkdirat(state_fd, "upper", 0755) < 0 && errno != EEXIST) ||
	    (mkdirat(state_fd, "work", 0755) < 0 && errno != EEXIST) ||
	    fchownat(state_fd, "upper", owner, owner, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchownat(state_fd, "work", owner, owner, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set(err, errno, "make the writable layer");
	return 0;
}

/* The root as it would be at the next start. */
static int mount_writable(struct manager *m, struct record *r, const struct stack *stack,
			  struct error *err)
{
	auto_close int state_fd = open_state(m, r, err);
	if (state_fd < 0)
		return state_fd;
	int result = writable_layer_make(r, state_fd, err);
	if (result < 0)
		return result;
	auto_close int upper = open_part(state_fd, "upper", err);
	auto_close int work = open_part(state_fd, "work", err);
	if (upper < 0 || work < 0)
		return upper < 0 ? upper : work;
	const struct overlay overlay = {
		.layers = stack->fds,
		.layer_count = stack->count,
		.upper_fd = upper,
		.work_fd = work,
	};
	return overlay_mount(&overlay, err);
}

/*
 * Nothing is written here, so the writable layer is the uppermost of those that are only read: it can
 * be an instance's at the same time, should that be started meanwhile.
 */
static int mount_readable(struct stack *stack, struct error *err)
{
	const struct overlay overlay = {
		.layers = stack->fds,
		.layer_count = stack->count,
		.upper_fd = -1,
		.work_fd = -1,
		.attrs = MOUNT_ATTR_RDONLY,
	};

	if (stack->count == 0)
		return error_say(err, ENOENT, "the instance has no files");
	if (stack->count == 1) /* an overlay wants two */
		return take_fd(stack->fds[0]);
	return overlay_mount(&overlay, err);
}

static int open_stopped(struct manager *m, struct record *r, enum root_use use,
			struct root_view *view, struct error *err)
{
	auto_(stack_done) struct stack stack = {};

	int result = get_layers(r, view, err);
	if (result < 0)
		return result;
	if (use != ROOT_WRITE) {
		int upper = container_upper_open(m, r, err);
		if (upper < 0 && upper != -ENOENT)
			return upper;
		if (upper >= 0)
			stack.fds[stack.count++] = upper;
	}
	result = shift_layers(m, view, &stack, err);
	if (result < 0)
		return result;
	view->fd =
		use == ROOT_WRITE ? mount_writable(m, r, &stack, err) : mount_readable(&stack, err);
	return view->fd < 0 ? view->fd : 0;
}

int container_image_open(struct manager *m, struct record *r, struct root_view *ret,
			 struct error *err)
{
	auto_root_view view = ROOT_VIEW_NONE;
	auto_(stack_done) struct stack stack = {};

	view_init(m, r, &view);
	int result = get_layers(r, &view, err);
	if (result == 0)
		result = shift_layers(m, &view, &stack, err);
	if (result == 0)
		result = view.fd = mount_readable(&stack, err);
	if (result < 0)
		return error_prefix(err, "see the image of %s", r->id);
	*ret = view;
	view = (struct root_view)ROOT_VIEW_NONE;
	return 0;
}

int container_root_open(struct manager *m, struct record *r, enum root_use use,
			struct root_view *ret, struct error *err)
{
	auto_root_view view = ROOT_VIEW_NONE;
	int result = 0;

	view_init(m, r, &view);
	auto_close int pidfd = first_process(m, r);
	if (pidfd >= 0) {
		view.running = true;
		result = view.fd = mount_namespace_root(pidfd, use == ROOT_BARE, err);
	} else {
		result = open_stopped(m, r, use, &view, err);
	}
	if (result < 0)
		return error_prefix(err, "see the files of %s", r->id);
	*ret = view;
	view = (struct root_view)ROOT_VIEW_NONE;
	return 0;
}
