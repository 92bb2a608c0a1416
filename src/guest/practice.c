/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/practice.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "container/container.h"
#include "container/plan/plan.h"
#include "guest/root.h"
#include "sys/process-fd.h"

#define FOLDER "practice"
#define PROGRAM_TIMEOUT_MS 2000

static void run(const struct plan *plan, const int *fds)
{
	auto_container *container = NULL;
	auto_container_process process = CONTAINER_PROCESS_NONE;
	const struct container_streams streams = { { -1, -1, -1 } };
	struct error ignored;
	int code, signal_number;

	if (container_start(plan, fds, &streams, &process, &container, &ignored) < 0)
		return;
	if (pidfd_wait_end(process.pidfd, PROGRAM_TIMEOUT_MS) < 0) {
		(void)pidfd_signal(process.pidfd, SIGKILL);
		(void)pidfd_wait_end(process.pidfd, -1);
	}
	(void)pidfd_reap(process.pidfd, &code, &signal_number);
	(void)!container_end(container, &ignored);
}

void practise(const struct plan *plan, const struct root_disks *disks)
{
	int fds[GUEST_LAYERS_MAX + 1];
	int writable = disks->fds[disks->count - 1];
	struct error ignored;

	if (mkdirat(writable, FOLDER, 0700) < 0)
		return;
	auto_close int folder = openat(writable, FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	memcpy(fds, disks->fds, disks->count * sizeof(*fds));
	fds[disks->count - 1] = folder;
	if (folder >= 0)
		run(plan, fds);
	(void)!path_remove_tree_at(writable, FOLDER, &ignored);
}
