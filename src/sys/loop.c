/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "base/macros.h"

#define LOOP_SECTOR 512
#define LOOP_TRIES 64

int loop_attach(int file_fd, char ret_path[LOOP_PATH], struct error *err)
{
	const struct loop_config config = {
		.fd = (__u32)file_fd,
		.block_size = LOOP_SECTOR,
		.info = { .lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR },
	};

	auto_close int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	if (control < 0)
		return error_set(err, errno, "open /dev/loop-control");

	/* Between being told a free device and taking it, another process may have taken it. */
	for (int i = 0; i < LOOP_TRIES; i++) {
		int number = ioctl(control, LOOP_CTL_GET_FREE);
		if (number < 0)
			return error_set(err, errno, "find a free loop device");
		snprintf(ret_path, LOOP_PATH, "/dev/loop%d", number);
		auto_close int fd = open(ret_path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return error_set(err, errno, "open %s", ret_path);
		if (ioctl(fd, LOOP_CONFIGURE, &config) == 0)
			return take_fd(fd);
		if (errno != EBUSY)
			return error_set(err, errno, "set up %s", ret_path);
	}
	return error_say(err, EBUSY, "no loop device stayed free");
}
