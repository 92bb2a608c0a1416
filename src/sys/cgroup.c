/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "sys/cgroup-folders.h"

#define FILE_MAX 4096
#define DEPTH_MAX 16

int cgroup_write(const struct cgroup *cg, int folder, const char *name, const char *text,
		 struct error *err)
{
	int r = write_text_at(folder, name, text);
	return r < 0 ? error_set(err, r, "write '%s' to %s of cgroup '%s'", text, name, cg->path)
		     : 0;
}

/* True where @word stands in a list of words. */
static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);
	for (const char *at = list; (at = strstr(at, word)); at += len) {
		bool starts = at == list || at[-1] == ' ';
		if (starts && (at[len] == '\0' || at[len] == ' ' || at[len] == '\n'))
			return true;
	}
	return false;
}

/* Controllers that a version 2 group should have; what the kernel lacks is left out. */
static const char *const unified_controllers[] = { "cpu", "cpuset", "memory", "pids", "io" };

/* Hands the controllers of a version 2 folder on to the folders below it. */
static int enable_below(const struct cgroup *cg, int folder, struct error *err)
{
	auto_strbuf have = STRBUF_INIT(FILE_MAX), given = STRBUF_INIT(FILE_MAX);
	int r = read_file_at(folder, "cgroup.controllers", FILE_MAX, &have, err);
	if (r == 0)
		r = read_file_at(folder, "cgroup.subtree_control", FILE_MAX, &given, err);
	if (r < 0)
		return error_prefix(err, "cgroup '%s'", cg->path);
	for (size_t i = 0; i < ARRAY_SIZE(unified_controllers); i++) {
		const char *name = unified_controllers[i];
		char text[32];
		if (!has_word(strbuf_text(&have), name) || has_word(strbuf_text(&given), name))
			continue;
		(void)snprintf(text, sizeof(text), "+%s", name);
		r = cgroup_write(cg, folder, "cgroup.subtree_control", text, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Gives a version 1 cpuset what the folder above it has, and the ones below it likewise. */
static int inherit_cpuset(const struct cgroup *cg, int parent, int folder, struct error *err)
{
	static const char *const names[] = { "cpuset.cpus", "cpuset.mems" };
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		auto_strbuf own = STRBUF_INIT(FILE_MAX), above = STRBUF_INIT(FILE_MAX);
		int r = read_file_at(folder, names[i], FILE_MAX, &own, err);
		if (r == 0 && own.len > 1)
			continue;
		if (r == 0)
			r = read_file_at(parent, names[i], FILE_MAX, &above, err);
		if (r < 0)
			return error_prefix(err, "cgroup '%s'", cg->path);
		r = cgroup_write(cg, folder, names[i], strbuf_text(&above), err);
		if (r < 0)
			return r;
	}
	return cgroup_write(cg, folder, "cgroup.clone_children", "1", err);
}

/* Calls @each for every folder on the way to the group, the hierarchy's root as @parent first. */
static int walk_down(const struct cgroup *cg, int root,
		     int (*each)(const struct cgroup *cg, int parent, int folder,
				 struct error *err),
		     struct error *err)
{
	char way[FILE_MAX];
	if (strlen(cg->path) >= sizeof(way))
		return error_set(err, ENAMETOOLONG, "open cgroup '%s'", cg->path);
	memcpy(way, cg->path, strlen(cg->path) + 1);
	auto_close int parent = fcntl(root, F_DUPFD_CLOEXEC, 3);
	char *save = NULL;
	for (char *name = strtok_r(way, "/", &save); name; name = strtok_r(NULL, "/", &save)) {
		auto_close int folder = openat(parent, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (folder < 0)
			return error_set(err, errno, "open cgroup '%s'", cg->path);
		int r = each(cg, parent, folder, err);
		if (r < 0)
			return r;
		(void)close(parent);
		parent = take_fd(folder);
	}
	return 0;
}

static int enable_step(const struct cgroup *cg, int parent, int folder, struct error *err)
{
	(void)folder;
	return enable_below(cg, parent, err);
}

/*
 * Makes the group usable. What the folders above it lack is only set up when the new group shows
 * that it is missing, which is once in the life of a host.
 */
static int prepare(struct cgroup *cg, const struct cgroup_layout *l, struct error *err)
{
	int at = cg->of[CGROUP_CPUSET];
	auto_strbuf text = STRBUF_INIT(FILE_MAX);
	if (cg->unified) {
		int r = read_file_at(cg->folders[0], "cgroup.controllers", FILE_MAX, &text, err);
		if (r < 0)
			return error_prefix(err, "cgroup '%s'", cg->path);
		for (size_t i = 0; i < ARRAY_SIZE(unified_controllers); i++) {
			if (!has_word(strbuf_text(&text), unified_controllers[i]))
				return walk_down(cg, l->unified_fd, enable_step, err);
		}
	} else if (at >= 0) {
		int r = read_file_at(cg->folders[at], "cpuset.cpus", FILE_MAX, &text, err);
		if (r < 0)
			return error_prefix(err, "cgroup '%s'", cg->path);
		if (text.len <= 1)
			return walk_down(cg, l->fds[CGROUP_CPUSET], inherit_cpuset, err);
	}
	return 0;
}

/* Removes a folder and the ones below it; their depth is bounded by the kernel's and by ours. */
static int remove_folder(int parent, const char *name, int depth)
{
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if ((errno != EBUSY && errno != ENOTEMPTY) || depth == DEPTH_MAX)
		return -errno;
	int busy = -errno;
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	DIR *dir = fdopendir(fd);
	if (!dir) {
		(void)close(fd);
		return busy;
	}
	for (struct dirent *e; (e = readdir(dir));) {
		if (e->d_type == DT_DIR && path_is_component(e->d_name))
			(void)remove_folder(fd, e->d_name, depth + 1);
	}
	(void)closedir(dir);
	return unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -errno;
}

int cgroup_remove(struct cgroup *cg, struct error *err)
{
	const char *slash = strrchr(cg->path, '/');
	const char *name = slash ? slash + 1 : cg->path;
	int first = 0;
	for (size_t i = 0; i < cg->folder_count; i++) {
		int r = remove_folder(cg->parents[i], name, 0);
		first = first ? first : r;
	}
	return first ? error_set(err, first, "remove cgroup '%s'", cg->path) : 0;
}

/* Removes what a failed cgroup_make() made; the failure itself is told, not this one. */
static void undo(struct cgroup *cg)
{
	struct error ignored;
	int r = cgroup_remove(cg, &ignored);
	(void)r;
}

/*
 * Opens the group in one hierarchy, making it and the folders above it where @make. Only the group
 * itself must be new.
 */
static int open_group(const char *path, int root, bool make, int *ret_parent, int *ret_folder)
{
	char way[FILE_MAX];
	if (strlen(path) >= sizeof(way))
		return -ENAMETOOLONG;
	memcpy(way, path, strlen(path) + 1);
	char *slash = strrchr(way, '/');
	char *last = slash ? slash + 1 : way;
	if (slash)
		*slash = '\0';
	auto_close int parent = slash ? openat(root, way, O_PATH | O_DIRECTORY | O_CLOEXEC)
				      : fcntl(root, F_DUPFD_CLOEXEC, 3);
	if (parent < 0 && errno == ENOENT && make) {
		char *save = NULL;
		parent = fcntl(root, F_DUPFD_CLOEXEC, 3);
		for (char *name = strtok_r(way, "/", &save); name;
		     name = strtok_r(NULL, "/", &save)) {
			if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
				return -errno;
			int next = openat(parent, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
			if (next < 0)
				return -errno;
			(void)close(parent);
			parent = next;
		}
	}
	if (parent < 0 || (make && mkdirat(parent, last, 0755) < 0))
		return -errno;
	int folder = openat(parent, last, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return -errno;
	*ret_folder = folder;
	*ret_parent = take_fd(parent);
	return 0;
}

static struct cgroup *group_new(const struct cgroup_layout *l, const char *path)
{
	struct cgroup *cg = xnew(struct cgroup);
	cg->path = xstrdup(path);
	cg->unified = l->unified;
	for (int i = 0; i < CGROUP_CONTROLLER_COUNT; i++)
		cg->of[i] = -1;
	return cg;
}

/* Adds the group's folder in the hierarchy behind @root, which serves @controller. */
static int group_add(struct cgroup *cg, int root, int controller, bool make)
{
	size_t at = cg->folder_count;
	int r = open_group(cg->path, root, make, &cg->parents[at], &cg->folders[at]);
	if (r < 0)
		return r;
	cg->folder_count++;
	cg->of[controller] = (int)at;
	return 0;
}

static int group_open(const struct cgroup_layout *l, const char *path, bool make,
		      struct cgroup **ret, struct error *err)
{
	const char *act = make ? "make" : "open";
	if (!path_is_plain_relative(path))
		return error_say(err, EINVAL, "'%s' is no path of a cgroup", path);
	auto_cgroup *cg = group_new(l, path);
	if (l->unified) {
		int r = group_add(cg, l->unified_fd, 0, make);
		if (r < 0)
			return error_set(err, r, "%s cgroup '%s'", act, path);
		for (int i = 0; i < CGROUP_CONTROLLER_COUNT; i++)
			cg->of[i] = 0;
	}
	for (int i = 0; !l->unified && i < CGROUP_CONTROLLER_COUNT; i++) {
		for (int j = 0; j < i && l->fds[i] >= 0; j++) {
			if (l->fds[j] >= 0 && l->devs[j] == l->devs[i])
				cg->of[i] = cg->of[j];
		}
		if (l->fds[i] < 0 || cg->of[i] >= 0)
			continue;
		int r = group_add(cg, l->fds[i], i, make);
		if (r == -ENOENT && !make)
			continue;
		if (r < 0) {
			if (make && r != -EEXIST)
				undo(cg);
			return error_set(err, r, "%s cgroup '%s'", act, path);
		}
	}
	if (!cg->folder_count)
		return error_set(err, ENOENT, "open cgroup '%s'", path);
	*ret = take_ptr(cg);
	return 0;
}

int cgroup_make(const struct cgroup_layout *layout, const char *path, struct cgroup **ret,
		struct error *err)
{
	auto_cgroup *cg = NULL;
	int r = group_open(layout, path, true, &cg, err);
	if (r < 0)
		return r;
	r = prepare(cg, layout, err);
	if (r < 0) {
		undo(cg);
		return r;
	}
	*ret = take_ptr(cg);
	return 0;
}

int cgroup_open(const struct cgroup_layout *layout, const char *path, struct cgroup **ret,
		struct error *err)
{
	return group_open(layout, path, false, ret, err);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

int cgroup_rename(struct cgroup *cg, const char *path, struct error *err)
{
	if (cg->unified)
		return error_say(err, EOPNOTSUPP, "a version 2 cgroup keeps its name");
	for (size_t i = 0; i < cg->folder_count; i++) {
		if (renameat(cg->parents[i], base_name(cg->path), cg->parents[i], base_name(path)) <
		    0)
			return error_set(err, errno, "rename cgroup '%s'", cg->path);
	}
	free(cg->path);
	cg->path = xstrdup(path);
	return 0;
}

int cgroup_take(const struct cgroup *cg, pid_t pid, struct error *err)
{
	char text[16];
	(void)snprintf(text, sizeof(text), "%d", (int)pid);
	for (size_t i = 0; i < cg->folder_count; i++) {
		int r = cgroup_write(cg, cg->folders[i], "cgroup.procs", text, err);
		if (r < 0)
			return r;
	}
	return 0;
}

void cgroup_free(struct cgroup *cg)
{
	if (!cg)
		return;
	for (size_t i = 0; i < cg->folder_count; i++) {
		close_p(&cg->folders[i]);
		close_p(&cg->parents[i]);
	}
	free(cg->path);
	free(cg);
}

int cgroup_clone_fd(const struct cgroup *cg)
{
	return cg->unified ? cg->folders[0] : -1;
}

int cgroup_folder(const struct cgroup *cg, enum cgroup_controller controller)
{
	int at = cg->of[controller];
	return at < 0 ? -1 : cg->folders[at];
}

bool cgroup_is_unified(const struct cgroup *cg)
{
	return cg->unified;
}

int cgroup_open_entries(const struct cgroup *cg, int ret[CGROUP_CONTROLLER_COUNT],
			struct error *err)
{
	const char *name = cg->unified ? "cgroup.procs" : "tasks";
	for (size_t i = 0; i < cg->folder_count; i++) {
		ret[i] = openat(cg->folders[i], name, O_WRONLY | O_CLOEXEC);
		if (ret[i] >= 0)
			continue;
		int errnum = errno;
		while (i > 0)
			close_p(&ret[--i]);
		return error_set(err, errnum, "open %s of cgroup '%s'", name, cg->path);
	}
	return (int)cg->folder_count;
}

int cgroup_enter_by(const int *entries, size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		if (write(entries[i], "0", 1) != 1)
			return error_set(err, errno, "enter a cgroup");
	}
	return 0;
}

int cgroup_enter(const struct cgroup *cg, struct error *err)
{
	int entries[CGROUP_CONTROLLER_COUNT];
	int count = cgroup_open_entries(cg, entries, err);
	if (count < 0)
		return count;
	int r = cgroup_enter_by(entries, (size_t)count, err);
	for (int i = 0; i < count; i++)
		close_p(&entries[i]);
	return r < 0 ? error_prefix(err, "cgroup '%s'", cg->path) : 0;
}
