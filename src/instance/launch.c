/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/process.h"
#include "instance/isolation.h"
#include "instance/manager-internal.h"

void launch_done(struct launch *launch)
{
	close_p(&launch->plan_fd);
	plan_fds_done(&launch->fds);
	if (launch->spare) {
		/* its keeper is the instance's by now, or ends with the connection */
		close_p(&launch->spare->pidfd);
		close_p(&launch->spare->socket);
		free(launch->spare);
		launch->spare = NULL;
	}
}

/*
 * Whether a keeper may complain where the engine does: in a file or the journal. It outlives the
 * engine and must not hold a terminal or a pipe open, whose other end would wait for ever.
 */
static bool has_lasting_log(void)
{
	struct stat st;
	return fstat(STDERR_FILENO, &st) == 0 && (S_ISREG(st.st_mode) || S_ISSOCK(st.st_mode));
}

int launch_spawn(struct manager *m, const struct launch *launch, char *const argv[],
		 const int places[5], pid_t *ret, struct error *err)
{
	auto_free struct process_fd *fds =
		xcalloc(launch->fds.count + KEEPER_FD_FIRST, sizeof(*fds));
	size_t count = 0;
	char path[64];

	for (int place = KEEPER_FD_PLAN; place < KEEPER_FD_FIRST; place++)
		fds[count++] = (struct process_fd){ places[place - KEEPER_FD_PLAN], place };
	for (uint32_t i = 0; i < launch->fds.count; i++)
		fds[count++] =
			(struct process_fd){ launch->fds.items[i], KEEPER_FD_FIRST + (int)i };
	if (has_lasting_log())
		fds[count++] = (struct process_fd){ STDERR_FILENO, STDERR_FILENO };

	/* The child closes its copy before it executes: so it goes by way of this process. */
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), m->options.keeper_fd);
	int result = process_spawn(path, argv, NULL, fds, count, ret, err);
	return result < 0 ? error_prefix(err, "start the keeper") : 0;
}
