/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "container/launch.h"

/**
 * DOC: The words between the two sides of a start
 *
 * A socket pair of packets. To the process: SYNC_MAPPED, then SYNC_MOUNTS with up to
 * FD_PASS_MAX descriptors each, then SYNC_GO. Back: SYNC_CONSOLE with the terminal's master,
 * SYNC_LEFT with a mount that the process does not want to wait to be closed, SYNC_PHASES, and
 * either SYNC_FAILED or the end of the stream, which is execve()'s closing.
 */
enum sync_kind {
	SYNC_MAPPED = 1,
	SYNC_MOUNTS,
	SYNC_GO,
	SYNC_CONSOLE,
	SYNC_LEFT,
	SYNC_PHASES,
	SYNC_FAILED,
};

struct sync_message {
	uint32_t kind;     /* enum sync_kind */
	int32_t exit_code; /* SYNC_FAILED */
	union {
		struct {
			uint32_t cgroups;
			uint32_t entries;
			uint8_t cgroup_of[CGROUP_CONTROLLER_COUNT];
			uint8_t unified;
		} go;
		int64_t phase_ns[CONTAINER_PHASE_COUNT];
		struct error error;
	};
};

/* Makes the pair; @ret[0] is the caller's, @ret[1] the process's. */
must_check int sync_pair(int ret[2], struct error *err);

/* The caller's words. */
must_check int sync_mapped(int fd, struct error *err);
must_check int sync_hand_over(int fd, const struct handed *h, struct error *err);

/* The process's waits; -EPIPE where the caller has gone. */
must_check int sync_wait_mapped(int fd, struct error *err);
must_check int sync_wait_mounts(int fd, struct handed *ret, struct error *err);

/* The process's words. */
must_check int sync_console(int fd, int master_fd, struct error *err);
must_check int sync_left(int fd, int mount_fd, struct error *err);
must_check int sync_phases(int fd, const int64_t *phase_ns, struct error *err);
void sync_failed(int fd, int exit_code, const struct error *err);
