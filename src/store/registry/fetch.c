/* SPDX-License-Identifier: Apache-2.0 */
#include "store/registry/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "oci/image-config.h"
#include "oci/manifest.h"
#include "store/hash.h"

static const char *const manifest_headers[] = {
	"Accept: " MEDIA_OCI_MANIFEST ", " MEDIA_OCI_INDEX ", " MEDIA_DOCKER_MANIFEST
	", " MEDIA_DOCKER_LIST,
	"Accept-Encoding: identity",
	NULL,
};

static const char *const blob_headers[] = { "Accept-Encoding: identity", NULL };

void document_done(struct document *d)
{
	strbuf_done(&d->data);
	free(d->type);
	*d = (struct document){};
}

/* Types of servers that do not know what they serve say nothing of the content. */
static bool says_nothing(const char *type)
{
	return strcmp(type, "application/json") == 0 || strcmp(type, "text/plain") == 0 ||
	       strcmp(type, "application/octet-stream") == 0;
}

/* A hint where the bytes are wrong because a server packed what nobody asked to be packed. */
static const char *encoding_hint(const struct http_answer *a)
{
	return a->encoding && strcasecmp(a->encoding, "identity") != 0
		       ? " (it was sent with a Content-Encoding that was not asked for)"
		       : "";
}

static int compare(const struct http_answer *a, const struct digest *expected,
		   const struct descriptor *promised, struct digest *ret, struct error *err)
{
	if (promised && promised->size != a->body.len)
		return error_say(err, EBADMSG, "it has %zu bytes, not the %llu promised%s",
				 a->body.len, (unsigned long long)promised->size, encoding_hint(a));
	hash_buffer(expected ? digest_algorithm(expected) : DIGEST_SHA256, strbuf_text(&a->body),
		    a->body.len, ret);
	if (expected && !digest_equal(ret, expected))
		return error_say(err, EBADMSG, "its digest is %s, not the one asked for%s",
				 ret->text, encoding_hint(a));
	return 0;
}

/* The registry's own word for the digest, where it gives a well-formed one. */
static int check_header(const struct http_answer *a, struct error *err)
{
	struct digest told = {};
	struct digest own = {};

	if (!a->digest)
		return 0;
	int r = digest_parse(a->digest, &told, err);
	if (r < 0)
		return error_prefix(err, "Docker-Content-Digest");
	hash_buffer(digest_algorithm(&told), strbuf_text(&a->body), a->body.len, &own);
	if (!digest_equal(&told, &own))
		return error_say(err, EBADMSG, "its digest is %s, not %s as the registry says%s",
				 own.text, told.text, encoding_hint(a));
	return 0;
}

static int check_type(const struct http_answer *a, const struct descriptor *promised, char **ret,
		      struct error *err)
{
	const char *type = a->type && !says_nothing(a->type) ? a->type : NULL;

	if (promised && type && strcmp(type, promised->media_type) != 0)
		return error_say(err, EBADMSG, "it came as '%.100s', not as the '%.100s' promised",
				 type, promised->media_type);
	if (promised)
		type = promised->media_type;
	*ret = xstrdup_or_null(type);
	return 0;
}

int fetch_head(struct session *s, struct http *http, const char *path, const char *reference,
	       struct digest *ret, uint64_t *ret_size, struct error *err)
{
	auto_free char *url = session_url(s, "%s/manifests/%s", path, reference);
	auto_http_answer answer = {};
	struct http_request request = { .method = "HEAD", .url = url, .headers = manifest_headers };

	int r = session_request(s, http, &request, true, &answer, err);
	if (r < 0)
		return r;
	if (answer.status != 200)
		return 1;
	*ret = (struct digest){};
	if (answer.digest && digest_is_valid(answer.digest))
		r = digest_parse(answer.digest, ret, err);
	*ret_size = answer.length > 0 ? (uint64_t)answer.length : 0;
	return r;
}

/* Registries hide what may not be read, so one text is for both; clients look for its words. */
static int complain_of_manifest(const struct http_answer *answer, struct error *err)
{
	int r = session_complain(answer, err, "get the manifest");

	if (answer->status == 404)
		return error_prefix(err, "the manifest or its repository does not exist");
	if (answer->status == 401 || answer->status == 403)
		return error_prefix(err, "the repository does not exist or needs a login");
	return r;
}

int fetch_manifest(struct session *s, struct http *http, const char *path, const char *reference,
		   const struct descriptor *promised, struct document *ret, struct error *err)
{
	auto_free char *url = session_url(s, "%s/manifests/%s", path, reference);
	auto_http_answer answer = {};
	auto_document doc = {};
	struct digest pinned = {};
	struct http_request request = {
		.method = "GET",
		.url = url,
		.headers = manifest_headers,
		.body_cap = MANIFEST_SIZE_MAX,
	};

	if (digest_is_valid(reference) && digest_parse(reference, &pinned, err) < 0)
		return -EBADMSG;
	int r = session_request(s, http, &request, true, &answer, err);
	if (r < 0)
		return r;
	if (answer.status != 200)
		return complain_of_manifest(&answer, err);
	r = compare(&answer, digest_is_empty(&pinned) ? NULL : &pinned, promised, &doc.digest, err);
	if (r == 0)
		r = check_header(&answer, err);
	if (r == 0)
		r = check_type(&answer, promised, &doc.type, err);
	if (r < 0)
		return error_prefix(err, "manifest %s", reference);
	doc.data = take_struct(answer.body);
	*ret = take_struct(doc);
	return 0;
}

int fetch_config(struct session *s, struct http *http, const char *path,
		 const struct descriptor *promised, struct document *ret, struct error *err)
{
	auto_free char *url = session_url(s, "%s/blobs/%s", path, promised->digest.text);
	auto_http_answer answer = {};
	auto_document doc = {};
	struct http_request request = {
		.method = "GET",
		.url = url,
		.headers = blob_headers,
		.body_cap = IMAGE_CONFIG_SIZE_MAX,
	};

	if (promised->size > IMAGE_CONFIG_SIZE_MAX)
		return error_say(err, EFBIG, "the image's configuration has %llu bytes",
				 (unsigned long long)promised->size);
	int r = session_request(s, http, &request, true, &answer, err);
	if (r < 0)
		return r;
	if (answer.status != 200)
		return session_complain(&answer, err, "get the image's configuration");
	r = compare(&answer, &promised->digest, promised, &doc.digest, err);
	if (r < 0)
		return error_prefix(err, "image configuration %s", promised->digest.text);
	doc.type = xstrdup(promised->media_type);
	doc.data = take_struct(answer.body);
	*ret = take_struct(doc);
	return 0;
}
