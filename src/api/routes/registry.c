/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/api-internal.h"
#include "api/import.h"
#include "api/progress.h"
#include "base/alloc.h"
#include "oci/auth.h"
#include "oci/reference.h"
#include "store/image/image.h"
#include "store/registry/registry.h"

/* ---- Progress ------------------------------------------------------------------------------- */

struct transfer {
	struct http_request *rq;
	bool push;
	bool begun;
	char *first; /* status of the first message */
	char *first_id;
	struct strv seen; /* layers that were announced */
};

static void transfer_done(struct transfer *t)
{
	free(t->first);
	free(t->first_id);
	strv_done(&t->seen);
}

/* The first message says what is transferred; it is held back until the transfer goes on. */
static int send_first(struct transfer *t)
{
	if (t->begun)
		return 0;
	return progress_send(t->rq, &t->begun, progress_status(t->first, t->first_id));
}

static struct json_object *phase_message(const struct registry_progress *p, bool push,
					 const char *id)
{
	auto_free char *mounted = NULL;

	switch (p->phase) {
	case REGISTRY_WAITING:
		return progress_status("Waiting", id);
	case REGISTRY_DOWNLOADING:
		return progress_bar("Downloading", id, p->done_bytes, p->total_bytes);
	case REGISTRY_COMPLETE:
		return progress_status("Pull complete", id);
	case REGISTRY_EXISTS:
		return progress_status(push ? "Layer already exists" : "Already exists", id);
	case REGISTRY_RETRYING:
		return progress_status("Retrying", id);
	case REGISTRY_UPLOADING:
		return progress_bar("Pushing", id, p->done_bytes, p->total_bytes);
	case REGISTRY_UPLOADED:
		return progress_status("Pushed", id);
	case REGISTRY_MOUNTED:
		mounted = xasprintf("Mounted from %s", p->from ? p->from : "another repository");
		return progress_status(mounted, id);
	}
	return progress_status("", id);
}

static bool on_progress(void *context, const struct registry_progress *p)
{
	struct transfer *t = context;
	char id[SHORT_ID];

	short_digest(p->digest->text, id);
	if (send_first(t) < 0)
		return false;
	if (!strv_contains(&t->seen, id)) {
		strv_add(&t->seen, id);
		if (p->phase != REGISTRY_EXISTS &&
		    progress_send(t->rq, &t->begun,
				  progress_status(t->push ? "Preparing" : "Pulling fs layer", id)) <
			    0)
			return false;
	}
	return progress_send(t->rq, &t->begun, phase_message(p, t->push, id)) == 0;
}

/* ---- Pull ----------------------------------------------------------------------------------- */

static int read_auth(struct http_request *rq, struct auth *ret, struct error *err)
{
	const char *header = http_header(rq, "X-Registry-Auth");

	return auth_from_header(header ? header : "", ret, err);
}

/* The reference of "fromImage" and "tag", where the latter may be a digest. */
static int read_source(struct http_request *rq, struct reference *ret, struct error *err)
{
	const char *image = uri_query(http_uri(rq), "fromImage");
	const char *tag = uri_query(http_uri(rq), "tag");
	auto_free char *text = NULL;

	if (!tag || !*tag)
		text = xstrdup(image);
	else
		text = xasprintf("%s%s%s", image, strchr(tag, ':') ? "@" : ":", tag);
	return reference_parse(text, ret, err);
}

/* Docker's clients look for these words to tell the user to log in. */
static int denied(struct http_request *rq, const struct reference *ref, const struct error *err)
{
	auto_free char *name = reference_familiar_name(ref);
	auto_free char *text = xasprintf("pull access denied for %s, repository does not exist or "
					 "may require 'docker login': denied: %s",
					 name, err->text);

	return http_reply_error(rq, 404, text);
}

static void tell_result(struct transfer *t, const struct reference *ref,
			const struct registry_pulled *pulled)
{
	auto_free char *familiar = reference_familiar(ref);
	auto_free char *digest = xasprintf("Digest: %s", pulled->digest.text);
	auto_free char *status = xasprintf(
		"Status: %s for %s",
		pulled->up_to_date ? "Image is up to date" : "Downloaded newer image", familiar);

	(void)!send_first(t);
	(void)!progress_send(t->rq, &t->begun, progress_status(digest, NULL));
	(void)!progress_send(t->rq, &t->begun, progress_status(status, NULL));
}

static int pull_one(struct transfer *t, struct api *api, const struct reference *ref,
		    const struct platform *platform, const struct registry_options *options,
		    struct error *err)
{
	struct registry_pulled pulled;

	free(t->first);
	free(t->first_id);
	t->first = xasprintf("Pulling from %s", ref->path);
	t->first_id = xstrdup(ref->tag ? ref->tag : ref->digest.text);
	int r = registry_pull(api->options.registry, api->options.store, ref, platform, options,
			      &pulled, err);
	if (r < 0)
		return r;
	auto_free char *name = reference_familiar(ref);
	tell_image(api, "pull", name);
	tell_result(t, ref, &pulled);
	return 0;
}

/* Neither tag nor digest stands for all tags of the repository. */
static int pull_all(struct transfer *t, struct api *api, const struct reference *ref,
		    const struct platform *platform, const struct registry_options *options,
		    struct error *err)
{
	auto_strv tags = { 0 };

	int r = registry_tags(api->options.registry, ref, options, &tags, err);
	for (size_t i = 0; r == 0 && i < tags.count; i++) {
		auto_reference one = { 0 };

		if (!reference_tag_is_valid(tags.items[i]))
			continue;
		reference_copy(&one, ref);
		one.tag = xstrdup(tags.items[i]);
		r = pull_one(t, api, &one, platform, options, err);
	}
	return r;
}

static int pull(struct http_request *rq, struct api *api, struct error *err)
{
	const char *wanted = uri_query(http_uri(rq), "platform");
	auto_(transfer_done) struct transfer t = { .rq = rq };
	auto_reference ref = { 0 };
	auto_auth auth = { 0 };
	struct registry_options options = { .auth = &auth, .progress = on_progress, .context = &t };
	struct platform named = { 0 };
	struct platform *platform = wanted && *wanted ? &named : NULL;

	int r = read_source(rq, &ref, err);
	if (r == 0)
		r = read_auth(rq, &auth, err);
	if (r == 0 && platform)
		r = platform_parse(wanted, platform, err);
	if (r < 0)
		return r;
	r = ref.tag || !digest_is_empty(&ref.digest)
		    ? pull_one(&t, api, &ref, platform, &options, err)
		    : pull_all(&t, api, &ref, platform, &options, err);
	if (r == -EACCES && !t.begun)
		return denied(rq, &ref, err);
	return progress_end(rq, t.begun, r, err);
}

static int create(struct http_request *rq, void *context, struct error *err)
{
	const char *image = uri_query(http_uri(rq), "fromImage");

	if (image && *image)
		return pull(rq, context, err);
	return import_image(rq, context, err);
}

/* ---- Push ----------------------------------------------------------------------------------- */

static void tell_pushed(struct transfer *t, const struct reference *ref,
			const struct registry_pushed *pushed)
{
	struct json_object *o = json_object_new_object();
	struct json_object *aux = json_object_new_object();
	auto_free char *line = xasprintf("%s: digest: %s size: %llu", ref->tag, pushed->digest.text,
					 (unsigned long long)pushed->size);

	(void)!send_first(t);
	(void)!progress_send(t->rq, &t->begun, progress_status(line, NULL));
	json_add_string(aux, "Tag", ref->tag);
	json_add_string(aux, "Digest", pushed->digest.text);
	json_add_uint(aux, "Size", pushed->size);
	json_add(o, "progressDetail", json_object_new_object());
	json_add(o, "aux", aux);
	(void)!progress_send(t->rq, &t->begun, o);
}

static int push_one(struct api *api, struct transfer *t, const struct reference *ref,
		    const struct registry_options *options, struct error *err)
{
	struct registry_pushed pushed;

	int r = registry_push(api->options.registry, api->options.store, ref, options, &pushed,
			      err);
	if (r == 0) {
		auto_free char *name = reference_familiar(ref);
		tell_image(api, "push", name);
		tell_pushed(t, ref, &pushed);
	}
	return r;
}

/* Without a tag all of the repository's are pushed. */
static int push_all(struct api *api, struct transfer *t, const struct reference *ref,
		    const struct registry_options *options, struct error *err)
{
	auto_free char *name = reference_name(ref);
	auto_images images = { 0 };
	size_t pushed = 0;

	int r = image_list(api->options.store, &images, err);
	for (size_t i = 0; r == 0 && i < images.count; i++) {
		const struct strv *tags = &images.items[i]->references;

		for (size_t k = 0; r == 0 && k < tags->count; k++) {
			auto_reference one = { 0 };
			if (strncmp(tags->items[k], name, strlen(name)) != 0 ||
			    tags->items[k][strlen(name)] != ':')
				continue;
			r = reference_parse(tags->items[k], &one, err);
			if (r == 0)
				r = push_one(api, t, &one, options, err);
			pushed++;
		}
	}
	if (r == 0 && pushed == 0)
		return error_say(err, ENOENT, "An image does not exist locally with the tag: %s",
				 name);
	return r;
}

static int push(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	const char *tag = uri_query(http_uri(rq), "tag");
	auto_(transfer_done) struct transfer t = { .rq = rq, .push = true };
	auto_reference ref = { 0 };
	auto_auth auth = { 0 };
	struct registry_options options = { .auth = &auth, .progress = on_progress, .context = &t };
	auto_free char *text = tag && *tag ? xasprintf("%s:%s", http_param(rq, "name"), tag)
					   : xstrdup(http_param(rq, "name"));

	int r = reference_parse(text, &ref, err);
	if (r == 0)
		r = read_auth(rq, &auth, err);
	if (r < 0)
		return r;
	auto_free char *name = reference_name(&ref);
	t.first = xasprintf("The push refers to repository [%s]", name);
	/* Docker's clients expect every failure of a push as a message */
	(void)!send_first(&t);
	r = ref.tag ? push_one(api, &t, &ref, &options, err)
		    : push_all(api, &t, &ref, &options, err);
	return progress_end(rq, t.begun, r, err);
}

/* ---- What a registry says ------------------------------------------------------------------- */

static struct json_object *shape_platforms(const struct registry_description *d)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < d->platform_count; i++) {
		struct json_object *o = json_object_new_object();

		json_add_string(o, "architecture", d->platforms[i].architecture);
		json_add_string(o, "os", d->platforms[i].os);
		if (d->platforms[i].variant[0])
			json_add_string(o, "variant", d->platforms[i].variant);
		json_object_array_add(array, o);
	}
	return array;
}

static int describe(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	auto_reference ref = { 0 };
	auto_auth auth = { 0 };
	struct registry_options options = { .auth = &auth };
	auto_(registry_description_done) struct registry_description d = { 0 };

	int r = reference_parse(http_param(rq, "name"), &ref, err);
	if (r == 0)
		r = read_auth(rq, &auth, err);
	if (r < 0)
		return r;
	reference_default_tag(&ref);
	r = registry_describe(api->options.registry, &ref, &options, &d, err);
	if (r < 0)
		return r;

	struct json_object *reply = json_object_new_object();
	struct json_object *descriptor = json_object_new_object();
	json_add_string(descriptor, "mediaType", d.media_type);
	json_add_string(descriptor, "digest", d.digest.text);
	json_add_uint(descriptor, "size", d.size);
	json_add(reply, "Descriptor", descriptor);
	json_add(reply, "Platforms", shape_platforms(&d));
	return http_reply_json(rq, 200, reply);
}

/* ---- Login ---------------------------------------------------------------------------------- */

static int login(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	auto_json *body = NULL;
	auto_auth auth = { 0 };
	char *token = NULL;

	int r = body_required(rq, "credentials", &body, err);
	if (r == 0)
		r = auth_from_json(body, &auth, err);
	if (r < 0)
		return r;
	auto_free char *domain = registry_domain_of_server(auth.server ? auth.server : "docker.io");
	r = registry_login(api->options.registry, domain, &auth, &token, err);
	if (r == -EACCES)
		return http_reply_error(rq, 401, err->text);
	if (r < 0)
		return r;

	struct json_object *reply = json_object_new_object();
	json_add_string(reply, "Status", "Login Succeeded");
	json_add_string(reply, "IdentityToken", token ? token : "");
	secret_free(token);
	return http_reply_json(rq, 200, reply);
}

static const struct http_route routes[] = {
	{ HTTP_POST, 0, "/auth", login },
	{ HTTP_GET, 0, "/distribution/{name*}/json", describe },
	{ HTTP_POST, HTTP_BODY_STREAM | HTTP_REPLY_STREAM, "/images/create", create },
	{ HTTP_POST, HTTP_BODY_NONE | HTTP_REPLY_STREAM, "/images/{name*}/push", push },
};

const struct route_table registry_routes = { routes, ARRAY_SIZE(routes) };
