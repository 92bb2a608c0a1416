/* SPDX-License-Identifier: Apache-2.0 */
#include "store/registry/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "oci/image-config.h"
#include "oci/manifest.h"
#include "store/registry/fetch.h"
#include "store/registry/session.h"
#include "store/registry/token.h"

#define TAGS_PAGE_MAX (4u << 20)
#define TAGS_MAX 10000
#define PAGES_MAX 100

static void session_p(struct session *s)
{
	session_done(s);
}

#define auto_session auto_(session_p) struct session

/* A registry that wants Basic checks the credentials itself. */
static int check_basic(struct session *s, struct http *http, struct error *err)
{
	auto_http_answer answer = {};
	auto_free char *url = session_url(s, "%s", "");
	struct http_request request = { .method = "GET", .url = url };

	int r = session_request(s, http, &request, true, &answer, err);
	if (r < 0)
		return r;
	return answer.status == 200 ? 0 : session_complain(&answer, err, "check the credentials");
}

int registry_login(struct registry_client *client, const char *domain, const struct auth *auth,
		   char **ret_token, struct error *err)
{
	auto_session s = {};
	auto_http *http = http_new(&client->limits, NULL);
	char *identity = NULL;

	int r = session_open(&s, client, domain, auth, "", http, err);
	if (r == 0 && s.challenge.bearer && !s.auth.registry_token)
		r = token_login(&s, http, &s.token, &identity, err);
	if (r == 0)
		r = check_basic(&s, http, err);
	if (r < 0) {
		secret_free(identity);
		(void)error_prefix(err, "log in to %s", domain);
		return r;
	}
	*ret_token = identity;
	return 0;
}

/* Link: </v2/name/tags/list?last=x&n=y>; rel="next" */
static char *next_page(const char *base, const char *link)
{
	char *url = NULL;

	if (!link || link[0] != '<' || !strstr(link, "rel=\"next\""))
		return NULL;
	size_t len = strcspn(link + 1, ">");
	auto_free char *target = xstrndup(link + 1, len);
	return url_resolve(base, target, &url, NULL) == 0 ? url : NULL;
}

static int read_tags(const struct http_answer *a, struct strv *ret, struct error *err)
{
	auto_json *o = NULL;
	auto_strv tags = {};

	int r = json_parse(strbuf_text(&a->body), a->body.len, TAGS_PAGE_MAX, "list of tags", &o,
			   err);
	if (r == 0)
		r = json_get_strings(o, "tags", &tags, err);
	for (size_t i = 0; r == 0 && i < tags.count; i++) {
		if (!reference_tag_is_valid(tags.items[i]))
			return error_say(err, EBADMSG, "list of tags: one is malformed");
		if (ret->count == TAGS_MAX)
			return error_say(err, EFBIG, "list of tags: more than %d", TAGS_MAX);
		strv_add(ret, tags.items[i]);
	}
	return r;
}

static int list_tags(struct session *s, struct http *http, const char *path, struct strv *ret,
		     struct error *err)
{
	auto_free char *url = session_url(s, "%s/tags/list", path);

	for (int page = 0; url && page < PAGES_MAX; page++) {
		auto_http_answer answer = {};
		struct http_request request = { .method = "GET",
						.url = url,
						.body_cap = TAGS_PAGE_MAX };
		int r = session_request(s, http, &request, true, &answer, err);
		if (r < 0)
			return r;
		if (answer.status != 200)
			return session_complain(&answer, err, "list the tags");
		r = read_tags(&answer, ret, err);
		if (r < 0)
			return r;
		char *next = next_page(url, answer.link);
		free(url);
		url = next;
	}
	return 0;
}

static int open_for_pull(struct session *s, struct registry_client *client,
			 const struct reference *ref, const struct registry_options *options,
			 struct http *http, struct error *err)
{
	auto_free char *scope = xasprintf("repository:%s:pull", ref->path);

	return session_open(s, client, ref->domain, options ? options->auth : NULL, scope, http,
			    err);
}

int registry_tags(struct registry_client *client, const struct reference *ref,
		  const struct registry_options *options, struct strv *ret, struct error *err)
{
	auto_session s = {};
	auto_http *http = http_new(&client->limits, NULL);
	auto_strv tags = {};

	int r = open_for_pull(&s, client, ref, options, http, err);
	if (r == 0)
		r = list_tags(&s, http, ref->path, &tags, err);
	if (r < 0) {
		auto_free char *name = reference_familiar_name(ref);
		(void)error_prefix(err, "tags of %s", name);
		return r;
	}
	strv_done(ret);
	*ret = take_struct(tags);
	return 0;
}

void registry_description_done(struct registry_description *d)
{
	free(d->media_type);
	free(d->platforms);
	*d = (struct registry_description){};
}

static int describe_image(struct session *s, struct http *http, const char *path,
			  const struct manifest *m, struct registry_description *d,
			  struct error *err)
{
	auto_document bytes = {};
	auto_image_config *config = NULL;

	if (!media_type_is_config(m->config.media_type))
		return 0;
	int r = fetch_config(s, http, path, &m->config, &bytes, err);
	if (r == 0)
		r = image_config_parse(strbuf_text(&bytes.data), bytes.data.len, &config, err);
	if (r < 0)
		return r;
	d->platforms = xmemdup(&config->platform, sizeof(config->platform));
	d->platform_count = 1;
	return 0;
}

static void describe_index(const struct manifest *m, struct registry_description *d)
{
	d->platforms = xcalloc(m->manifests.count ? m->manifests.count : 1, sizeof(*d->platforms));
	for (size_t i = 0; i < m->manifests.count; i++)
		if (m->manifests.items[i].has_platform)
			d->platforms[d->platform_count++] = m->manifests.items[i].platform;
}

static int describe(struct session *s, struct http *http, const struct reference *ref,
		    struct registry_description *ret, struct error *err)
{
	auto_document doc = {};
	auto_manifest *m = NULL;
	struct registry_description d = {};
	const char *reference = digest_is_empty(&ref->digest) ? ref->tag : ref->digest.text;

	int r = fetch_manifest(s, http, ref->path, reference, NULL, &doc, err);
	if (r < 0)
		return r;
	r = manifest_parse(strbuf_text(&doc.data), doc.data.len, doc.type, &m, err);
	if (r < 0)
		return r;
	d.media_type = xstrdup(m->media_type);
	d.digest = doc.digest;
	d.size = doc.data.len;
	if (m->kind == MANIFEST_INDEX)
		describe_index(m, &d);
	else
		r = describe_image(s, http, ref->path, m, &d, err);
	if (r < 0) {
		registry_description_done(&d);
		return r;
	}
	*ret = d;
	return 0;
}

int registry_describe(struct registry_client *client, const struct reference *ref,
		      const struct registry_options *options, struct registry_description *ret,
		      struct error *err)
{
	auto_session s = {};
	auto_http *http = http_new(&client->limits, NULL);

	int r = open_for_pull(&s, client, ref, options, http, err);
	if (r == 0)
		r = describe(&s, http, ref, ret, err);
	if (r < 0) {
		auto_free char *name = reference_familiar(ref);
		(void)error_prefix(err, "describe %s", name);
	}
	return r;
}
