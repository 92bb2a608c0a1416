/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/strv.h"

/**
 * DOC: Engines on other hosts
 *
 * A tunnel is a child process with one end of a socket pair as its standard input and output; the
 * other end takes the place of the connection. Over ssh the child is `ssh HOST berth system
 * dial-stdio`, so keys, agents and jump hosts are ssh's own business. With TLS it is berth-tls, a
 * small program beside this one that is linked with OpenSSL, which `berth` itself is not: it would
 * start ten times slower.
 */

/**
 * tunnel_ssh_arguments() - the command line of ssh for an address
 * @url: "ssh://[user@]host[:port]"; an IPv6 address stands in brackets
 * @ret: appended to, the program's name first
 *
 * Return: 0; -EINVAL where a part is missing, or could be taken for an option.
 */
must_check int tunnel_ssh_arguments(const char *url, struct strv *ret, struct error *err);

/* @url is "ssh://[user@]host[:port]"; a connected stream socket or a negative errno. */
must_check int tunnel_ssh(const char *url, struct error *err);

/* @address is "host:port"; @tls_dir holds ca.pem, cert.pem and key.pem. */
must_check int tunnel_tls(const char *address, const char *tls_dir, struct error *err);
