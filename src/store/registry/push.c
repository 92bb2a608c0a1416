/* SPDX-License-Identifier: Apache-2.0 */
#include "store/registry/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "oci/manifest.h"
#include "store/blob.h"
#include "store/image/image.h"
#include "store/registry/progress.h"
#include "store/registry/session.h"
#include "store/registry/upload.h"
#include "store/store.h"

/* One push under way. */
struct push {
	struct session session;
	struct http *http;
	struct store *store;
	struct store_lease *lease;
	const struct reference *ref;
	const struct registry_options *options;

	struct image *image;
	struct digest digest; /* of the manifest */
	struct strbuf bytes;  /* the manifest */
	struct manifest *manifest;
	char *mount_from; /* another repository of the same registry that has this image */
};

static void push_done(struct push *p)
{
	http_free(p->http);
	image_free(p->image);
	store_lease_free(p->lease);
	strbuf_done(&p->bytes);
	manifest_free(p->manifest);
	free(p->mount_from);
	session_done(&p->session);
}

/* A repository of the same registry among the image's names, other than the one pushed to. */
static char *find_source(const struct push *p, const struct strv *names)
{
	for (size_t i = 0; i < names->count; i++) {
		auto_reference known = {};
		if (reference_parse(names->items[i], &known, NULL) < 0)
			continue;
		if (strcmp(known.domain, p->ref->domain) == 0 &&
		    strcmp(known.path, p->ref->path) != 0)
			return xstrdup(known.path);
	}
	return NULL;
}

static int find_image(struct push *p, struct error *err)
{
	auto_free char *text = reference_text(p->ref);

	int r = image_acquire(p->lease, text, &p->image, err);
	if (r == 0)
		r = image_find_manifest(p->store, text, &p->digest, err);
	if (r == 0)
		r = blob_read(p->store, &p->digest, &p->bytes, err);
	if (r == 0)
		r = manifest_parse(strbuf_text(&p->bytes), p->bytes.len, NULL, &p->manifest, err);
	if (r < 0)
		return r;
	if (p->manifest->kind != MANIFEST_IMAGE)
		return error_say(err, ENOTSUP, "it is an index, not an image");
	p->mount_from = find_source(p, &p->image->repo_digests);
	return 0;
}

static int open_session(struct push *p, struct registry_client *client, struct error *err)
{
	auto_free char *scope = p->mount_from
					? xasprintf("repository:%s:pull,push repository:%s:pull",
						    p->ref->path, p->mount_from)
					: xasprintf("repository:%s:pull,push", p->ref->path);

	p->http = http_new(&client->limits, &p->session.cancelled);
	return session_open(&p->session, client, p->ref->domain, p->options->auth, scope, p->http,
			    err);
}

static bool report_layer(void *context, enum registry_phase phase, uint64_t done)
{
	return batch_tell(context, phase, done, NULL);
}

static int push_layer(struct batch_item *item, struct http *http, struct error *err)
{
	struct push *p = item->batch->context;
	enum registry_phase phase = REGISTRY_UPLOADED;
	const struct upload upload = {
		.session = &p->session,
		.store = p->store,
		.path = p->ref->path,
		.mount_from = p->mount_from,
		.blob = item->blob,
		.report = report_layer,
		.context = item,
	};

	int r = upload_blob(&upload, http, &phase, err);
	if (r < 0)
		return r;
	(void)batch_tell(item, phase, item->blob->size,
			 phase == REGISTRY_MOUNTED ? p->mount_from : NULL);
	return 0;
}

static int push_layers(struct push *p, struct error *err)
{
	auto_batch batch = { .work = push_layer, .context = p };

	batch_init(&batch, &p->session, p->options, &p->manifest->layers);
	for (size_t i = 0; i < batch.count; i++)
		(void)batch_tell(&batch.items[i], REGISTRY_WAITING, 0, NULL);
	int r = batch_run(&batch, p->http, err);
	if (r == 0 && atomic_load(&p->session.cancelled))
		return error_say(err, ECANCELED, "it was cancelled");
	return r;
}

static bool report_nothing(void *context, enum registry_phase phase, uint64_t done)
{
	const struct push *p = context;

	(void)phase;
	(void)done;
	return !atomic_load(&p->session.cancelled);
}

static int push_config(struct push *p, struct error *err)
{
	enum registry_phase phase;
	const struct upload upload = {
		.session = &p->session,
		.store = p->store,
		.path = p->ref->path,
		.mount_from = p->mount_from,
		.blob = &p->manifest->config,
		.report = report_nothing,
		.context = p,
	};

	return upload_blob(&upload, p->http, &phase, err);
}

static int put_manifest(struct push *p, struct error *err)
{
	auto_http_answer answer = {};
	auto_free char *url = session_url(&p->session, "%s/manifests/%s", p->ref->path,
					  p->ref->tag ? p->ref->tag : p->digest.text);
	auto_free char *type = xasprintf("Content-Type: %s", p->manifest->media_type);
	const char *const headers[] = { type, NULL };
	struct http_request request = {
		.method = "PUT",
		.url = url,
		.headers = headers,
		.body = p->bytes.data,
		.body_size = p->bytes.len,
	};

	int r = session_request(&p->session, p->http, &request, true, &answer, err);
	if (r < 0)
		return r;
	if (answer.status != 201 && answer.status != 200)
		return session_complain(&answer, err, "put the manifest");
	if (answer.digest && digest_algorithm(&p->digest) == DIGEST_SHA256 &&
	    strncmp(answer.digest, "sha256:", 7) == 0 && strcmp(answer.digest, p->digest.text) != 0)
		return error_say(err, EBADMSG, "the registry calls the manifest %.140s, not %s",
				 answer.digest, p->digest.text);
	return 0;
}

static int run(struct push *p, struct registry_client *client, struct error *err)
{
	int r = find_image(p, err);
	if (r == 0)
		r = open_session(p, client, err);
	if (r == 0)
		r = push_layers(p, err);
	if (r == 0)
		r = push_config(p, err);
	if (r == 0)
		r = put_manifest(p, err);
	if (r < 0)
		return r;
	auto_free char *name = reference_name(p->ref);
	return image_add_repo_digest(p->store, &p->image->id, name, &p->digest, err);
}

int registry_push(struct registry_client *client, struct store *store, const struct reference *ref,
		  const struct registry_options *options, struct registry_pushed *ret,
		  struct error *err)
{
	static const struct registry_options none = {};
	auto_(push_done) struct push p = {
		.store = store,
		.lease = store_lease_new(store),
		.ref = ref,
		.options = options ? options : &none,
		.bytes = STRBUF_INIT(MANIFEST_SIZE_MAX),
	};

	int r = run(&p, client, err);
	if (r < 0) {
		auto_free char *name = reference_familiar(ref);
		(void)error_prefix(err, "push %s", name);
		return r;
	}
	*ret = (struct registry_pushed){ .digest = p.digest, .size = p.bytes.len };
	return 0;
}
