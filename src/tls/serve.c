/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/serve.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/log.h"
#include "tls/session.h"

#define STACK_BYTES 262144

struct server {
	SSL_CTX *context;
	const char *socket;
	sem_t room; /* connections that may still be taken */
};

struct connection {
	struct server *server;
	int fd;
};

bool tls_split_address(const char *address, char host[256], char port[8])
{
	const char *colon = strrchr(address, ':');
	size_t len = colon ? (size_t)(colon - address) : 0;

	if (len > 2 && address[0] == '[' && address[len - 1] == ']') {
		address++;
		len -= 2;
	} else if (strcspn(address, ":[]") < len) {
		return false;
	}
	if (len == 0 || len > 255 || strlen(colon + 1) > 7 || !colon[1] ||
	    strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return false;
	memcpy(host, address, len);
	host[len] = '\0';
	memcpy(port, colon + 1, strlen(colon + 1) + 1);
	return true;
}

static void half_close(int fd)
{
	(void)shutdown(fd, SHUT_WR);
}

static int carry(const struct connection *c, struct error *err)
{
	auto_ssl *ssl = NULL;

	int r = tls_begin(c->server->context, c->fd, NULL, &ssl, err);
	if (r < 0)
		return r;
	auto_close int engine = unix_connect(c->server->socket, SOCK_STREAM, err);
	if (engine < 0)
		return engine;
	tls_relay(ssl, engine, engine, half_close);
	return 0;
}

static void *run_connection(void *arg)
{
	struct connection *c = arg;
	struct error err = {};

	if (carry(c, &err) < 0)
		log_event(LOG_LEVEL_WARNING, "connection refused", "cause", err.text, NULL);
	close_p(&c->fd);
	(void)sem_post(&c->server->room);
	free(c);
	return NULL;
}

static int listen_on(const char *address, struct error *err)
{
	const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
	};
	struct addrinfo *found = NULL;
	char host[256];
	char port[8];
	int on = 1;

	if (!tls_split_address(address, host, port) || getaddrinfo(host, port, &hints, &found) != 0)
		return error_say(err, EINVAL, "bad address '%s'", address);
	auto_close int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
		    bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, 64) == 0;
	int errnum = errno;
	freeaddrinfo(found);
	return good ? take_fd(fd) : error_set(err, errnum, "listen on %s", address);
}

static int accept_one(struct server *server, int listener, const pthread_attr_t *attributes,
		      struct error *err)
{
	pthread_t thread;
	int on = 1;

	while (sem_wait(&server->room) < 0)
		continue;
	auto_close int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0) {
		(void)sem_post(&server->room);
		/* what a client or a full table did ends nothing */
		bool passing = errno == EINTR || errno == ECONNABORTED || errno == EMFILE ||
			       errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
		return passing ? 0 : error_set(err, errno, "accept a connection");
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	struct connection *c = xnew(struct connection);
	*c = (struct connection){ .server = server, .fd = take_fd(fd) };
	if (pthread_create(&thread, attributes, run_connection, c) != 0) {
		close_p(&c->fd);
		free(c);
		(void)sem_post(&server->room);
	}
	return 0;
}

int tls_serve(const char *address, const char *folder, const char *socket, struct error *err)
{
	struct server server = { .socket = socket };
	auto_ssl_ctx *context = NULL;
	pthread_attr_t attributes;

	int r = tls_context(folder, true, &context, err);
	if (r < 0)
		return r;
	auto_close int listener = listen_on(address, err);
	if (listener < 0)
		return listener;
	server.context = context;
	if (sem_init(&server.room, 0, SERVE_MAX) < 0 || pthread_attr_init(&attributes) != 0)
		return error_set(err, errno, "set up threads");
	(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	(void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
	log_event(LOG_LEVEL_INFO, "serves the engine over TLS", "address", address, "engine",
		  socket, NULL);
	while (r == 0)
		r = accept_one(&server, listener, &attributes, err);
	return r;
}
