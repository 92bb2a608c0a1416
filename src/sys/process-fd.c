/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/process-fd.h"

#include <errno.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

int pidfd_for(pid_t pid)
{
	long fd = syscall(SYS_pidfd_open, pid, 0);
	return fd < 0 ? -errno : (int)fd;
}

int pidfd_signal(int pidfd, int signal)
{
	return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

int pidfd_wait_end(int pidfd, int timeout_ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int64_t end = clock_monotonic() + timeout_ms * NSEC_PER_MSEC;
	for (;;) {
		int left = -1;
		if (timeout_ms >= 0) {
			int64_t ns = end - clock_monotonic();
			left = ns > 0 ? (int)((ns + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC) : 0;
		}
		int n = poll(&p, 1, left);
		if (n > 0)
			return 0;
		if (n == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

bool pidfd_ended(int pidfd)
{
	return pidfd_wait_end(pidfd, 0) == 0;
}

int pidfd_reap(int pidfd, int *ret_code, int *ret_signal)
{
	siginfo_t info = { 0 };
	int r;
	do {
		r = waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG);
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	if (info.si_pid == 0)
		return -EAGAIN;
	*ret_signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
	*ret_code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
	return 0;
}
