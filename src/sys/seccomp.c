/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/seccomp.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"

int seccomp_load(const void *program, size_t len, uint32_t flags, struct error *err)
{
	if (len == 0 || len % sizeof(struct sock_filter) ||
	    len / sizeof(struct sock_filter) > BPF_MAXINSNS)
		return error_say(err, EINVAL, "the seccomp program is of no possible length");
	auto_free struct sock_filter *filter = xmemdup(program, len);
	struct sock_fprog prog = {
		.len = (unsigned short)(len / sizeof(*filter)),
		.filter = filter,
	};
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog) < 0)
		return error_set(err, errno, "load the seccomp filter");
	/* A filter may refuse this very call; only a clear "none" is a failure. */
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == SECCOMP_MODE_DISABLED)
		return error_say(err, EPERM, "the seccomp filter is not in force");
	return 0;
}
