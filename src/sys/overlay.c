/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/macros.h"
#include "sys/mount-context.h"
#include "sys/mounts.h"

/* Sets a parameter that names a folder: by descriptor, or by the descriptor's name in /proc. */
static int set_folder(int context_fd, const char *key, int fd, struct error *err)
{
	if (fsconfig(context_fd, FSCONFIG_SET_FD, key, NULL, fd) == 0)
		return 0;
	/* EBADF: a kernel that takes descriptors, but no O_PATH ones, which mounts' are. */
	if (errno == EINVAL || errno == EBADF) {
		char path[64];
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (fsconfig(context_fd, FSCONFIG_SET_STRING, key, path, 0) == 0)
			return 0;
	}
	char act[64];
	int errnum = errno;
	(void)snprintf(act, sizeof(act), "set %s of an overlay", key);
	return mount_context_fail(context_fd, errnum, act, err);
}

static int set_flag(int context_fd, const char *key, const char *value, struct error *err)
{
	int r = value ? fsconfig(context_fd, FSCONFIG_SET_STRING, key, value, 0)
		      : fsconfig(context_fd, FSCONFIG_SET_FLAG, key, NULL, 0);
	if (r == 0)
		return 0;
	char act[64];
	int errnum = errno;
	(void)snprintf(act, sizeof(act), "set %s of an overlay", key);
	return mount_context_fail(context_fd, errnum, act, err);
}

int overlay_mount(const struct overlay *o, struct error *err)
{
	auto_close int context_fd = fsopen("overlay", FSOPEN_CLOEXEC);
	if (context_fd < 0)
		return error_set(err, errno, "open file system overlay");
	int r = set_flag(context_fd, "source", "berth", err);
	for (size_t i = 0; r == 0 && i < o->layer_count; i++)
		r = set_folder(context_fd, "lowerdir+", o->layers[i], err);
	if (r == 0 && o->upper_fd >= 0) {
		r = set_folder(context_fd, "upperdir", o->upper_fd, err);
		if (r == 0)
			r = set_folder(context_fd, "workdir", o->work_fd, err);
		if (r == 0 && o->is_volatile)
			r = set_flag(context_fd, "volatile", NULL, err);
	}
	if (r < 0)
		return r;
	return mount_context_finish(context_fd, "overlay", o->attrs, err);
}

bool overlay_takes_detached(void)
{
	static int known = -1;
	if (known >= 0)
		return known;
	/*
	 * A context takes the descriptor of any folder at this point. Old ones know no such key; for a
	 * while they took no O_PATH descriptor, which is what a mount's is.
	 */
	auto_close int context_fd = fsopen("overlay", FSOPEN_CLOEXEC);
	auto_close int dir_fd = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	known = context_fd >= 0 && dir_fd >= 0 &&
		fsconfig(context_fd, FSCONFIG_SET_FD, "lowerdir+", NULL, dir_fd) == 0;
	return known;
}
