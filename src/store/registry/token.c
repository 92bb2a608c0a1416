/* SPDX-License-Identifier: Apache-2.0 */
#include "store/registry/token.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "base/json.h"
#include "base/strv.h"
#include "store/registry/url.h"

#define ANSWER_MAX (256u << 10)
#define TOKEN_MAX (64u << 10)
#define FORM_MAX (256u << 10)
#define CLIENT_ID "berth"

char *token_basic(const struct auth *auth)
{
	char *pair = xasprintf("%s:%s", auth->username ? auth->username : "",
			       auth->password ? auth->password : "");
	auto_strbuf text = STRBUF_INIT(4 * TOKEN_MAX);

	strbuf_adds(&text, "Basic ");
	base64_encode(pair, strlen(pair), &text);
	secret_free(pair);
	return strbuf_take(&text);
}

int token_check(const char *token, struct error *err)
{
	size_t len = strlen(token);

	for (size_t i = 0; i < len; i++)
		if (token[i] <= ' ' || token[i] == 0x7f)
			len = 0;
	if (len == 0 || len > TOKEN_MAX)
		return error_say(err, EBADMSG, "the access token is malformed");
	return 0;
}

/* Whether the user's credentials may go to the token server; see session.h. */
static bool may_know_user(const struct session *s, const struct origin *realm)
{
	if (origin_equal(realm, &s->origin))
		return true;
	if (host_is_listed(&s->client->token_servers, realm))
		return true;
	return realm->tls && host_same_site(realm->host, s->origin.host);
}

static void strbuf_wipe(struct strbuf *sb)
{
	if (sb->data)
		explicit_bzero(sb->data, sb->size);
	strbuf_done(sb);
}

#define auto_secret auto_(strbuf_wipe) struct strbuf

static void add_escaped(struct strbuf *form, const char *key, const char *value)
{
	strbuf_addf(form, "%s%s=", form->len ? "&" : "", key);
	for (const char *c = value; *c; c++) {
		bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			     (*c >= '0' && *c <= '9') || strchr("-._~", *c);
		if (plain)
			strbuf_addc(form, *c);
		else
			strbuf_addf(form, "%%%02X", (unsigned char)*c);
	}
}

/* OAuth 2: an identity token is exchanged by POST (RFC 6749, section 6). */
static int ask_oauth(struct session *s, struct http *http, const char *url,
		     struct http_answer *answer, struct error *err)
{
	static const char *const headers[] = { "Content-Type: application/x-www-form-urlencoded",
					       "Accept: application/json", NULL };
	auto_secret form = STRBUF_INIT(FORM_MAX);

	add_escaped(&form, "grant_type", "refresh_token");
	add_escaped(&form, "service", s->challenge.service ? s->challenge.service : "");
	add_escaped(&form, "client_id", CLIENT_ID);
	if (s->scope[0])
		add_escaped(&form, "scope", s->scope);
	add_escaped(&form, "refresh_token", s->auth.identity_token);
	if (form.overflow)
		return error_say(err, EFBIG, "the identity token is too long");
	struct http_request request = {
		.method = "POST",
		.url = url,
		.headers = headers,
		.body = form.data,
		.body_size = form.len,
		.body_cap = ANSWER_MAX,
	};
	return http_perform(http, &request, answer, err);
}

/* Each scope is a parameter of its own. */
static int add_scopes(char **url, const char *scope, struct error *err)
{
	auto_strv scopes = {};

	strv_split(&scopes, scope, ' ');
	for (size_t i = 0; i < scopes.count; i++) {
		int r = url_add_query(url, "scope", scopes.items[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int ask_plain(struct session *s, struct http *http, const char *realm, bool offline,
		     struct http_answer *answer, struct error *err)
{
	static const char *const headers[] = { "Accept: application/json", NULL };
	auto_free char *url = xstrdup(realm);
	char *basic = s->auth.username ? token_basic(&s->auth) : NULL;
	int r = 0;

	if (s->challenge.service)
		r = url_add_query(&url, "service", s->challenge.service, err);
	if (r == 0)
		r = add_scopes(&url, s->scope, err);
	if (r == 0 && s->auth.username)
		r = url_add_query(&url, "account", s->auth.username, err);
	if (r == 0 && offline) {
		r = url_add_query(&url, "client_id", CLIENT_ID, err);
		if (r == 0)
			r = url_add_query(&url, "offline_token", "true", err);
	}
	if (r == 0) {
		struct http_request request = {
			.method = "GET",
			.url = url,
			.headers = headers,
			.authorization = basic,
			.body_cap = ANSWER_MAX,
		};
		r = http_perform(http, &request, answer, err);
	}
	secret_free(basic);
	return r;
}

static int read_answer(const struct http_answer *answer, char **ret, char **ret_identity,
		       struct error *err)
{
	auto_json *o = NULL;
	const char *token = NULL;
	const char *identity = NULL;

	int r = json_parse(strbuf_text(&answer->body), answer->body.len, ANSWER_MAX,
			   "the token server's answer", &o, err);
	if (r == 0)
		r = json_get_string(o, "token", &token, err);
	if (r == 0 && (!token || !token[0]))
		r = json_get_string(o, "access_token", &token, err);
	if (r == 0)
		r = json_get_string(o, "refresh_token", &identity, err);
	if (r < 0)
		return r;
	if (!token)
		return error_say(err, EBADMSG, "the token server gave no token");
	r = token_check(token, err);
	if (r < 0)
		return r;
	*ret = xstrdup(token);
	if (ret_identity)
		*ret_identity = identity && identity[0] ? xstrdup(identity) : NULL;
	return 0;
}

/* The realm's own origin is asked and nothing it redirects to. */
static int ask(struct session *s, struct http *http, char **ret, char **ret_identity,
	       struct error *err)
{
	auto_http_answer answer = {};
	struct origin realm;
	bool known = s->auth.username || s->auth.identity_token;

	if (!s->challenge.realm)
		return error_say(err, EBADMSG, "registry %s names no token server", s->domain);
	int r = url_origin(s->challenge.realm, &realm, err);
	if (r == 0)
		r = session_may_ask(s, &realm, err);
	if (r < 0)
		return error_prefix(err, "token server");
	if (known && !may_know_user(s, &realm))
		return error_say(err, EACCES,
				 "registry %s wants its credentials to be sent to %s:%u, which is "
				 "not its own: log out, or allow that token server",
				 s->domain, realm.host, realm.port);

	r = s->auth.identity_token
		    ? ask_oauth(s, http, s->challenge.realm, &answer, err)
		    : ask_plain(s, http, s->challenge.realm, ret_identity != NULL, &answer, err);
	if (r < 0)
		return error_prefix(err, "token server %s", realm.host);
	if (answer.status == 401 || answer.status == 403)
		return error_say(err, EACCES, "token server %s: %s", realm.host,
				 known ? "unauthorized: incorrect username or password"
				       : "it wants a login");
	if (answer.status != 200)
		return error_say(err, session_is_busy(&answer) ? ECONNRESET : EPROTO,
				 "token server %s answered %d", realm.host, answer.status);
	return read_answer(&answer, ret, ret_identity, err);
}

int token_fetch(struct session *s, struct http *http, char **ret, struct error *err)
{
	return ask(s, http, ret, NULL, err);
}

int token_login(struct session *s, struct http *http, char **ret, char **ret_identity,
		struct error *err)
{
	return ask(s, http, ret, ret_identity, err);
}
