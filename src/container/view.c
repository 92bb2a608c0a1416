/* SPDX-License-Identifier: Apache-2.0 */
#include "container/view.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "sys/mounts.h"
#include "sys/root-switch.h"
#include "sys/rootfs.h"

#define EMPTY_FILE "empty"
#define EMPTY_DIR "empty.d"

/* File systems that the process makes itself, by type of mount. */
static const char *const file_systems[PLAN_MOUNT_COUNT] = {
	[PLAN_MOUNT_TMPFS] = "tmpfs", [PLAN_MOUNT_DEVPTS] = "devpts", [PLAN_MOUNT_PROC] = "proc",
	[PLAN_MOUNT_SYSFS] = "sysfs", [PLAN_MOUNT_MQUEUE] = "mqueue",
};

static int make_mount(const struct plan_mount *m, struct error *err)
{
	int fd = mount_new(file_systems[m->type], m->options.items, m->options.count, m->attr_set,
			   err);
	return fd < 0 ? error_prefix(err, "mount %s", m->target) : fd;
}

/* Writes one file of Berth's own new tmpfs. */
static int write_own_file(int dir_fd, const char *name, const struct plan_file *f,
			  struct error *err)
{
	auto_close int fd = openat(dir_fd, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, f->mode);
	if (fd < 0)
		return error_set(err, errno, "make the content of %s", f->target);
	int r = write_full(fd, f->data, f->len);
	if (r == 0 && fchmod(fd, f->mode) < 0)
		r = -errno;
	return r < 0 ? error_set(err, r, "write the content of %s", f->target) : 0;
}

static int read_only_copy(int dir_fd, const char *name, struct error *err)
{
	struct mount_change change = {
		.set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
		.propagation = MS_PRIVATE,
	};
	auto_close int fd = mount_clone(dir_fd, name, false, err);
	if (fd < 0)
		return fd;
	int r = mount_change(fd, &change, err);
	return r < 0 ? r : take_fd(fd);
}

/* Kernels before 6.15 copy only from a mount that is attached somewhere. */
static bool is_copyable(int mount_fd)
{
	struct error ignored;
	auto_close int probe = mount_clone(mount_fd, EMPTY_FILE, false, &ignored);
	return probe >= 0;
}

/* The mounts by which the files and the masks are placed; only these are needed later. */
static int copy_files(struct view *v, int dir_fd, struct error *err)
{
	const struct plan *p = v->l->plan;
	v->files = xcalloc(p->files.count + 1, sizeof(*v->files));
	for (uint32_t i = 0; i < p->files.count; i++) {
		char name[16];
		(void)snprintf(name, sizeof(name), "%u", i);
		v->files[i] = mount_clone(dir_fd, name, false, err);
		if (v->files[i] < 0)
			return v->files[i];
	}
	v->empty_fd = read_only_copy(dir_fd, EMPTY_FILE, err);
	v->empty_dir_fd = v->empty_fd < 0 ? v->empty_fd : read_only_copy(dir_fd, EMPTY_DIR, err);
	return v->empty_dir_fd < 0 ? v->empty_dir_fd : 0;
}

/*
 * One small tmpfs holds the plan's files, and the empty file and folder that stand for what is
 * masked: Berth's own, never the container's /dev/null.
 */
static int make_files(struct view *v, struct error *err)
{
	static const char *const options[] = { "mode=700", "size=1m" };
	static const struct plan_file empty = { .target = "a masked path", .mode = 0444 };
	const struct plan *p = v->l->plan;
	if (!p->files.count && !p->masked.count)
		return 0;
	int fd = mount_new("tmpfs", options, ARRAY_SIZE(options),
			   MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, err);
	if (fd < 0)
		return fd;
	v->files_fd = fd;
	int r = write_own_file(fd, EMPTY_FILE, &empty, err);
	if (r == 0 && mkdirat(fd, EMPTY_DIR, 0555) < 0)
		r = error_set(err, errno, "make the folder for masked paths");
	for (uint32_t i = 0; r == 0 && i < p->files.count; i++) {
		char name[16];
		(void)snprintf(name, sizeof(name), "%u", i);
		r = write_own_file(fd, name, &p->files.items[i], err);
	}
	if (r < 0 || is_copyable(fd))
		return r < 0 ? r : copy_files(v, fd, err);
	r = root_cover(fd, err);
	if (r == 0)
		r = copy_files(v, fd, err);
	return r < 0 ? r : root_uncover(err);
}

/*
 * A proc for sysctls where the plan has none of its own. One of the host's processes can not be made
 * in a user namespace; the one that is mounted where the old root still is shows the same sysctls.
 */
static int open_proc(struct error *err)
{
	int fd = mount_new("proc", NULL, 0, 0, err);
	if (fd != -EPERM)
		return fd;
	auto_close int old = openat(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;
	if (old < 0 || fstatfs(old, &fs) < 0)
		return error_set(err, errno, "open /proc");
	if ((unsigned long)fs.f_type != PROC_SUPER_MAGIC)
		return error_say(err, ENOENT, "the host's /proc is no proc");
	return take_fd(old);
}

int view_make(struct view *v, const struct launch *l, struct error *err)
{
	const struct plan *p = l->plan;
	v->l = l;
	v->made = xcalloc(p->mounts.count + 1, sizeof(*v->made));
	v->placed = xcalloc(p->mounts.count + 1, sizeof(*v->placed));
	for (uint32_t i = 0; i < p->mounts.count; i++) {
		const struct plan_mount *m = &p->mounts.items[i];
		v->made[i] = v->placed[i] = -1;
		if (launch_is_handed(l, m))
			continue;
		v->made[i] = make_mount(m, err);
		if (v->made[i] < 0)
			return v->made[i];
		if (m->type == PLAN_MOUNT_DEVPTS)
			v->devpts_fd = v->made[i];
		if (m->type == PLAN_MOUNT_PROC && v->proc_fd < 0)
			v->proc_fd = v->made[i];
	}
	if (p->sysctls.count && v->proc_fd < 0) {
		v->proc_fd = open_proc(err);
		if (v->proc_fd < 0)
			return v->proc_fd;
	}
	return make_files(v, err);
}

int view_enter(struct view *v, int root_mount, struct error *err)
{
	int r = root_switch(root_mount, err);
	if (r < 0)
		return r;
	v->root_fd = root_open(err);
	return v->root_fd < 0 ? v->root_fd : 0;
}

/* Attaches a mount at a path of the root, which is made where it is missing. */
static int place(struct view *v, int mount_fd, const char *target, struct error *err)
{
	struct stat st;
	if (fstat(mount_fd, &st) < 0)
		return error_set(err, errno, "look at what is to be mounted");
	auto_close int target_fd = S_ISDIR(st.st_mode)
					   ? rootfs_make_dir(v->root_fd, target, 0755, err)
					   : rootfs_make_file(v->root_fd, target, 0755, err);
	if (target_fd < 0)
		return target_fd;
	return mount_attach(mount_fd, target_fd, err);
}

static const char *const controller_folders[CGROUP_CONTROLLER_COUNT] = {
	[CGROUP_CPU] = "cpu",       [CGROUP_CPUACCT] = "cpuacct", [CGROUP_CPUSET] = "cpuset",
	[CGROUP_MEMORY] = "memory", [CGROUP_DEVICES] = "devices", [CGROUP_FREEZER] = "freezer",
	[CGROUP_BLKIO] = "blkio",   [CGROUP_PIDS] = "pids",
};

/* On version 1 a read-only tmpfs holds a folder for each hierarchy. */
static int place_cgroups(struct view *v, const struct plan_mount *m, const struct handed *h,
			 uint32_t *at, struct error *err)
{
	static const char *const options[] = { "mode=755", "size=64k" };
	if (h->unified)
		return place(v, h->fds[(*at)++], m->target, err);
	auto_close int fd = mount_new("tmpfs", options, ARRAY_SIZE(options),
				      m->attr_set & ~(uint64_t)MOUNT_ATTR_RDONLY, err);
	if (fd < 0)
		return fd;
	int r = place(v, fd, m->target, err);
	for (uint32_t i = 0; r == 0 && i < h->cgroups; i++) {
		const char *name = controller_folders[h->cgroup_of[i]];
		if (mkdirat(fd, name, 0755) < 0)
			return error_set(err, errno, "make a folder for cgroup %s", name);
		auto_close int target = openat(fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		r = mount_attach(h->fds[(*at)++], target, err);
	}
	struct mount_change seal = { .set = MOUNT_ATTR_RDONLY };
	return r < 0 ? r : mount_change(fd, &seal, err);
}

static int set_propagation(int mount_fd, uint32_t propagation, struct error *err)
{
	struct mount_change change = {
		.propagation = propagation & ~(uint32_t)MS_REC,
		.recursive = propagation & MS_REC,
	};
	return change.propagation ? mount_change(mount_fd, &change, err) : 0;
}

/* Opens a path by the last mount of the plan that it lies in, or in the root. */
static int find_placed(struct view *v, const char *path, struct error *err)
{
	const struct plan *p = v->l->plan;
	for (uint32_t i = p->mounts.count; i-- > 0;) {
		const char *target = p->mounts.items[i].target;
		size_t len = strlen(target);
		const char *rest = path + len;
		if (v->placed[i] >= 0 && strncmp(path, target, len) == 0 &&
		    (*rest == '/' || *rest == '\0'))
			return rootfs_open(v->placed[i], *rest ? rest : ".", O_PATH, err);
	}
	return rootfs_open(v->root_fd, path, O_PATH, err);
}

/* Hidden by an empty file or folder: the first time by the template itself, then by copies of it. */
static int mask(struct view *v, const char *path, struct error *err)
{
	struct stat st;
	auto_close int fd = find_placed(v, path, err);
	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return error_set(err, errno, "look at it");
	bool dir = S_ISDIR(st.st_mode);
	int from = dir ? v->empty_dir_fd : v->empty_fd;
	bool *used = dir ? &v->empty_dir_used : &v->empty_used;
	if (!*used) {
		*used = true;
		return mount_attach(from, fd, err);
	}
	auto_close int cover = mount_clone(from, "", false, err);
	return cover < 0 ? cover : mount_attach(cover, fd, err);
}

/* Covered by a read-only copy of itself. */
static int make_read_only(struct view *v, const char *path, struct error *err)
{
	struct mount_change change = { .set = MOUNT_ATTR_RDONLY, .recursive = true };
	auto_close int fd = find_placed(v, path, err);
	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	if (fd < 0)
		return fd;
	auto_close int cover = mount_clone(fd, "", true, err);
	if (cover < 0)
		return cover;
	int r = mount_change(cover, &change, err);
	return r < 0 ? r : mount_attach(cover, fd, err);
}

static int place_mounts(struct view *v, const struct handed *h, struct error *err)
{
	const struct plan *p = v->l->plan;
	uint32_t at = 1;
	for (uint32_t i = 0; i < p->mounts.count; i++) {
		const struct plan_mount *m = &p->mounts.items[i];
		int r;
		if (m->type == PLAN_MOUNT_CGROUP) {
			r = place_cgroups(v, m, h, &at, err);
		} else {
			int fd = launch_is_handed(v->l, m) ? h->fds[at++] : v->made[i];
			if (m->type == PLAN_MOUNT_DEV && v->null_fd < 0)
				v->null_fd = openat(fd, "null", O_RDWR | O_NOCTTY | O_CLOEXEC);
			r = place(v, fd, m->target, err);
			if (r == 0)
				r = set_propagation(fd, m->propagation, err);
			v->placed[i] = fd;
		}
		if (r < 0)
			return error_prefix(err, "mount %s", m->target);
	}
	return 0;
}

static int place_files(struct view *v, struct error *err)
{
	const struct plan *p = v->l->plan;
	for (uint32_t i = 0; i < p->files.count; i++) {
		int r = place(v, v->files[i], p->files.items[i].target, err);
		if (r < 0)
			return error_prefix(err, "mount %s", p->files.items[i].target);
	}
	return 0;
}

int view_place(struct view *v, const struct handed *h, struct error *err)
{
	const struct plan *p = v->l->plan;
	int r = place_mounts(v, h, err);
	if (r == 0)
		r = place_files(v, err);
	for (uint32_t i = 0; r == 0 && i < p->read_only.count; i++) {
		if (make_read_only(v, p->read_only.items[i], err) < 0)
			r = error_prefix(err, "make %s read-only", p->read_only.items[i]);
	}
	for (uint32_t i = 0; r == 0 && i < p->masked.count; i++) {
		if (mask(v, p->masked.items[i], err) < 0)
			r = error_prefix(err, "mask %s", p->masked.items[i]);
	}
	return r;
}

/* "net.ipv4.x" to "sys/net/ipv4/x"; a key with a slash already is one of that notation. */
static int sysctl_path(const char *key, char *ret, size_t size)
{
	int n = snprintf(ret, size, "sys/%s", key);
	if (n < 0 || (size_t)n >= size || strstr(key, ".."))
		return -EINVAL;
	if (!strchr(key, '/')) {
		for (char *at = ret; *at; at++)
			*at = *at == '.' ? '/' : *at;
	}
	return 0;
}

int view_write_sysctls(struct view *v, struct error *err)
{
	const struct plan *p = v->l->plan;
	for (uint32_t i = 0; i < p->sysctls.count; i++) {
		const struct plan_sysctl *s = &p->sysctls.items[i];
		char path[256];
		struct open_how how = {
			.flags = O_WRONLY | O_CLOEXEC,
			.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS,
		};
		int r = sysctl_path(s->key, path, sizeof(path));
		auto_close int fd =
			r < 0 ? r : (int)syscall(SYS_openat2, v->proc_fd, path, &how, sizeof(how));
		if (fd < 0)
			return error_set(err, r < 0 ? r : errno, "open sysctl %s", s->key);
		size_t len = strlen(s->value);
		ssize_t n = write(fd, s->value, len);
		if (n != (ssize_t)len)
			return error_set(err, n < 0 ? errno : EIO, "set sysctl %s to '%s'", s->key,
					 s->value);
	}
	return 0;
}

int view_seal(struct view *v, struct error *err)
{
	const struct plan_root *root = &v->l->plan->root;
	struct mount_change change = {
		.propagation = root->propagation & ~(uint32_t)MS_REC,
		.recursive = root->propagation & MS_REC,
	};
	if (change.propagation && change.propagation != MS_PRIVATE) {
		int r = mount_change(v->root_fd, &change, err);
		if (r < 0)
			return error_prefix(err, "set the root's propagation");
	}
	struct mount_change attrs = {
		/* Nodes that an image brought along are no devices of the host's. */
		.set = (v->l->user_ns ? MOUNT_ATTR_NODEV : 0u) |
		       (root->read_only ? MOUNT_ATTR_RDONLY : 0u),
	};
	if (!attrs.set)
		return 0;
	int r = mount_change(v->root_fd, &attrs, err);
	return r < 0 ? error_prefix(err, "seal the root") : 0;
}
