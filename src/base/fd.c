/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/ident.h"

int write_full(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len > 0) {
		ssize_t n = write(fd, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t read_full(int fd, void *data, size_t len)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = read(fd, (char *)data + got, len - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

int read_file_fd(int fd, const char *path, size_t cap, struct strbuf *ret, struct error *err)
{
	size_t start = ret->len;
	for (;;) {
		char chunk[16384];
		ssize_t n = read_full(fd, chunk, sizeof(chunk));
		if (n < 0)
			return error_set(err, (int)n, "read %s", path);
		strbuf_add(ret, chunk, (size_t)n);
		if (ret->overflow || ret->len - start > cap)
			return error_set(err, EFBIG, "read %s", path);
		if ((size_t)n < sizeof(chunk))
			return 0;
	}
}

int read_file_at(int dir_fd, const char *path, size_t cap, struct strbuf *ret, struct error *err)
{
	auto_close int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, errno, "open %s", path);
	return read_file_fd(fd, path, cap, ret, err);
}

static int sync_parent(int dir_fd, const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	char parent[4096];
	int n = slash ? snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path + 1), path)
		      : snprintf(parent, sizeof(parent), ".");
	if (n < 0 || (size_t)n >= sizeof(parent))
		return error_set(err, ENAMETOOLONG, "sync the folder of %s", path);

	auto_close int fd = openat(dir_fd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return error_set(err, errno, "sync the folder of %s", path);
	return 0;
}

int write_file_at(int dir_fd, const char *path, const void *data, size_t len, mode_t mode,
		  bool sync, struct error *err)
{
	char id[17];
	ident_random_hex(id, 16);
	char temp[4096];
	int n = snprintf(temp, sizeof(temp), "%s.%s", path, id);
	if (n < 0 || (size_t)n >= sizeof(temp))
		return error_set(err, ENAMETOOLONG, "write %s", path);

	auto_close int fd = openat(dir_fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return error_set(err, errno, "create %s", temp);

	int r = write_full(fd, data, len);
	if (r == 0 && fchmod(fd, mode) < 0)
		r = -errno;
	if (r == 0 && sync && fdatasync(fd) < 0)
		r = -errno;
	if (r == 0 && renameat(dir_fd, temp, dir_fd, path) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(dir_fd, temp, 0);
		return error_set(err, r, "write %s", path);
	}
	return sync ? sync_parent(dir_fd, path, err) : 0;
}

int write_text_at(int dir_fd, const char *path, const char *text)
{
	auto_close int fd = openat(dir_fd, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;

	size_t len = strlen(text);
	ssize_t n = write(fd, text, len);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

ssize_t fd_send(int sock, const void *data, size_t len, const int *fds, size_t fd_count)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(FD_PASS_MAX * sizeof(int))];
	} control = {};
	struct iovec iov = { .iov_base = (void *)data, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd_count > FD_PASS_MAX)
		return -EINVAL;
	if (fd_count > 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, fd_count * sizeof(int));
	}

	ssize_t n;
	do
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* Moves the descriptors of a received message to @fds; those that have no room are closed. */
static bool take_descriptors(struct msghdr *msg, int *fds, size_t fd_room, size_t *fd_count)
{
	bool fits = true;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (*fd_count < fd_room) {
				fds[(*fd_count)++] = fd;
			} else {
				(void)close(fd);
				fits = false;
			}
		}
	}
	return fits && !(msg->msg_flags & MSG_CTRUNC);
}

ssize_t fd_recv(int sock, void *data, size_t len, int *fds, size_t fd_room, size_t *fd_count)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(FD_PASS_MAX * sizeof(int))];
	} control = {};
	struct iovec iov = { .iov_base = data, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	ssize_t n;

	do
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;

	size_t count = 0;
	bool fits = take_descriptors(&msg, fds, fd_room, &count);
	if (!fits || (msg.msg_flags & MSG_TRUNC)) {
		for (size_t i = 0; i < count; i++)
			(void)close(fds[i]);
		return -EMSGSIZE;
	}
	if (fd_count)
		*fd_count = count;
	return n;
}

int fd_memory(const char *name, const void *data, size_t len)
{
	auto_close int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;

	int r = write_full(fd, data, len);
	if (r < 0)
		return r;
	if (lseek(fd, 0, SEEK_SET) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return -errno;
	return take_fd(fd);
}

static int change_flag(int fd, int get, int set, int flag, bool on)
{
	int flags = fcntl(fd, get);
	if (flags < 0)
		return -errno;

	int wanted = on ? flags | flag : flags & ~flag;
	if (wanted != flags && fcntl(fd, set, wanted) < 0)
		return -errno;
	return 0;
}

int fd_set_nonblock(int fd, bool nonblock)
{
	return change_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, nonblock);
}

int fd_set_cloexec(int fd, bool cloexec)
{
	return change_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, cloexec);
}

/*
 * Fills @addr for @path. A path longer than sun_path is reached through a descriptor of its folder,
 * which the caller holds in @dir_fd until the call that uses the address is done.
 */
static int address_of(const char *path, struct sockaddr_un *addr, int *dir_fd)
{
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) < sizeof(addr->sun_path)) {
		memcpy(addr->sun_path, path, strlen(path) + 1);
		return 0;
	}

	const char *slash = strrchr(path, '/');
	if (!slash)
		return -ENAMETOOLONG;
	char folder[4096];
	int n = snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path + 1), path);
	if (n < 0 || (size_t)n >= sizeof(folder))
		return -ENAMETOOLONG;
	*dir_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*dir_fd < 0)
		return -errno;
	n = snprintf(addr->sun_path, sizeof(addr->sun_path), "/proc/self/fd/%d/%s", *dir_fd,
		     slash + 1);
	return n < 0 || (size_t)n >= sizeof(addr->sun_path) ? -ENAMETOOLONG : 0;
}

int unix_listen(const char *path, int type, mode_t mode, struct error *err)
{
	struct sockaddr_un addr;
	auto_close int dir_fd = -1;
	int r = address_of(path, &addr, &dir_fd);
	if (r < 0)
		return error_set(err, r, "listen on %s", path);

	auto_close int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_set(err, errno, "listen on %s", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return error_set(err, errno, "remove the old socket %s", path);
	/* the mode of the unbound socket is what bind() gives the file, less the umask: never too
	 * wide */
	if (fchmod(fd, mode) < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    chmod(addr.sun_path, mode) < 0 || listen(fd, SOMAXCONN) < 0)
		return error_set(err, errno, "listen on %s", path);
	return take_fd(fd);
}

int unix_connect(const char *path, int type, struct error *err)
{
	struct sockaddr_un addr;
	auto_close int dir_fd = -1;
	int r = address_of(path, &addr, &dir_fd);
	if (r < 0)
		return error_set(err, r, "connect to %s", path);

	auto_close int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return error_set(err, errno, "connect to %s", path);
	return take_fd(fd);
}

int socket_send(int sock, const void *data, size_t len, int timeout_ms)
{
	const char *from = data;

	while (len > 0) {
		ssize_t n = send(sock, from, len, MSG_NOSIGNAL);
		struct pollfd p = { .fd = sock, .events = POLLOUT };

		if (n >= 0) {
			from += n;
			len -= (size_t)n;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		int ready = poll(&p, 1, timeout_ms);
		if (ready == 0)
			return -ETIMEDOUT;
		if (ready < 0 && errno != EINTR)
			return -errno;
	}
	return 0;
}
