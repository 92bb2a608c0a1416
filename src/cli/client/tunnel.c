/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client/tunnel.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/process.h"
#include "base/strv.h"

/* Starts @path with a socket pair's end as standard input and output; gives the other end. */
static int spawn_tunnel(const char *path, struct strv *argv, struct error *err)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return error_set(err, errno, "make a socket pair");
	auto_close int ours = ends[0];
	auto_close int theirs = ends[1];
	const struct process_fd fds[] = { { theirs, 0 }, { theirs, 1 }, { STDERR_FILENO, 2 } };
	int r = process_spawn(path, argv->items, environ, fds, ARRAY_SIZE(fds), &pid, err);
	return r < 0 ? r : take_fd(ours);
}

static bool find_program(const char *name, char ret[PATH_MAX])
{
	const char *path = getenv("PATH");

	for (const char *at = path ? path : "/usr/bin:/bin"; at; at = *at ? at + 1 : NULL) {
		const char *end = strchrnul(at, ':');
		int n = snprintf(ret, PATH_MAX, "%.*s/%s", (int)(end - at), at, name);
		if (at[0] == '/' && n < PATH_MAX && access(ret, X_OK) == 0)
			return true;
		at = end;
	}
	return false;
}

int tunnel_ssh_arguments(const char *url, struct strv *ret, struct error *err)
{
	auto_free char *target = xstrdup(url + strlen("ssh://"));

	target[strcspn(target, "/")] = '\0';
	char *at = strrchr(target, '@');
	char *host = at ? at + 1 : target;
	/* in "[::1]" the colons are the address's */
	char *bracket = *host == '[' ? strchr(host, ']') : NULL;
	char *colon = strchr(bracket ? bracket : host, ':');
	size_t digits = colon ? strspn(colon + 1, "0123456789") : 0;
	bool bad_port = colon && (digits == 0 || digits > 5 || colon[1 + digits]);
	if (bad_port || !*host || *host == ':' || *host == '-' || at == target ||
	    target[0] == '-' || (*host == '[' && !bracket))
		return error_say(err, EINVAL, "bad engine address '%s'", url);
	strv_add(ret, "ssh");
	strv_add(ret, "-T");
	strv_add(ret, "-oConnectTimeout=30");
	if (colon) {
		*colon = '\0';
		strv_addf(ret, "-p%s", colon + 1);
	}
	strv_add(ret, "--");
	if (bracket) {
		*bracket = '\0';
		memmove(host, host + 1, strlen(host));
	}
	strv_add(ret, target);
	strv_add(ret, "berth system dial-stdio");
	return 0;
}

int tunnel_ssh(const char *url, struct error *err)
{
	auto_strv argv = {};
	char path[PATH_MAX];

	int r = tunnel_ssh_arguments(url, &argv, err);
	if (r < 0)
		return r;
	if (!find_program("ssh", path))
		return error_say(err, ENOENT, "connect to %s: no ssh program in PATH", url);
	return spawn_tunnel(path, &argv, err);
}

int tunnel_tls(const char *address, const char *tls_dir, struct error *err)
{
	auto_strv argv = {};
	char own[PATH_MAX];
	char path[PATH_MAX + sizeof("/berth-tls")];

	ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);
	own[n > 0 ? n : 0] = '\0';
	char *slash = strrchr(own, '/');
	if (!slash)
		return error_say(err, ENOENT, "find the folder of this program");
	*slash = '\0';
	(void)snprintf(path, sizeof(path), "%s/berth-tls", own);
	if (access(path, X_OK) < 0 && !find_program("berth-tls", path))
		return error_say(err, ENOENT, "connect to tcp://%s: berth-tls is not installed",
				 address);
	strv_add(&argv, "berth-tls");
	strv_add(&argv, address);
	strv_add(&argv, tls_dir);
	return spawn_tunnel(path, &argv, err);
}
