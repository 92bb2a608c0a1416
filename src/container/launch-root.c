/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "container/launch.h"
#include "sys/clone.h"
#include "sys/mounts.h"
#include "sys/namespaces.h"
#include "sys/overlay.h"

/* The host's id for one of the container; itself without a user namespace. */
static uint32_t outside(const struct launch *l, bool group, uint32_t id)
{
	const struct plan *p = l->plan;
	if (!l->user_ns)
		return id;
	return group ? id_map_outside(p->gid_maps.items, p->gid_maps.count, id)
		     : id_map_outside(p->uid_maps.items, p->uid_maps.count, id);
}

static int shift_owners(int mount_fd, int userns_fd, bool recursive, struct error *err)
{
	struct mount_change change = { .idmap_fd = userns_fd, .recursive = recursive };
	return mount_change(mount_fd, &change, err);
}

/* Makes a folder of the writable layer; one that is there is taken as it is. */
static int state_folder(const struct launch *l, int state_fd, const char *name, mode_t mode,
			struct error *err)
{
	if (mkdirat(state_fd, name, mode) == 0) {
		if (fchownat(state_fd, name, outside(l, false, 0), outside(l, true, 0),
			     AT_SYMLINK_NOFOLLOW) < 0 ||
		    fchmodat(state_fd, name, mode, 0) < 0)
			return error_set(err, errno,
					 "give folder %s of the writable layer its owner", name);
	} else if (errno != EEXIST) {
		return error_set(err, errno, "make folder %s of the writable layer", name);
	}
	int fd = openat(state_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? error_set(err, errno, "open folder %s of the writable layer", name) : fd;
}

/*
 * Shifted copies of the layers' mounts. The last close of a detached mount waits for a grace period,
 * so these are kept until the program runs.
 */
static int shift_layers(const struct launch *l, int userns_fd, int *ret, struct error *err)
{
	const struct plan_root *root = &l->plan->root;
	for (uint32_t i = 0; i < root->layers.count; i++) {
		int fd = mount_clone(l->fds[root->layers.items[i]], "", false, err);
		if (fd < 0)
			return error_prefix(err, "layer %u", i);
		handed_add_take(l->left, fd);
		ret[i] = fd;
		int r = shift_owners(fd, userns_fd, false, err);
		if (r < 0)
			return error_prefix(err, "layer %u", i);
	}
	return 0;
}

/*
 * Takes the shifted layers off again; what was not attached is passed over. Nothing is lost by a
 * failure: the places lie in the engine's own mount namespace.
 */
static void detach_layers(int state_fd, const int *layers, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		char name[16];
		(void)snprintf(name, sizeof(name), "lower%u", i);
		(void)mount_detach(layers[i]);
		(void)unlinkat(state_fd, name, AT_REMOVEDIR);
	}
}

/* Attaches the shifted layers to folders beside the writable layer, for kernels that want that. */
static int attach_layers(int state_fd, const int *layers, uint32_t count, struct error *err)
{
	for (uint32_t i = 0; i < count; i++) {
		char name[16];
		(void)snprintf(name, sizeof(name), "lower%u", i);
		if (mkdirat(state_fd, name, 0700) < 0 && errno != EEXIST)
			return error_set(err, errno, "make a place for layer %u", i);
		auto_close int place =
			openat(state_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (place < 0)
			return error_set(err, errno, "open the place for layer %u", i);
		int r = mount_attach(layers[i], place, err);
		if (r < 0)
			return error_prefix(err, "layer %u", i);
	}
	return 0;
}

static int mount_attached(struct overlay *o, int state_fd, struct error *err)
{
	uint32_t count = (uint32_t)o->layer_count;
	int r = attach_layers(state_fd, o->layers, count, err);
	o->detached = false;
	if (r == 0)
		r = overlay_mount(o, err);
	detach_layers(state_fd, o->layers, count);
	return r;
}

/* An overlay wants two layers; a single read-only one is a root by itself. */
static int single_layer(int layer, bool shifted, struct error *err)
{
	if (!shifted)
		return mount_clone(layer, "", false, err);
	int fd = fcntl(layer, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? error_set(err, errno, "take the only layer") : fd;
}

static int mount_root_overlay(const struct launch *l, const int *layers, bool shifted,
			      struct error *err)
{
	const struct plan_root *root = &l->plan->root;
	struct overlay o = {
		.layers = layers,
		.layer_count = root->layers.count,
		.detached = shifted,
		.upper_fd = -1,
		.work_fd = -1,
		.is_volatile = root->is_volatile,
	};
	auto_close int upper = -1, work = -1;
	struct stat st;
	if (root->state_fd == PLAN_NO_FD)
		return o.layer_count == 1 ? single_layer(layers[0], shifted, err)
					  : overlay_mount(&o, err);
	int state_fd = l->fds[root->state_fd];
	if (fstat(layers[0], &st) < 0)
		return error_set(err, errno, "look at the uppermost layer");
	upper = state_folder(l, state_fd, "upper", st.st_mode & 07777, err);
	if (upper < 0)
		return upper;
	work = state_folder(l, state_fd, "work", 0700, err);
	if (work < 0)
		return work;
	o.upper_fd = upper;
	o.work_fd = work;
	int r = overlay_mount(&o, err);
	return r == -EINVAL && shifted ? mount_attached(&o, state_fd, err) : r;
}

static int make_root(const struct launch *l, int userns_fd, struct error *err)
{
	const struct plan_root *root = &l->plan->root;
	bool shift = root->idmap && userns_fd >= 0;
	if (root->type == PLAN_ROOT_FOLDER) {
		auto_close int fd = mount_clone(l->fds[root->layers.items[0]], "", true, err);
		if (fd < 0)
			return fd;
		int r = shift ? shift_owners(fd, userns_fd, false, err) : 0;
		return r < 0 ? r : take_fd(fd);
	}
	int layers[PLAN_LAYERS_MAX];
	for (uint32_t i = 0; i < root->layers.count; i++)
		layers[i] = l->fds[root->layers.items[i]];
	int r = shift ? shift_layers(l, userns_fd, layers, err) : 0;
	return r < 0 ? r : mount_root_overlay(l, layers, shift, err);
}

static int make_node(const struct launch *l, int dev_fd, const struct plan_device *d,
		     struct error *err)
{
	const char *name = d->path + strlen("/dev/");
	if (strncmp(d->path, "/dev/", 5) != 0 || strstr(d->path, "/../") || !*name)
		return error_say(err, EINVAL, "device %s is not below /dev", d->path);
	for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
		char folder[256];
		int n = snprintf(folder, sizeof(folder), "%.*s", (int)(slash - name), name);
		if (n < 0 || (size_t)n >= sizeof(folder))
			return error_set(err, ENAMETOOLONG, "make device %s", d->path);
		if (mkdirat(dev_fd, folder, 0755) < 0 && errno != EEXIST)
			return error_set(err, errno, "make the folder of device %s", d->path);
	}
	/* Berth's own new tmpfs: nobody else can have put anything there. */
	if (mknodat(dev_fd, name, d->type | d->mode, makedev(d->major, d->minor)) < 0 ||
	    fchmodat(dev_fd, name, d->mode, 0) < 0)
		return error_set(err, errno, "make device %s", d->path);
	uint32_t uid = outside(l, false, d->uid), gid = outside(l, true, d->gid);
	if ((uid || gid) && fchownat(dev_fd, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set(err, errno, "give device %s its owner", d->path);
	return 0;
}

static int make_dev(const struct launch *l, const struct plan_mount *m, struct error *err)
{
	static const char *const links[][2] = {
		{ "/proc/self/fd", "fd" },       { "/proc/self/fd/0", "stdin" },
		{ "/proc/self/fd/1", "stdout" }, { "/proc/self/fd/2", "stderr" },
		{ "/proc/kcore", "core" },       { "pts/ptmx", "ptmx" },
	};
	char owner[2][32];
	const char *options[] = { "mode=755", "size=65536k", owner[0], owner[1] };
	(void)snprintf(owner[0], sizeof(owner[0]), "uid=%u", outside(l, false, 0));
	(void)snprintf(owner[1], sizeof(owner[1]), "gid=%u", outside(l, true, 0));
	auto_close int mount_fd =
		mount_new("tmpfs", options, ARRAY_SIZE(options), m->attr_set, err);
	if (mount_fd < 0)
		return error_prefix(err, "make /dev");
	for (uint32_t i = 0; i < l->plan->devices.count; i++) {
		int r = make_node(l, mount_fd, &l->plan->devices.items[i], err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		if (symlinkat(links[i][0], mount_fd, links[i][1]) < 0 && errno != EEXIST)
			return error_set(err, errno, "make link /dev/%s", links[i][1]);
	}
	return take_fd(mount_fd);
}

static int change_bind(int fd, const struct plan_mount *m, int userns_fd, struct error *err)
{
	struct mount_change change = {
		.set = m->attr_set,
		.clear = m->attr_clear,
		.propagation = m->propagation & ~(uint32_t)MS_REC,
		.recursive = m->flags & PLAN_MOUNT_ATTR_RECURSIVE,
	};
	if (!change.propagation)
		change.propagation = MS_PRIVATE;
	bool shift = userns_fd >= 0 && (m->flags & (PLAN_MOUNT_IDMAP | PLAN_MOUNT_IDMAP_OPTIONAL));
	if (shift) {
		int r = shift_owners(fd, userns_fd, m->flags & PLAN_MOUNT_RECURSIVE, err);
		if (r < 0 && (m->flags & PLAN_MOUNT_IDMAP || r != -EINVAL))
			return r;
	}
	/* What is mounted below must not go on to hear from the host, whatever the rest says. */
	if ((m->flags & PLAN_MOUNT_RECURSIVE) && !change.recursive) {
		struct mount_change below = { .propagation = change.propagation,
					      .recursive = true };
		int r = mount_change(fd, &below, err);
		if (r < 0)
			return r;
	}
	return mount_change(fd, &change, err);
}

static int make_bind(const struct launch *l, const struct plan_mount *m, int userns_fd,
		     struct error *err)
{
	bool recursive = m->flags & PLAN_MOUNT_RECURSIVE;
	auto_close int fd = m->source_fd == PLAN_NO_FD
				    ? mount_clone(AT_FDCWD, m->source, recursive, err)
				    : mount_clone(l->fds[m->source_fd], "", recursive, err);
	if (fd < 0)
		return fd;
	int r = change_bind(fd, m, userns_fd, err);
	return r < 0 ? r : take_fd(fd);
}

/*
 * A sysfs shows the network namespace of whoever mounts it. In a joined one the process has no
 * right to, so the caller does while it is there itself; of the host's own, a read-only copy.
 */
static int make_sysfs(const struct launch *l, const struct plan_mount *m, struct error *err)
{
	const struct plan_namespace *net = &l->plan->namespaces[PLAN_NS_NET];
	if (net->mode == PLAN_NS_MODE_HOST) {
		struct mount_change change = {
			.set = m->attr_set | MOUNT_ATTR_RDONLY,
			.propagation = MS_PRIVATE,
			.recursive = true,
		};
		auto_close int fd = mount_clone(AT_FDCWD, "/sys", false, err);
		if (fd < 0)
			return fd;
		int r = mount_change(fd, &change, err);
		return r < 0 ? r : take_fd(fd);
	}
	struct error back;
	auto_close int own = namespace_own(CLONE_NEWNET, err);
	if (own < 0)
		return own;
	int r = namespace_join(l->fds[net->fd], CLONE_NEWNET, err);
	if (r < 0)
		return r;
	auto_close int fd = mount_new("sysfs", NULL, 0, m->attr_set, err);
	if (namespace_join(own, CLONE_NEWNET, &back) < 0)
		return error_say(err, back.code, "%s", back.text);
	return take_fd(fd);
}

/*
 * A proc shows the processes of whoever mounts it, in the PID namespace where that one was born. In
 * a joined one the container's own process has no right to, so a child of the caller's is born
 * there for that moment. It shares the caller's descriptors, and leaves the mount at @place.
 */
_Noreturn static void mount_proc_at(int place, uint64_t attributes)
{
	struct error err = { 0 };
	int fd = mount_new("proc", NULL, 0, attributes, &err);
	int code = fd < 0 ? -fd : dup3(fd, place, O_CLOEXEC) < 0 ? errno : 0;

	close_p(&fd);
	_exit(code);
}

static int make_proc(const struct launch *l, const struct plan_mount *m, struct error *err)
{
	const struct clone_request request = { .flags = CLONE_FILES };
	auto_close int own = namespace_own(CLONE_NEWPID, err);
	auto_close int place = own < 0 ? -1 : fcntl(own, F_DUPFD_CLOEXEC, 3);
	auto_close int child = -1;
	struct error back = { 0 };
	siginfo_t info = { 0 };

	if (place < 0)
		return own < 0 ? own : error_set(err, errno, "duplicate a descriptor");
	int r = namespace_join(l->fds[l->plan->namespaces[PLAN_NS_PID].fd], CLONE_NEWPID, err);
	if (r < 0)
		return r;
	pid_t pid = clone_process(&request, &child, err);
	if (pid == 0)
		mount_proc_at(place, m->attr_set);
	r = namespace_join(own, CLONE_NEWPID, &back);
	while (pid > 0 && waitid(P_PIDFD, (id_t)child, &info, WEXITED) < 0 && errno == EINTR)
		;
	if (pid < 0)
		return pid;
	if (r < 0)
		return error_say(err, r, "%s", back.text);
	if (info.si_code != CLD_EXITED || info.si_status != 0)
		return error_set(err, info.si_code == CLD_EXITED ? info.si_status : EIO,
				 "make file system proc in the joined PID namespace");
	return take_fd(place);
}

/* Copies of the group's own folders: nothing of the hierarchies above can be reached from them. */
static int make_cgroups(const struct plan_mount *m, struct cgroup *cg, struct handed *ret,
			struct error *err)
{
	if (!cg)
		return error_say(err, EINVAL, "a container without a cgroup can not see it");
	ret->unified = cgroup_is_unified(cg);
	ret->cgroups = 0;
	for (int i = 0; i < CGROUP_CONTROLLER_COUNT; i++) {
		int folder = cgroup_folder(cg, i);
		bool seen = folder < 0;
		for (int j = 0; j < i; j++)
			seen = seen || cgroup_folder(cg, j) == folder;
		if (seen)
			continue;
		int fd = mount_clone(folder, "", false, err);
		if (fd < 0)
			return fd;
		ret->cgroup_of[ret->cgroups++] = (uint8_t)i;
		handed_add_take(ret, fd);
		struct mount_change change = { .set = m->attr_set, .propagation = MS_PRIVATE };
		int r = mount_change(fd, &change, err);
		if (r < 0)
			return r;
	}
	return 0;
}

bool launch_is_handed(const struct launch *l, const struct plan_mount *m)
{
	if (m->type == PLAN_MOUNT_PROC)
		return l->plan->namespaces[PLAN_NS_PID].mode == PLAN_NS_MODE_FD;
	if (m->type == PLAN_MOUNT_SYSFS)
		return l->plan->namespaces[PLAN_NS_NET].mode != PLAN_NS_MODE_NEW;
	return m->type == PLAN_MOUNT_BIND || m->type == PLAN_MOUNT_DEV ||
	       m->type == PLAN_MOUNT_CGROUP;
}

static int make_handed(const struct launch *l, const struct plan_mount *m, int userns_fd,
		       struct cgroup *cg, struct handed *ret, struct error *err)
{
	int fd;
	if (m->type == PLAN_MOUNT_CGROUP)
		return make_cgroups(m, cg, ret, err);
	if (m->type == PLAN_MOUNT_BIND)
		fd = make_bind(l, m, userns_fd, err);
	else if (m->type == PLAN_MOUNT_DEV)
		fd = make_dev(l, m, err);
	else if (m->type == PLAN_MOUNT_PROC)
		fd = make_proc(l, m, err);
	else
		fd = make_sysfs(l, m, err);
	if (fd < 0)
		return fd;
	handed_add_take(ret, fd);
	return 0;
}

int launch_make_root(const struct launch *l, int userns_fd, struct cgroup *cg, struct handed *ret,
		     struct error *err)
{
	int root = make_root(l, userns_fd, err);
	if (root < 0)
		return error_prefix(err, "make the root");
	handed_add_take(ret, root);
	for (uint32_t i = 0; i < l->plan->mounts.count; i++) {
		const struct plan_mount *m = &l->plan->mounts.items[i];
		if (!launch_is_handed(l, m))
			continue;
		int r = make_handed(l, m, userns_fd, cg, ret, err);
		if (r < 0)
			return error_prefix(err, "mount %s", m->target);
	}
	return 0;
}
