/* SPDX-License-Identifier: Apache-2.0 */
#include "write-calls.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tracee.h"

#define NONE (-1)

/* Which arguments of a call say where it writes. */
struct write_call {
	long number;
	int fd;   /* descriptor of the file, or of the folder where a path follows */
	int path; /* relative to it, or NONE */
	int flags;
};

static const struct write_call calls[] = {
	{ SYS_write, 0, NONE, NONE },
	{ SYS_pwrite64, 0, NONE, NONE },
	{ SYS_writev, 0, NONE, NONE },
	{ SYS_pwritev, 0, NONE, NONE },
	{ SYS_pwritev2, 0, NONE, NONE },
	{ SYS_ftruncate, 0, NONE, NONE },
	{ SYS_fallocate, 0, NONE, NONE },
	{ SYS_fsync, 0, NONE, NONE },
	{ SYS_fdatasync, 0, NONE, NONE },
	{ SYS_fsetxattr, 0, NONE, NONE },
	{ SYS_copy_file_range, 2, NONE, NONE },
	{ SYS_sendfile, 0, NONE, NONE },
	{ SYS_splice, 2, NONE, NONE },
	{ SYS_mkdir, NONE, 0, NONE },
	{ SYS_mkdirat, 0, 1, NONE },
	{ SYS_mknodat, 0, 1, NONE },
	{ SYS_symlinkat, 1, 2, NONE },
	{ SYS_linkat, 2, 3, NONE },
	{ SYS_rename, NONE, 1, NONE },
	{ SYS_renameat, 2, 3, NONE },
	{ SYS_renameat2, 2, 3, NONE },
	{ SYS_open, NONE, 0, 1 },
	{ SYS_openat, 0, 1, 2 },
	{ SYS_openat2, 0, 1, 2 },
};

static bool read_memory(const struct tracee *t, uint64_t at, void *ret, size_t len)
{
	struct iovec ours = { ret, len };
	struct iovec theirs = { (void *)(uintptr_t)at, len };
	return process_vm_readv(t->process, &ours, 1, &theirs, 1, 0) == (ssize_t)len;
}

/* A path may end just before a page that is not there, so it is read byte by byte where it must be. */
static bool read_path(const struct tracee *t, uint64_t at, char ret[PATH_MAX])
{
	for (size_t i = 0; i < PATH_MAX; i++) {
		if (!read_memory(t, at + i, ret + i, 1))
			return false;
		if (!ret[i])
			return true;
	}
	return false;
}

static bool is_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);
	if (len == 1)
		return path[0] == '/' && strncmp(path, "/memfd:", 7) != 0;
	return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static bool fd_is_below(const struct tracee *t, int fd, const char *folder)
{
	char link[64];
	char path[PATH_MAX];

	if (fd == AT_FDCWD)
		(void)snprintf(link, sizeof(link), "/proc/%d/cwd", t->process);
	else
		(void)snprintf(link, sizeof(link), "/proc/%d/fd/%d", t->process, fd);
	ssize_t n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return false;
	path[n] = '\0';
	return is_below(path, folder);
}

static bool makes_file(const struct tracee *t, const struct write_call *call)
{
	uint64_t flags = t->args[call->flags];

	if (call->number == SYS_openat2 &&
	    !read_memory(t, flags + offsetof(struct open_how, flags), &flags, sizeof(flags)))
		return false;
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
}

static bool is_meant(const struct tracee *t, const struct write_call *call, const char *folder)
{
	char path[PATH_MAX];

	if (call->flags != NONE && !makes_file(t, call))
		return false;
	if (call->path != NONE) {
		if (!read_path(t, t->args[call->path], path))
			return false;
		if (path[0] == '/')
			return is_below(path, folder);
	}
	return fd_is_below(t, call->fd == NONE ? AT_FDCWD : (int)t->args[call->fd], folder);
}

bool write_call_below(const struct tracee *t, const char *folder)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (calls[i].number == (long)t->call)
			return is_meant(t, &calls[i], folder);
	}
	return false;
}
