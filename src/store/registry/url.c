/* SPDX-License-Identifier: Apache-2.0 */
#include "store/registry/url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define URL_MAX 8192

static void curlu_p(CURLU **u)
{
	curl_url_cleanup(*u);
}

static void curl_text_p(char **text)
{
	curl_free(*text);
}

#define auto_curlu auto_(curlu_p) CURLU
#define auto_curl_text auto_(curl_text_p) char

static int malformed(const char *url, const char *why, struct error *err)
{
	return error_say(err, EBADMSG, "URL '%.200s': %s", url, why);
}

static int parse(CURLU *u, const char *url, struct error *err)
{
	if (strlen(url) > URL_MAX)
		return malformed(url, "it is too long", err);
	for (const char *c = url; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return malformed(url, "it holds control characters or blanks", err);
	CURLUcode r = curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER);
	if (r != CURLUE_OK)
		return malformed(url, curl_url_strerror(r), err);
	return 0;
}

int url_origin(const char *url, struct origin *ret, struct error *err)
{
	auto_curlu *u = curl_url();
	auto_curl_text *scheme = NULL;
	auto_curl_text *host = NULL;
	auto_curl_text *port = NULL;

	int r = parse(u, url, err);
	if (r < 0)
		return r;
	if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		return malformed(url, "it names no host", err);

	struct origin o = { .tls = strcmp(scheme, "https") == 0 };
	if (!o.tls && strcmp(scheme, "http") != 0)
		return malformed(url, "only http and https are spoken", err);
	if (curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK)
		return malformed(url, "it names no port", err);
	unsigned long number = strtoul(port, NULL, 10);
	if (number == 0 || number > 65535 || host[0] == '\0' || strlen(host) >= sizeof(o.host))
		return malformed(url, "its host or port is malformed", err);
	o.port = (uint16_t)number;
	for (size_t i = 0; host[i]; i++)
		o.host[i] = (char)tolower((unsigned char)host[i]);
	*ret = o;
	return 0;
}

int url_resolve(const char *base, const char *location, char **ret, struct error *err)
{
	auto_curlu *u = curl_url();
	auto_curl_text *url = NULL;

	if (location[0] == '\0')
		return error_say(err, EBADMSG, "the place to go on at is empty");
	int r = parse(u, base, err);
	if (r == 0)
		r = parse(u, location, err);
	if (r < 0)
		return r;
	(void)curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
	if (curl_url_get(u, CURLUPART_URL, &url, 0) != CURLUE_OK)
		return malformed(location, "it leads nowhere", err);
	*ret = xstrdup(url);
	return 0;
}

int url_add_query(char **url, const char *key, const char *value, struct error *err)
{
	auto_curlu *u = curl_url();
	auto_curl_text *text = NULL;
	auto_free char *pair = xasprintf("%s=%s", key, value);

	int r = parse(u, *url, err);
	if (r < 0)
		return r;
	if (curl_url_set(u, CURLUPART_QUERY, pair, CURLU_APPENDQUERY | CURLU_URLENCODE) !=
		    CURLUE_OK ||
	    curl_url_get(u, CURLUPART_URL, &text, 0) != CURLUE_OK)
		return malformed(*url, "it takes no parameter", err);
	free(*url);
	*url = xstrdup(text);
	return 0;
}

bool origin_equal(const struct origin *a, const struct origin *b)
{
	return a->tls == b->tls && a->port == b->port && strcmp(a->host, b->host) == 0;
}

char *origin_text(const struct origin *o)
{
	if (o->port == (o->tls ? 443 : 80))
		return xstrdup(o->host);
	return xasprintf("%s:%u", o->host, o->port);
}

/* The bytes of an address, brackets allowed; its family, or 0 where @host is a name. */
static int address_of(const char *host, unsigned char ret[16])
{
	char bare[INET6_ADDRSTRLEN];
	size_t len = strlen(host);

	if (inet_pton(AF_INET, host, ret) == 1)
		return AF_INET;
	if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	}
	if (len >= sizeof(bare))
		return 0;
	(void)snprintf(bare, sizeof(bare), "%.*s", (int)len, host);
	return inet_pton(AF_INET6, bare, ret) == 1 ? AF_INET6 : 0;
}

bool host_is_loopback(const char *host)
{
	static const unsigned char loopback6[16] = { [15] = 1 };
	unsigned char address[16];
	int family = address_of(host, address);

	if (family == AF_INET)
		return address[0] == 127;
	if (family == AF_INET6)
		return memcmp(address, loopback6, sizeof(loopback6)) == 0;
	return strcmp(host, "localhost") == 0;
}

static bool cidr_holds(const char *cidr, const char *host)
{
	unsigned char net[16];
	unsigned char address[16];
	const char *slash = strchr(cidr, '/');
	auto_free char *base = xstrndup(cidr, (size_t)(slash - cidr));
	char *end = NULL;
	unsigned long bits = strtoul(slash + 1, &end, 10);

	int family = address_of(base, net);
	if (family == 0 || address_of(host, address) != family || *end || end == slash + 1 ||
	    bits > (family == AF_INET ? 32 : 128))
		return false;
	if (memcmp(net, address, bits / 8) != 0)
		return false;
	unsigned rest = bits % 8;
	unsigned mask = 0xffu << (8 - rest) & 0xff;
	return rest == 0 || ((net[bits / 8] ^ address[bits / 8]) & mask) == 0;
}

bool host_is_listed(const struct strv *list, const struct origin *o)
{
	auto_free char *with_port = xasprintf("%s:%u", o->host, o->port);

	for (size_t i = 0; i < list->count; i++) {
		const char *entry = list->items[i];
		if (strcasecmp(entry, o->host) == 0 || strcasecmp(entry, with_port) == 0)
			return true;
		if (strchr(entry, '/') && cidr_holds(entry, o->host))
			return true;
	}
	return false;
}

/* From the @labels-th last label on; NULL where there are fewer. */
static const char *last_labels(const char *host, unsigned labels)
{
	const char *at = host + strlen(host);

	while (at > host) {
		if (at[-1] == '.' && --labels == 0)
			return at;
		at--;
	}
	return labels == 1 ? host : NULL;
}

/* The registrable domain, by the habit of names rather than by a list; NULL where there is none. */
static const char *site_of(const char *host)
{
	static const char *const general[] = { "co", "com", "net", "org", "gov",
					       "ac", "edu", "or",  "ne",  "go" };
	const char *top = last_labels(host, 1);
	const char *site = last_labels(host, 2);

	if (!top || !site || top[0] == '\0')
		return NULL;
	size_t second = (size_t)(top - 1 - site);
	for (size_t i = 0; strlen(top) == 2 && i < ARRAY_SIZE(general); i++)
		if (strlen(general[i]) == second && strncmp(general[i], site, second) == 0)
			return last_labels(host, 3);
	return site;
}

bool host_same_site(const char *a, const char *b)
{
	unsigned char address[16];

	if (strcmp(a, b) == 0)
		return true;
	if (address_of(a, address) || address_of(b, address))
		return false;
	const char *site_a = site_of(a);
	const char *site_b = site_of(b);
	return site_a && site_b && strcmp(site_a, site_b) == 0;
}
