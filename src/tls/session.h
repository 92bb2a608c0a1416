/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>

#include "base/error.h"

/**
 * DOC: TLS sessions of Berth's tunnel
 *
 * Both sides prove who they are: a folder holds ca.pem, the authority that both must be signed by, and
 * cert.pem and key.pem, one's own. TLS 1.2 is the oldest version spoken.
 */

/* Longest time for a handshake. */
#define TLS_HANDSHAKE_MS 10000

static inline void ssl_ctx_free_p(SSL_CTX **p)
{
	SSL_CTX_free(*p);
}
static inline void ssl_free_p(SSL **p)
{
	SSL_free(*p);
}
#define auto_ssl_ctx auto_(ssl_ctx_free_p) SSL_CTX
#define auto_ssl auto_(ssl_free_p) SSL

/**
 * tls_context() - read a folder of certificates
 * @server: for the side that is connected to
 *
 * Return: 0 or a negative errno.
 */
must_check int tls_context(const char *folder, bool server, SSL_CTX **ret, struct error *err);

/**
 * tls_begin() - shake hands over a connected socket, which is made non-blocking
 * @host: name or address that the server's certificate must be for; NULL on the server's side
 */
must_check int tls_begin(SSL_CTX *context, int socket, const char *host, SSL **ret,
			 struct error *err);

/**
 * tls_relay() - carry bytes both ways until both ends have been told
 * @ssl:   a session whose hands are shaken
 * @in:    what is read here is sent over it
 * @out:   what comes over it is written here
 * @close: tells the end of what came over it to @out: shutdown(2) or close(2)
 */
void tls_relay(SSL *ssl, int in, int out, void (*close)(int out));
