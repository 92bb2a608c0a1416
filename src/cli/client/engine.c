/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client/engine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "cli/client/tunnel.h"

#define START_TIMEOUT_MS 30000

void endpoint_done(struct endpoint *e)
{
	free(e->url);
	free(e->tls_dir);
	*e = (struct endpoint){};
}

/* First berthd that can be executed: beside this program, then where packages put it. */
static bool find_engine(char ret[PATH_MAX])
{
	static const char *const beside[] = { "berthd", "../libexec/berth/berthd",
					      "../sbin/berthd" };
	static const char *const fixed[] = { "/usr/local/libexec/berth/berthd",
					     "/usr/local/sbin/berthd", "/usr/libexec/berth/berthd",
					     "/usr/sbin/berthd" };
	char own[PATH_MAX];

	ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);
	own[n > 0 ? n : 0] = '\0';
	char *slash = strrchr(own, '/');
	for (size_t i = 0; slash && i < ARRAY_SIZE(beside); i++) {
		int len = snprintf(ret, PATH_MAX, "%.*s/%s", (int)(slash - own), own, beside[i]);
		if (len < PATH_MAX && access(ret, X_OK) == 0)
			return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++) {
		(void)snprintf(ret, PATH_MAX, "%s", fixed[i]);
		if (access(ret, X_OK) == 0)
			return true;
	}
	return false;
}

static int start_engine(struct error *err)
{
	char path[PATH_MAX];
	char daemon[] = "--daemon";
	auto_strbuf output = STRBUF_INIT(4096);

	if (!find_engine(path))
		return error_say(err, ENOENT, "start the engine: berthd is nowhere to be found");
	char *const argv[] = { path, daemon, NULL };
	int r = process_run(argv, START_TIMEOUT_MS, &output, err);
	if (r < 0)
		return error_prefix(err, "start the engine");
	while (output.len > 0 && output.data[output.len - 1] == '\n')
		output.data[--output.len] = '\0';
	if (r > 0)
		return error_say(err, ECONNREFUSED, "start the engine: %s",
				 output.len > 0 ? strbuf_text(&output) : "berthd failed");
	return 0;
}

static int connect_unix(const struct endpoint *e, const char *path, struct error *err)
{
	struct error cause = {};
	int fd = unix_connect(path, SOCK_STREAM, &cause);
	if ((fd == -ENOENT || fd == -ECONNREFUSED) && e->may_start && geteuid() == 0) {
		int r = start_engine(&cause);
		fd = r < 0 ? r : unix_connect(path, SOCK_STREAM, &cause);
	}
	if (fd == -ENOENT || fd == -ECONNREFUSED)
		return error_say(err, -fd,
				 "Cannot connect to the Berth engine at %s. Is it running? (%s)",
				 e->url, cause.text);
	if (fd == -EACCES)
		return error_say(err, EACCES,
				 "permission denied while trying to connect to the Berth engine "
				 "at %s",
				 e->url);
	return fd < 0 ? error_say(err, -fd, "%s", cause.text) : fd;
}

/* Plain TCP goes to numeric loopback addresses only: nothing guards such a connection. */
static int connect_tcp(const char *address, struct error *err)
{
	char host[64];
	const char *colon = strrchr(address, ':');
	size_t len = colon ? (size_t)(colon - address) : strlen(address);
	struct sockaddr_in to = { .sin_family = AF_INET };

	if (len == 0 || len >= sizeof(host))
		return error_say(err, EINVAL, "bad engine address 'tcp://%s'", address);
	memcpy(host, address, len);
	host[len] = '\0';
	if (strcmp(host, "localhost") == 0)
		(void)snprintf(host, sizeof(host), "127.0.0.1");
	char *end = NULL;
	unsigned long port = colon ? strtoul(colon + 1, &end, 10) : 2375;
	if (inet_pton(AF_INET, host, &to.sin_addr) != 1 || port == 0 || port > 65535 ||
	    (end && *end && *end != '/'))
		return error_say(err, EINVAL, "bad engine address 'tcp://%s'", address);
	if (ntohl(to.sin_addr.s_addr) >> 24 != IN_LOOPBACKNET)
		return error_say(err, EPERM,
				 "connect to tcp://%s: without TLS only this host's own loopback "
				 "addresses are allowed; use ssh:// or a context with certificates",
				 address);
	to.sin_port = htons((uint16_t)port);

	auto_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return error_set(err, errno, "Cannot connect to the Berth engine at tcp://%s",
				 address);
	int on = 1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return take_fd(fd);
}

int engine_connect(const struct endpoint *e, const char **ret_host, struct error *err)
{
	*ret_host = "berth";
	if (strncmp(e->url, "unix://", 7) == 0)
		return connect_unix(e, e->url + 7, err);
	if (strncmp(e->url, "ssh://", 6) == 0)
		return tunnel_ssh(e->url, err);
	if (strncmp(e->url, "tcp://", 6) == 0 && e->tls_dir)
		return tunnel_tls(e->url + 6, e->tls_dir, err);
	if (strncmp(e->url, "tcp://", 6) == 0)
		return connect_tcp(e->url + 6, err);
	return error_say(err, EINVAL, "bad engine address '%s': want unix://, tcp:// or ssh://",
			 e->url);
}
