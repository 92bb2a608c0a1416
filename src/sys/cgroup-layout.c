/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "sys/cgroup.h"

static const char *const controller_names[CGROUP_CONTROLLER_COUNT] = {
	[CGROUP_CPU] = "cpu",       [CGROUP_CPUACCT] = "cpuacct", [CGROUP_CPUSET] = "cpuset",
	[CGROUP_MEMORY] = "memory", [CGROUP_DEVICES] = "devices", [CGROUP_FREEZER] = "freezer",
	[CGROUP_BLKIO] = "blkio",   [CGROUP_PIDS] = "pids",
};

static int open_folder(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

void cgroup_layout_done(struct cgroup_layout *l)
{
	close_p(&l->unified_fd);
	for (int i = 0; i < CGROUP_CONTROLLER_COUNT; i++)
		close_p(&l->fds[i]);
	*l = (struct cgroup_layout)CGROUP_LAYOUT_NONE;
}

static bool is_version_1(int fd)
{
	struct statfs fs;
	return fstatfs(fd, &fs) == 0 && (unsigned long)fs.f_type == CGROUP_SUPER_MAGIC;
}

/* Opens each controller's hierarchy; comounted ones ("cpu,cpuacct") are links to the same. */
static int probe_version_1(int root_fd, struct cgroup_layout *l)
{
	int found = 0;
	for (int i = 0; i < CGROUP_CONTROLLER_COUNT; i++) {
		auto_close int fd = open_folder(root_fd, controller_names[i]);
		struct stat st;
		if (fd < 0 || !is_version_1(fd) || fstat(fd, &st) < 0)
			continue;
		l->devs[i] = st.st_dev;
		l->fds[i] = take_fd(fd);
		found++;
	}
	return found;
}

bool cgroup_host_is_unified(void)
{
	struct statfs fs;
	return statfs(CGROUP_ROOT, &fs) == 0 && (unsigned long)fs.f_type == CGROUP2_SUPER_MAGIC;
}

int cgroup_layout_probe(const char *root, struct cgroup_layout *ret, struct error *err)
{
	auto_cgroup_layout l = CGROUP_LAYOUT_NONE;
	auto_close int root_fd = open_folder(AT_FDCWD, root);
	if (root_fd < 0)
		return error_set(err, root_fd, "open %s", root);
	struct statfs fs;
	if (fstatfs(root_fd, &fs) < 0)
		return error_set(err, errno, "look at %s", root);
	if ((unsigned long)fs.f_type == CGROUP2_SUPER_MAGIC) {
		l.unified = true;
		l.unified_fd = take_fd(root_fd);
	} else if (probe_version_1(root_fd, &l) == 0) {
		return error_say(err, ENOENT, "no control groups are mounted at %s", root);
	}
	*ret = l;
	l = (struct cgroup_layout)CGROUP_LAYOUT_NONE;
	return 0;
}
