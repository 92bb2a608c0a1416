/* SPDX-License-Identifier: Apache-2.0 */
#include "store/layer/erofs-mount.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/macros.h"
#include "sys/loop.h"

/* The kernel says more than an errno by way of the context's descriptor: "e erofs: …". */
static int fail(int context, int errnum, const char *act, const char *path, struct error *err)
{
	char text[256];

	ssize_t n = read(context, text, sizeof(text) - 1);
	if (n <= 2)
		return error_set(err, errnum, "%s '%s'", act, path);
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return error_set(err, errnum, "%s '%s': %s", act, path, text + 2);
}

static int mount_paths(const char *index, const char *tar, struct error *err)
{
	auto_close int context = fsopen("erofs", FSOPEN_CLOEXEC);
	if (context < 0)
		return error_set(err, errno, "open the erofs file system type");

	if (fsconfig(context, FSCONFIG_SET_STRING, "source", index, 0) < 0)
		return fail(context, errno, "set source", index, err);
	if (fsconfig(context, FSCONFIG_SET_STRING, "device", tar, 0) < 0)
		return fail(context, errno, "set device", tar, err);
	if (fsconfig(context, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0 ||
	    fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fail(context, errno, "mount", index, err);

	int fd = fsmount(context, FSMOUNT_CLOEXEC,
			 MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	if (fd < 0)
		return fail(context, errno, "mount", index, err);
	return fd;
}

static int attach(const char *path, char ret_path[LOOP_PATH], struct error *err)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, errno, "open '%s'", path);
	return loop_attach(fd, ret_path, err);
}

int erofs_mount(const char *index, const char *tar, bool loop, struct error *err)
{
	char index_device[LOOP_PATH];
	char tar_device[LOOP_PATH];

	if (!loop)
		return mount_paths(index, tar, err);

	auto_close int index_loop = attach(index, index_device, err);
	if (index_loop < 0)
		return index_loop;
	auto_close int tar_loop = attach(tar, tar_device, err);
	if (tar_loop < 0)
		return tar_loop;
	return mount_paths(index_device, tar_device, err);
}
