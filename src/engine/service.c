/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/service.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "engine/options.h"

#define READY_FD 3
#define LISTEN_FD 3 /* the first that systemd passes */
#define READY_WORD "ready"

/* ---- Background ----------------------------------------------------------------------------- */

static int await_word(int fd, struct error *err)
{
	char word[ERROR_TEXT];
	ssize_t n = read_full(fd, word, sizeof(word) - 1);

	word[n > 0 ? n : 0] = '\0';
	if (strcmp(word, READY_WORD) == 0)
		return 0;
	return error_say(err, EIO, "%s", *word ? word : "the engine ended while it started");
}

int service_spawn(const struct engine_options *options, int argc, char **argv, struct error *err)
{
	auto_strv words = {};
	int ends[2];

	strv_add(&words, argv[0]);
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--daemon") != 0)
			strv_add(&words, argv[i]);
	strv_addf(&words, "--ready-fd=%d", READY_FD);

	if (pipe2(ends, O_CLOEXEC) < 0) {
		(void)error_set(err, errno, "start the engine in the background");
		return 1;
	}
	auto_close int reader = ends[0];
	auto_close int writer = ends[1];
	const struct process_fd fds[] = { { writer, READY_FD } };
	pid_t pid;
	(void)options;
	int r = process_spawn("/proc/self/exe", words.items, environ, fds, ARRAY_SIZE(fds), &pid,
			      err);
	close_p(&writer);
	if (r == 0)
		r = await_word(reader, err);
	return r < 0 ? 1 : 0;
}

int service_detach(const struct engine_options *options, struct error *err)
{
	(void)setsid();
	if (chdir("/") < 0)
		return error_set(err, errno, "change to /");
	auto_close int fd =
		open(options->log_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
		return error_set(err, errno, "open %s", options->log_file);
	return fd_set_cloexec(options->ready_fd, true);
}

static void tell_waiting(struct engine_options *options, const char *word)
{
	if (options->ready_fd < 0)
		return;
	(void)write_full(options->ready_fd, word, strlen(word));
	close_p(&options->ready_fd);
}

/* ---- One engine only ------------------------------------------------------------------------ */

int service_lock(const char *state_dir, struct error *err)
{
	auto_free char *path = xasprintf("%s/lock", state_dir);
	auto_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_set(err, errno, "open %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK
			       ? error_say(err, EBUSY, "another engine uses %s", state_dir)
			       : error_set(err, errno, "lock %s", path);
	return take_fd(fd);
}

/* ---- The socket ----------------------------------------------------------------------------- */

/* Whether systemd passes a socket to this very process. */
static bool is_activated(void)
{
	const char *pid = getenv("LISTEN_PID");
	const char *count = getenv("LISTEN_FDS");

	return pid && count && strtol(pid, NULL, 10) == getpid() && strtol(count, NULL, 10) > 0;
}

static int own_by_group(const char *path, const char *name, struct error *err)
{
	struct group entry;
	struct group *found = NULL;
	char buffer[16384];

	int r = getgrnam_r(name, &entry, buffer, sizeof(buffer), &found);
	if (r != 0 || !found)
		return error_say(err, r ? r : ENOENT, "there is no group '%s'", name);
	if (chown(path, 0, found->gr_gid) < 0)
		return error_set(err, errno, "give %s to group '%s'", path, name);
	return 0;
}

int service_listen(const struct engine_options *options, bool *ret_activated, struct error *err)
{
	*ret_activated = is_activated();
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	if (*ret_activated) {
		int r = fd_set_cloexec(LISTEN_FD, true);
		return r < 0 ? error_set(err, r, "take the socket over") : LISTEN_FD;
	}

	auto_free char *folder = xstrdup(options->socket);
	char *slash = strrchr(folder, '/');
	*slash = '\0';
	int r = *folder ? path_make_dirs(folder, 0755, err) : 0;
	if (r < 0)
		return r;
	auto_close int fd = unix_listen(options->socket, SOCK_STREAM, 0660, err);
	if (fd < 0)
		return fd;
	r = options->group ? own_by_group(options->socket, options->group, err) : 0;
	return r < 0 ? r : take_fd(fd);
}

/* ---- systemd -------------------------------------------------------------------------------- */

/* One datagram, as sd_notify(3) describes it. */
static void notify(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, strlen(path));
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	auto_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		(void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)));
}

void service_ready(struct engine_options *options)
{
	notify("READY=1");
	tell_waiting(options, READY_WORD);
}

void service_stopping(void)
{
	notify("STOPPING=1");
}

void service_failed(struct engine_options *options, const struct error *why)
{
	tell_waiting(options, why->text);
}
