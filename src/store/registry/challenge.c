/* SPDX-License-Identifier: Apache-2.0 */
#include "store/registry/challenge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/strbuf.h"

#define TOKEN_CHARS                                            \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" \
	"0123456789!#$%&'*+-.^_`|~"
#define VALUE_MAX 4096

void challenge_done(struct challenge *c)
{
	free(c->realm);
	free(c->service);
	free(c->error);
	*c = (struct challenge){};
}

static void skip(const char **at, const char *chars)
{
	*at += strspn(*at, chars);
}

/* A token or a quoted string; NULL where it is neither. */
static char *read_value(const char **at)
{
	auto_strbuf value = STRBUF_INIT(VALUE_MAX);

	if (**at != '"') {
		size_t len = strspn(*at, TOKEN_CHARS "/:=");
		char *token = len > 0 ? xstrndup(*at, len) : NULL;
		*at += len;
		return token;
	}
	for ((*at)++; **at && **at != '"'; (*at)++) {
		if (**at == '\\' && (*at)[1])
			(*at)++;
		strbuf_addc(&value, **at);
	}
	if (**at != '"' || value.overflow)
		return NULL;
	(*at)++;
	return strbuf_take(&value);
}

static void keep(struct challenge *c, const char *name, char *value_take)
{
	char **at = strcasecmp(name, "realm") == 0     ? &c->realm
		    : strcasecmp(name, "service") == 0 ? &c->service
		    : strcasecmp(name, "error") == 0   ? &c->error
						       : NULL;

	if (!at || *at)
		free(value_take);
	else
		*at = value_take;
}

/* name=value pairs up to the next challenge or the end; @into is NULL where they do not matter. */
static int read_parameters(const char **at, struct challenge *into)
{
	for (;;) {
		skip(at, " \t,");
		size_t len = strspn(*at, TOKEN_CHARS);
		if (len == 0)
			return **at == '\0' ? 0 : -EBADMSG;
		const char *behind = *at + len;
		skip(&behind, " \t");
		/* a word without '=' is the name of the next challenge */
		if (*behind != '=')
			return 0;
		auto_free char *name = xstrndup(*at, len);
		*at = behind + 1;
		skip(at, " \t");
		char *value = read_value(at);
		if (!value)
			return -EBADMSG;
		if (into)
			keep(into, name, value);
		else
			free(value);
	}
}

int challenge_parse(const char *header, struct challenge *ret)
{
	const char *at = header;

	for (skip(&at, " \t,"); *at; skip(&at, " \t,")) {
		size_t len = strspn(at, TOKEN_CHARS);
		if (len == 0)
			return -EBADMSG;
		bool basic = len == 5 && strncasecmp(at, "Basic", len) == 0;
		bool bearer = len == 6 && strncasecmp(at, "Bearer", len) == 0;
		struct challenge *into = bearer && !ret->bearer ? ret : NULL;
		ret->basic = ret->basic || basic;
		ret->bearer = ret->bearer || bearer;
		at += len;
		int r = read_parameters(&at, into);
		if (r < 0)
			return r;
	}
	return 0;
}
