/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <microhttpd.h>
#include <pthread.h>
#include <sys/queue.h>

#include "api/http/http.h"
#include "api/ring.h"
#include "base/strbuf.h"

/**
 * DOC: What the files of the HTTP layer share
 *
 *	http-server.c    the daemon, its connections and their deadlines
 *	http-exchange.c  libmicrohttpd's callbacks: one request from its head to its end
 *	http-request.c   what handlers read of a request
 *	http-reply.c     how handlers answer
 *
 * A request is made when its target is read (http_on_target) and released when libmicrohttpd is
 *done with it (http_on_completed), always in the connection's thread. A handler in a thread of its
 *own is joined before that. @lock guards @answer and what belongs to it; everything else is set
 *before the handler starts or used by one thread only.
 */

/* ---- Connections ---------------------------------------------------------------------------- */

enum connection_state {
	CONNECTION_FRESH, /* nothing whole has come yet */
	CONNECTION_IDLE,  /* between two requests */
	CONNECTION_BUSY,  /* a handler has it; on no list */
	CONNECTION_GIVEN, /* upgraded: no longer ours to shut down */
};

TAILQ_HEAD(connection_list, connection);

struct connection {
	int fd;
	enum connection_state state;
	int64_t since_ns;
	TAILQ_ENTRY(connection) link; /* by age, on the list of its state */
};

struct http_server {
	struct http_options options;
	struct MHD_Daemon *daemon;
	pthread_mutex_t lock;
	pthread_cond_t idle; /* signalled when @busy falls to 0 */
	struct connection_list lists[CONNECTION_GIVEN + 1];
	size_t connections;
	size_t busy; /* handlers and continuations that run */
	bool stopping;
};

/* Moves a connection to another state and restarts its clock. */
void connection_enter(struct http_server *s, struct connection *c, enum connection_state state);
struct connection *connection_of(struct MHD_Connection *mhd);

/* Count handlers and continuations under way, for http_server_stop(). */
void server_work_begin(struct http_server *s);
void server_work_end(struct http_server *s);

/* ---- Requests ------------------------------------------------------------------------------- */

enum answer { ANSWER_NONE, ANSWER_WHOLE, ANSWER_STREAM, ANSWER_UPGRADE, ANSWER_BARE };

/* What an upgrade needs after its request is gone. */
struct upgrade {
	struct http_server *server;
	struct connection *connection;
	http_continuation *go_on;
	void *arg;
	void (*free_arg)(void *arg);
};

struct http_request {
	struct http_server *server;
	struct MHD_Connection *mhd;
	int64_t received_ns;
	char *target;
	bool begun; /* the head was looked at */
	bool ended; /* the answer is queued, or will be as soon as it is known */
	struct uri uri;
	const struct http_route *route;
	struct route_params params;

	struct strbuf body; /* of a route without HTTP_BODY_STREAM */
	struct ring *upload;
	bool upload_whole; /* guarded by @lock */

	bool has_thread;
	pthread_t thread;

	pthread_mutex_t lock;
	pthread_cond_t answered;
	enum answer answer;
	unsigned int status;
	struct MHD_Response *response;
	struct strv header_names, header_values; /* to be added to the response */
	struct ring *stream;
	bool stream_broken; /* guarded by @lock */
	bool bare;          /* the handler has answered on the socket itself */
	struct upgrade *upgrade;
};

/* The handler of a bare answer is done: lets the connection's thread close it. */
void answer_bare_end(struct http_request *rq);

/* libmicrohttpd's callbacks. */
void *http_on_target(void *server, const char *target, struct MHD_Connection *mhd);
enum MHD_Result http_on_access(void *server, struct MHD_Connection *mhd, const char *url,
			       const char *method, const char *version, const char *data,
			       size_t *size, void **rq);
void http_on_completed(void *server, struct MHD_Connection *mhd, void **rq,
		       enum MHD_RequestTerminationCode why);
ssize_t http_on_read(void *rq, uint64_t position, char *data, size_t len);
void http_on_upgrade(void *upgrade, struct MHD_Connection *mhd, void *rq, const char *pending,
		     size_t pending_len, MHD_socket socket,
		     struct MHD_UpgradeResponseHandle *handle);
