/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

#define PIECE 16384

/* OpenSSL's own words for the first thing that went wrong. */
static int fail(struct error *err, const char *what)
{
	unsigned long code = ERR_get_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return error_say(err, EPROTO, "%s: %s", what, reason ? reason : "unknown error");
}

int tls_context(const char *folder, bool server, SSL_CTX **ret, struct error *err)
{
	auto_ssl_ctx *context = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	char path[PATH_MAX];

	if (!context || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1)
		return fail(err, "set up TLS");
	(void)snprintf(path, sizeof(path), "%s/ca.pem", folder);
	if (SSL_CTX_load_verify_locations(context, path, NULL) != 1)
		return fail(err, path);
	(void)snprintf(path, sizeof(path), "%s/cert.pem", folder);
	if (SSL_CTX_use_certificate_chain_file(context, path) != 1)
		return fail(err, path);
	(void)snprintf(path, sizeof(path), "%s/key.pem", folder);
	if (SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(context) != 1)
		return fail(err, path);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					  SSL_MODE_AUTO_RETRY);
	*ret = context;
	context = NULL;
	return 0;
}

/* The certificate must be for @host, which may be an address. */
static bool expect_host(SSL *ssl, const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
	return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

/* Waits for what @code, a failed call's, asks for; false past the deadline or for a real failure. */
static bool await(SSL *ssl, int code, int64_t deadline)
{
	int wants = SSL_get_error(ssl, code);
	int64_t left = (deadline - clock_monotonic()) / NSEC_PER_MSEC;
	struct pollfd p = { .fd = SSL_get_fd(ssl), .events = POLLIN };

	if (wants == SSL_ERROR_WANT_WRITE)
		p.events = POLLOUT;
	else if (wants != SSL_ERROR_WANT_READ)
		return false;
	return left > 0 && (poll(&p, 1, (int)left) > 0 || errno == EINTR);
}

int tls_begin(SSL_CTX *context, int socket, const char *host, SSL **ret, struct error *err)
{
	int64_t deadline = clock_monotonic() + TLS_HANDSHAKE_MS * NSEC_PER_MSEC;
	auto_ssl *ssl = SSL_new(context);

	if (!ssl || SSL_set_fd(ssl, socket) != 1 || fd_set_nonblock(socket, true) < 0)
		return fail(err, "set up TLS");
	if (host && !expect_host(ssl, host))
		return fail(err, host);
	for (;;) {
		int r = host ? SSL_connect(ssl) : SSL_accept(ssl);
		if (r == 1)
			break;
		if (!await(ssl, r, deadline)) {
			long verdict = SSL_get_verify_result(ssl);
			if (verdict != X509_V_OK)
				return error_say(err, EACCES, "the peer's certificate: %s",
						 X509_verify_cert_error_string(verdict));
			return fail(err, "shake hands");
		}
	}
	*ret = ssl;
	ssl = NULL;
	return 0;
}

/* ---- Carrying --------------------------------------------------------------------------------- */

/* One way: what was read and not yet written. */
struct way {
	char data[PIECE];
	size_t at;
	size_t len;
	bool ended; /* nothing more will be read */
	bool told;  /* and the other end knows */
};

struct relay {
	SSL *ssl;
	int in;
	int out;
	void (*close)(int out);
	struct way there; /* from @in over the session */
	struct way back;  /* from the session to @out */
	bool wants_write; /* the session waits to write rather than to read */
	bool broken;
};

static bool is_empty(const struct way *w)
{
	return w->at == w->len;
}

/* What a failed call of the session means; true where it may be tried again. */
static void note_failure(struct relay *r, int code)
{
	switch (SSL_get_error(r->ssl, code)) {
	case SSL_ERROR_WANT_READ:
		break;
	case SSL_ERROR_WANT_WRITE:
		r->wants_write = true;
		break;
	case SSL_ERROR_ZERO_RETURN:
		r->back.ended = true;
		break;
	default:
		ERR_clear_error();
		r->broken = true;
	}
}

static void read_session(struct relay *r)
{
	int n = SSL_read(r->ssl, r->back.data, sizeof(r->back.data));

	if (n > 0) {
		r->back.at = 0;
		r->back.len = (size_t)n;
	} else {
		note_failure(r, n);
	}
}

static void write_session(struct relay *r)
{
	int n = SSL_write(r->ssl, r->there.data + r->there.at, (int)(r->there.len - r->there.at));

	if (n > 0)
		r->there.at += (size_t)n;
	else
		note_failure(r, n);
}

static void read_plain(struct relay *r)
{
	ssize_t n = read(r->in, r->there.data, sizeof(r->there.data));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	r->there.ended = n <= 0;
	r->there.at = 0;
	r->there.len = n > 0 ? (size_t)n : 0;
}

static void write_plain(struct relay *r)
{
	ssize_t n = write(r->out, r->back.data + r->back.at, r->back.len - r->back.at);

	if (n > 0)
		r->back.at += (size_t)n;
	else if (n < 0 && errno != EINTR && errno != EAGAIN)
		r->broken = true;
}

/* Does what can be done without waiting. */
static void advance(struct relay *r)
{
	r->wants_write = false;
	if (is_empty(&r->back) && !r->back.ended)
		read_session(r);
	if (!r->broken && !is_empty(&r->there))
		write_session(r);
	if (!r->broken && r->there.ended && is_empty(&r->there) && !r->there.told) {
		int code = SSL_shutdown(r->ssl);
		r->there.told = code >= 0;
		if (code < 0)
			note_failure(r, code);
	}
	if (r->back.ended && is_empty(&r->back) && !r->back.told) {
		r->close(r->out);
		r->back.told = true;
	}
}

static void await_any(struct relay *r)
{
	bool pending = is_empty(&r->back) && SSL_pending(r->ssl) > 0;
	bool waits = !is_empty(&r->there) || r->wants_write;
	struct pollfd polls[] = {
		{ .fd = SSL_get_fd(r->ssl),
		  .events = (short)((is_empty(&r->back) && !r->back.ended ? POLLIN : 0) |
				    (waits ? POLLOUT : 0)) },
		{ .fd = is_empty(&r->there) && !r->there.ended ? r->in : -1, .events = POLLIN },
		{ .fd = is_empty(&r->back) ? -1 : r->out, .events = POLLOUT },
	};

	if (polls[0].events == 0)
		polls[0].fd = -1;
	if (poll(polls, ARRAY_SIZE(polls), pending ? 0 : -1) < 0 && errno != EINTR)
		r->broken = true;
	if (polls[1].revents)
		read_plain(r);
	if (polls[2].revents)
		write_plain(r);
}

void tls_relay(SSL *ssl, int in, int out, void (*close)(int out))
{
	struct relay r = { .ssl = ssl, .in = in, .out = out, .close = close };

	for (;;) {
		advance(&r);
		if (r.broken || (r.there.told && r.back.told))
			return;
		await_any(&r);
	}
}
