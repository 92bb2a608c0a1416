/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/strbuf.h"

/**
 * DOC: Descriptors
 *
 * Whole reads and writes, small files, and descriptors passed over unix sockets. Everything is
 * opened O_CLOEXEC. Functions named *_at() take a directory descriptor and a path that the operator
 * or Berth itself chose; paths that an image or a caller names go through sys/rootfs.h instead.
 */

/* Most descriptors that one message carries. */
#define FD_PASS_MAX 64

/**
 * write_full() - write everything
 * Return: 0 or a negative errno.
 */
int write_full(int fd, const void *data, size_t len);

/**
 * read_full() - read until @len bytes or the end
 * Return: how many bytes were read, or a negative errno.
 */
ssize_t read_full(int fd, void *data, size_t len);

/**
 * read_file_at() - read a small file whole
 * @dir_fd: directory, or AT_FDCWD
 * @path:   operator's path below it
 * @cap:    most bytes accepted; a longer file gives -EFBIG
 * @ret:    appended to; its own cap counts too
 */
must_check int read_file_at(int dir_fd, const char *path, size_t cap, struct strbuf *ret,
			    struct error *err);

/* As read_file_at() for a file that is open already; @path only names it in errors. */
must_check int read_file_fd(int fd, const char *path, size_t cap, struct strbuf *ret,
			    struct error *err);

/**
 * write_file_at() - write a file by way of a temporary one and a rename
 * @mode: permission bits
 * @sync: also fdatasync the file and fsync its directory
 */
must_check int write_file_at(int dir_fd, const char *path, const void *data, size_t len,
			     mode_t mode, bool sync, struct error *err);

/* Writes @text into an existing file (a limit, a map) in one write(2); 0 or a negative errno. */
int write_text_at(int dir_fd, const char *path, const char *text);

/**
 * fd_send() - send one message with descriptors over a unix socket
 * Return: bytes sent, or a negative errno. Never raises SIGPIPE.
 */
ssize_t fd_send(int sock, const void *data, size_t len, const int *fds, size_t fd_count);

/**
 * fd_recv() - receive one message and its descriptors (close-on-exec)
 * @fds:      receives the descriptors, room for @fd_room; more than that are closed and give
 * -EMSGSIZE
 * @fd_count: receives how many came
 *
 * Return: bytes received (0 at the end), or a negative errno; -EMSGSIZE also for a message that did
 *         not fit into @len.
 */
ssize_t fd_recv(int sock, void *data, size_t len, int *fds, size_t fd_room, size_t *fd_count);

/**
 * fd_memory() - make a sealed memory file
 * @name: shown in /proc, for debugging
 * @data: content, copied
 *
 * Return: a descriptor at the content's beginning; the content can no longer be changed. Or a
 *         negative errno.
 */
int fd_memory(const char *name, const void *data, size_t len);

/**
 * socket_send() - send everything, whether the socket blocks or not
 * @timeout_ms: how long a peer that takes nothing is waited for
 *
 * Return: 0, or a negative errno; -ETIMEDOUT. Never raises SIGPIPE.
 */
must_check int socket_send(int sock, const void *data, size_t len, int timeout_ms);

int fd_set_nonblock(int fd, bool nonblock);
int fd_set_cloexec(int fd, bool cloexec);

/**
 * unix_listen() - make a listening unix socket
 * @path: where; a stale socket there is replaced. Paths longer than sun_path go by /proc/self/fd.
 * @type: SOCK_STREAM or SOCK_SEQPACKET
 * @mode: permission bits of the socket
 *
 * Return: the descriptor, or a negative errno with @err filled.
 */
int unix_listen(const char *path, int type, mode_t mode, struct error *err);

/* Connects to the unix socket at @path; the descriptor, or a negative errno with @err filled. */
int unix_connect(const char *path, int type, struct error *err);
