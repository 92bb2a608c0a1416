/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/macros.h"
#include "sys/mount-context.h"

#define OPTION_MAX 256u

int mount_context_fail(int context_fd, int errnum, const char *act, struct error *err)
{
	/* A context's log holds lines such as "e overlay: ..."; only the last one matters. */
	char line[ERROR_TEXT / 2], last[ERROR_TEXT / 2] = "";
	ssize_t n;
	while (context_fd >= 0 && (n = read(context_fd, line, sizeof(line) - 1)) > 2) {
		line[n] = '\0';
		line[strcspn(line, "\n")] = '\0';
		memcpy(last, line + 2, (size_t)n - 1);
	}
	if (last[0])
		return error_set(err, errnum, "%s: %s", act, last);
	return error_set(err, errnum, "%s", act);
}

static int context_option(int context_fd, const char *option)
{
	const char *equals = strchr(option, '=');
	if (!equals)
		return fsconfig(context_fd, FSCONFIG_SET_FLAG, option, NULL, 0);
	char key[OPTION_MAX];
	size_t len = (size_t)(equals - option);
	if (len >= sizeof(key)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(key, option, len);
	key[len] = '\0';
	return fsconfig(context_fd, FSCONFIG_SET_STRING, key, equals + 1, 0);
}

int mount_context_finish(int context_fd, const char *type, uint64_t attrs, struct error *err)
{
	char act[64];
	if (fsconfig(context_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) {
		(void)snprintf(act, sizeof(act), "make file system %s", type);
		return mount_context_fail(context_fd, errno, act, err);
	}
	int mount_fd = fsmount(context_fd, FSMOUNT_CLOEXEC, (unsigned)attrs);
	if (mount_fd < 0) {
		(void)snprintf(act, sizeof(act), "mount file system %s", type);
		return mount_context_fail(context_fd, errno, act, err);
	}
	return mount_fd;
}

int mount_new(const char *type, const char *const *options, size_t count, uint64_t attrs,
	      struct error *err)
{
	auto_close int context_fd = fsopen(type, FSOPEN_CLOEXEC);
	if (context_fd < 0)
		return error_set(err, errno, "open file system %s", type);
	for (size_t i = 0; i < count; i++) {
		if (context_option(context_fd, options[i]) < 0) {
			char act[OPTION_MAX];
			int errnum = errno;
			(void)snprintf(act, sizeof(act), "set option %s of file system %s",
				       options[i], type);
			return mount_context_fail(context_fd, errnum, act, err);
		}
	}
	return mount_context_finish(context_fd, type, attrs, err);
}

int mount_clone(int dir_fd, const char *path, bool recursive, struct error *err)
{
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
	if (recursive)
		flags |= AT_RECURSIVE;
	if (!path[0])
		flags |= AT_EMPTY_PATH;
	int fd = open_tree(dir_fd, path, flags);
	if (fd < 0)
		return error_set(err, errno, "copy mount%s%s", path[0] ? " of " : "", path);
	return fd;
}

int mount_attach(int mount_fd, int target_fd, struct error *err)
{
	if (move_mount(mount_fd, "", target_fd, "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return error_set(err, errno, "attach mount");
	return 0;
}

int mount_detach(int mount_fd)
{
	char path[64];
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", mount_fd);
	return umount2(path, MNT_DETACH) < 0 ? -errno : 0;
}

int mount_change(int mount_fd, const struct mount_change *change, struct error *err)
{
	struct mount_attr attr = {
		.attr_set = change->set,
		.attr_clr = change->clear,
		.propagation = change->propagation,
	};
	/* The four ways to treat access times are one field: it is cleared before it is set. */
	if (attr.attr_set & MOUNT_ATTR__ATIME)
		attr.attr_clr |= MOUNT_ATTR__ATIME;
	if (change->idmap_fd > 0) {
		attr.attr_set |= MOUNT_ATTR_IDMAP;
		attr.userns_fd = (uint64_t)change->idmap_fd;
	}
	unsigned flags = AT_EMPTY_PATH | (change->recursive ? AT_RECURSIVE : 0);
	if (mount_setattr(mount_fd, "", flags, &attr, sizeof(attr)) < 0)
		return error_set(err, errno, "%s",
				 change->idmap_fd > 0 ? "shift the owners of a mount"
						      : "change a mount");
	return 0;
}
