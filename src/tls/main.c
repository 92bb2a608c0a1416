/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "tls/serve.h"
#include "tls/session.h"

static const char usage[] =
	"Usage: berth-tls ADDRESS:PORT FOLDER\n"
	"       berth-tls --listen ADDRESS:PORT FOLDER SOCKET\n\n"
	"Carries standard input and output over TLS to an engine on another host, as\n"
	"berth does for its contexts; or serves the engine behind SOCKET over TLS.\n"
	"FOLDER holds ca.pem, cert.pem and key.pem.\n";

static int connect_any(const char *host, const char *port, struct error *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	auto_close int fd = -1;
	int errnum = ENOENT;
	int on = 1;

	int r = getaddrinfo(host, port, &hints, &found);
	if (r != 0)
		return error_say(err, ENOENT, "find %s: %s", host, gai_strerror(r));
	for (struct addrinfo *a = found; a; a = a->ai_next) {
		fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) == 0)
			break;
		errnum = errno;
		close_p(&fd);
		fd = -1;
	}
	freeaddrinfo(found);
	if (fd < 0)
		return error_set(err, errnum, "connect to %s:%s", host, port);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return take_fd(fd);
}

/* Standard output may be one end of a socket pair, whose other direction goes on. */
static void end_output(int fd)
{
	if (shutdown(fd, SHUT_WR) < 0)
		(void)close(fd);
}

static int tunnel(const char *address, const char *folder, struct error *err)
{
	auto_ssl_ctx *context = NULL;
	auto_ssl *ssl = NULL;
	char host[256];
	char port[8];

	if (!tls_split_address(address, host, port))
		return error_say(err, EINVAL, "bad address '%s': want HOST:PORT", address);
	int r = tls_context(folder, false, &context, err);
	if (r < 0)
		return r;
	auto_close int fd = connect_any(host, port, err);
	if (fd < 0)
		return fd;
	r = tls_begin(context, fd, host, &ssl, err);
	if (r == 0)
		tls_relay(ssl, STDIN_FILENO, STDOUT_FILENO, end_output);
	return r;
}

int main(int argc, char **argv)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct error err = {};
	int r;

	(void)sigaction(SIGPIPE, &ignore, NULL);
	if (argc == 5 && strcmp(argv[1], "--listen") == 0) {
		r = tls_serve(argv[2], argv[3], argv[4], &err);
	} else if (argc == 3 && argv[1][0] != '-') {
		r = tunnel(argv[1], argv[2], &err);
	} else {
		bool asked = argc == 2 && strcmp(argv[1], "--help") == 0;
		(void)fputs(usage, asked ? stdout : stderr);
		return asked ? 0 : 1;
	}
	if (r < 0)
		(void)fprintf(stderr, "berth-tls: %s\n", err.text);
	return r < 0 ? 1 : 0;
}
