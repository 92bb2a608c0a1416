/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

int pty_open(int ptmx_fd, int *ret_peer_fd, struct error *err)
{
	struct stat st;
	struct statfs fs;
	if (fstat(ptmx_fd, &st) < 0 || fstatfs(ptmx_fd, &fs) < 0)
		return error_set(err, errno, "look at ptmx");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(5, 2) ||
	    (unsigned long)fs.f_type != DEVPTS_SUPER_MAGIC)
		return error_say(err, ENOTTY, "ptmx is no pseudoterminal multiplexer");
	int unlock = 0;
	if (ioctl(ptmx_fd, TIOCSPTLCK, &unlock) < 0)
		return error_set(err, errno, "unlock a pseudoterminal");
	int peer = ioctl(ptmx_fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (peer < 0)
		return error_set(err, errno, "open a pseudoterminal's other end");
	*ret_peer_fd = peer;
	return 0;
}

int pty_resize(int fd, uint16_t rows, uint16_t cols)
{
	struct winsize size = { .ws_row = rows, .ws_col = cols };
	return ioctl(fd, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}
