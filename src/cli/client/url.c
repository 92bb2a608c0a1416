/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client/url.h"

#include <string.h>

void url_escape(struct strbuf *url, const char *text, bool path)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~";

	for (; *text; text++) {
		if (strchr(plain, *text) || (path && strchr("/:@", *text)))
			strbuf_addc(url, *text);
		else
			strbuf_addf(url, "%%%02X", (unsigned char)*text);
	}
}

void url_start(struct strbuf *url, const char *base, const char *name, const char *tail)
{
	strbuf_clear(url);
	strbuf_addf(url, "%s/", base);
	/* the slashes and colons of an image's reference are part of its routes */
	url_escape(url, name, strcmp(base, "/images") == 0);
	if (tail)
		strbuf_addf(url, "/%s", tail);
}

void url_query(struct strbuf *url, const char *key, const char *value)
{
	if (!value)
		return;
	strbuf_addf(url, "%c%s=", strchr(strbuf_text(url), '?') ? '&' : '?', key);
	url_escape(url, value, false);
}

void url_query_int(struct strbuf *url, const char *key, long long value)
{
	strbuf_addf(url, "%c%s=%lld", strchr(strbuf_text(url), '?') ? '&' : '?', key, value);
}

void url_query_flag(struct strbuf *url, const char *key, bool value)
{
	if (value)
		url_query(url, key, "1");
}
