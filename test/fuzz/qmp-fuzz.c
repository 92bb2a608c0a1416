/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "fuzz.h"
#include "vm/qmp.h"

/* A QEMU that a guest has taken over, and the monitor's client. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fds[2];
	struct error err;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return 0;
	if (size > 0 && write(fds[1], data, size) == (ssize_t)size) {
		(void)shutdown(fds[1], SHUT_WR);
		struct qmp *q = qmp_new(fds[0], NULL, NULL);
		if (qmp_negotiate(q, 1, &err) == 0)
			(void)!qmp_execute(q, "stop", NULL, -1, 1, NULL, &err);
		(void)!qmp_pump(q, &err);
		qmp_free(q);
	}
	close_p(&fds[0]);
	close_p(&fds[1]);
	return 0;
}
