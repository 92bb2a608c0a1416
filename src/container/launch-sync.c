/* SPDX-License-Identifier: Apache-2.0 */
#include "container/launch-sync.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"

void launch_phase(struct launch *l, enum container_phase phase)
{
	l->phase_ns[phase] = clock_monotonic();
}

void handed_add_take(struct handed *h, int fd)
{
	if (h->count == h->size) {
		h->size = h->size ? h->size * 2 : 16;
		h->fds = xreallocarray(h->fds, h->size, sizeof(*h->fds));
	}
	h->fds[h->count++] = fd;
}

void handed_done(struct handed *h)
{
	for (uint32_t i = 0; i < h->count; i++)
		close_p(&h->fds[i]);
	free(h->fds);
	*h = (struct handed){ 0 };
}

int sync_pair(int ret[2], struct error *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret) < 0)
		return error_set(err, errno, "make a socket pair");
	return 0;
}

/* Sends what stands before @len bytes of the message. */
static int sync_send(int fd, const struct sync_message *m, size_t len, const int *fds, size_t count,
		     struct error *err)
{
	ssize_t n = fd_send(fd, m, len, fds, count);
	return n < 0 ? error_set(err, (int)n, "talk to the new process") : 0;
}

#define SYNC_SIZE(member) \
	(offsetof(struct sync_message, error) + sizeof(((struct sync_message *)0)->member))
#define SYNC_SIZE_BARE offsetof(struct sync_message, error)

int sync_mapped(int fd, struct error *err)
{
	struct sync_message m = { .kind = SYNC_MAPPED };
	return sync_send(fd, &m, SYNC_SIZE_BARE, NULL, 0, err);
}

int sync_hand_over(int fd, const struct handed *h, struct error *err)
{
	struct sync_message m = { .kind = SYNC_MOUNTS };
	uint32_t at = 0;
	for (; h->count - at > FD_PASS_MAX; at += FD_PASS_MAX) {
		int r = sync_send(fd, &m, SYNC_SIZE_BARE, h->fds + at, FD_PASS_MAX, err);
		if (r < 0)
			return r;
	}
	m.kind = SYNC_GO;
	m.go.cgroups = h->cgroups;
	m.go.entries = h->entries;
	m.go.unified = h->unified;
	memcpy(m.go.cgroup_of, h->cgroup_of, sizeof(m.go.cgroup_of));
	return sync_send(fd, &m, SYNC_SIZE(go), h->fds + at, h->count - at, err);
}

static int sync_receive(int fd, struct sync_message *m, int *fds, size_t room, size_t *count,
			struct error *err)
{
	ssize_t n = fd_recv(fd, m, sizeof(*m), fds, room, count);
	if (n == 0)
		return error_say(err, EPIPE, "the keeper has gone");
	if (n < (ssize_t)SYNC_SIZE_BARE)
		return error_set(err, n < 0 ? (int)n : EBADMSG, "hear from the keeper");
	return 0;
}

int sync_wait_mapped(int fd, struct error *err)
{
	struct sync_message m;
	size_t count = 0;
	int r = sync_receive(fd, &m, NULL, 0, &count, err);
	if (r == 0 && m.kind != SYNC_MAPPED)
		r = error_say(err, EBADMSG, "the keeper said something else than expected");
	return r;
}

int sync_wait_mounts(int fd, struct handed *ret, struct error *err)
{
	for (;;) {
		struct sync_message m = { 0 };
		int fds[FD_PASS_MAX];
		size_t count = 0;
		int r = sync_receive(fd, &m, fds, FD_PASS_MAX, &count, err);
		if (r < 0)
			return r;
		for (size_t i = 0; i < count; i++)
			handed_add_take(ret, fds[i]);
		if (m.kind == SYNC_GO) {
			ret->cgroups = m.go.cgroups;
			ret->entries = m.go.entries;
			ret->unified = m.go.unified;
			memcpy(ret->cgroup_of, m.go.cgroup_of, sizeof(ret->cgroup_of));
			return 0;
		}
		if (m.kind != SYNC_MOUNTS)
			return error_say(err, EBADMSG,
					 "the keeper said something else than expected");
	}
}

int sync_console(int fd, int master_fd, struct error *err)
{
	struct sync_message m = { .kind = SYNC_CONSOLE };
	return sync_send(fd, &m, SYNC_SIZE_BARE, &master_fd, 1, err);
}

int sync_left(int fd, int mount_fd, struct error *err)
{
	struct sync_message m = { .kind = SYNC_LEFT };
	return sync_send(fd, &m, SYNC_SIZE_BARE, &mount_fd, 1, err);
}

/* From here on the process may be under a filter that knows write(2), but not sendmsg(2). */

int sync_phases(int fd, const int64_t *phase_ns, struct error *err)
{
	struct sync_message m = { .kind = SYNC_PHASES };
	memcpy(m.phase_ns, phase_ns, sizeof(m.phase_ns));
	if (write(fd, &m, SYNC_SIZE(phase_ns)) < 0)
		return error_set(err, errno, "talk to the keeper");
	return 0;
}

void sync_failed(int fd, int exit_code, const struct error *err)
{
	struct sync_message m = { .kind = SYNC_FAILED, .exit_code = exit_code, .error = *err };
	ssize_t n = write(fd, &m, SYNC_SIZE(error));
	(void)n; /* the caller has gone: there is nobody to be told */
}
