/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/strv.h"

/**
 * DOC: Where a URL leads
 *
 * Servers hand out URLs: redirects, upload locations, token servers. An *origin* is what decides
 * about them: scheme, host and port. Only http and https exist here, and no user names in URLs.
 */

#define ORIGIN_HOST 256

struct origin {
	bool tls;               /* https */
	char host[ORIGIN_HOST]; /* lower case; an IPv6 address stands in brackets */
	uint16_t port;          /* never 0 */
};

/**
 * url_origin() - where a URL leads
 * Return: 0; -EBADMSG where it is no absolute http or https URL or holds a user name.
 */
must_check int url_origin(const char *url, struct origin *ret, struct error *err);

/**
 * url_resolve() - the URL that a server means by a Location
 * @base:     absolute URL of the request
 * @location: absolute or relative
 * @ret:      receives the malloc'ed URL, without a fragment; untouched on failure
 *
 * Return: 0 or -EBADMSG.
 */
must_check int url_resolve(const char *base, const char *location, char **ret, struct error *err);

/* Appends a query parameter, escaped; @url is a malloc'ed URL that this replaces. */
must_check int url_add_query(char **url, const char *key, const char *value, struct error *err);

bool origin_equal(const struct origin *a, const struct origin *b);

/* "host:port", or "host" where the port is the scheme's own; malloc'ed. */
char *origin_text(const struct origin *o);

/* 127.0.0.0/8, ::1 and localhost: what never leaves this machine. */
bool host_is_loopback(const char *host);

/**
 * host_is_listed() - whether an operator's list names a server
 * @list: "host", "host:port", or a CIDR such as "10.0.0.0/8" that addresses match
 */
bool host_is_listed(const struct strv *list, const struct origin *o);

/**
 * host_same_site() - whether two hosts belong to one owner, as far as names tell
 *
 * The same registrable domain: "auth.docker.io" and "registry-1.docker.io". Addresses and single
 * words only match themselves. Of a country's general domains ("co.uk") one label more counts.
 */
bool host_same_site(const char *a, const char *b);
