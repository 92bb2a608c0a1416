/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/auth.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/base64.h"

/* Identity tokens of big organisations are some kilobytes. */
#define AUTH_SIZE_MAX (64u << 10)

static const struct {
	const char *key;
	size_t at;
} fields[] = {
	{ "username", offsetof(struct auth, username) },
	{ "password", offsetof(struct auth, password) },
	{ "identitytoken", offsetof(struct auth, identity_token) },
	{ "registrytoken", offsetof(struct auth, registry_token) },
	{ "serveraddress", offsetof(struct auth, server) },
};

static char **field(const struct auth *a, size_t i)
{
	return (char **)((char *)a + fields[i].at);
}

void secret_free(char *secret)
{
	if (!secret)
		return;
	explicit_bzero(secret, strlen(secret));
	free(secret);
}

void auth_done(struct auth *a)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		secret_free(take_ptr(*field(a, i)));
}

bool auth_is_empty(const struct auth *a)
{
	return !a->username && !a->password && !a->identity_token && !a->registry_token;
}

void auth_copy(struct auth *to, const struct auth *from)
{
	struct auth copy = {};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		*field(&copy, i) = xstrdup_or_null(*field(from, i));
	auth_done(to);
	*to = copy;
}

/* "auth": "user:password" in base 64, as Docker's file has it and some clients send it. */
static int read_joined(struct json_object *o, struct auth *a, struct error *err)
{
	const char *joined = NULL;
	int r = json_get_string(o, "auth", &joined, err);
	if (r < 0 || !joined || joined[0] == '\0' || a->username)
		return r;

	auto_strbuf plain = STRBUF_INIT(AUTH_SIZE_MAX);
	r = base64_decode(joined, strlen(joined), &plain);
	const char *text = strbuf_text(&plain);
	const char *colon = strchr(text, ':');
	if (r < 0 || !colon || strlen(text) != plain.len)
		r = error_say(err, EINVAL, "'auth' is not \"user:password\" in base 64");
	if (r == 0) {
		a->username = xstrndup(text, (size_t)(colon - text));
		a->password = xstrdup(colon + 1);
	}
	if (plain.data)
		explicit_bzero(plain.data, plain.size);
	return r;
}

int auth_from_json(struct json_object *o, struct auth *ret, struct error *err)
{
	auto_auth a = {};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const char *text = NULL;
		if (json_get_string(o, fields[i].key, &text, err) < 0) {
			(void)error_prefix(err, "read credentials");
			return -EINVAL;
		}
		if (text && text[0])
			*field(&a, i) = xstrdup(text);
	}
	if (read_joined(o, &a, err) < 0) {
		(void)error_prefix(err, "read credentials");
		return -EINVAL;
	}
	auth_done(ret);
	*ret = take_struct(a);
	return 0;
}

int auth_from_header(const char *text, struct auth *ret, struct error *err)
{
	auto_strbuf plain = STRBUF_INIT(AUTH_SIZE_MAX);
	auto_json *o = NULL;

	if (text[0] == '\0') {
		auth_done(ret);
		return 0;
	}
	if (base64_decode(text, strlen(text), &plain) < 0)
		return error_say(err, EINVAL, "read credentials: X-Registry-Auth is no base 64");
	int r = json_parse(strbuf_text(&plain), plain.len, AUTH_SIZE_MAX, "X-Registry-Auth", &o,
			   err);
	if (r == 0)
		r = auth_from_json(o, ret, err);
	if (plain.data)
		explicit_bzero(plain.data, plain.size);
	return r < 0 ? -EINVAL : 0;
}

struct json_object *auth_json(const struct auth *a)
{
	struct json_object *o = json_object_new_object();

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (*field(a, i))
			json_add_string(o, fields[i].key, *field(a, i));
	return o;
}

void auth_to_header(const struct auth *a, struct strbuf *ret)
{
	auto_json *o = auth_json(a);
	auto_strbuf text = STRBUF_INIT(AUTH_SIZE_MAX);

	json_print(o, &text);
	base64_encode_url(strbuf_text(&text), text.len, ret);
	if (text.data)
		explicit_bzero(text.data, text.size);
}
