/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/root-switch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/mounts.h"

int root_open(struct error *err)
{
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_set(err, errno, "open the root") : fd;
}

int root_cover(int mount_fd, struct error *err)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_set(err, errno, "separate the mounts from the host's");
	auto_close int old_fd = root_open(err);
	return old_fd < 0 ? old_fd : mount_attach(mount_fd, old_fd, err);
}

int root_uncover(struct error *err)
{
	/* What is unmounted is the uppermost mount of the place. */
	return umount2("/", MNT_DETACH) < 0 ? error_set(err, errno, "uncover the root") : 0;
}

int root_switch(int mount_fd, struct error *err)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_set(err, errno, "separate the mounts from the host's");
	auto_close int old_fd = root_open(err);
	if (old_fd < 0)
		return old_fd;
	int r = mount_attach(mount_fd, old_fd, err);
	if (r < 0)
		return error_prefix(err, "enter the root");
	if (fchdir(mount_fd) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return error_set(err, errno, "enter the root");
	if (fchdir(old_fd) < 0 || umount2(".", MNT_DETACH) < 0)
		return error_set(err, errno, "leave the old root");
	if (chdir("/") < 0)
		return error_set(err, errno, "stand in the root");
	return 0;
}
