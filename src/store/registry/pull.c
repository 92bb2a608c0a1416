/* SPDX-License-Identifier: Apache-2.0 */
#include "store/registry/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "oci/image-config.h"
#include "oci/manifest.h"
#include "store/blob.h"
#include "store/image/image.h"
#include "store/layer/ingest.h"
#include "store/registry/fetch.h"
#include "store/registry/layer.h"
#include "store/registry/progress.h"
#include "store/registry/session.h"
#include "store/store.h"

/* An index may list indexes; deeper than this nobody means it. */
#define INDEX_DEPTH_MAX 3

/* One pull under way. */
struct pull {
	struct session session;
	struct http *http;
	struct store *store;
	struct store_lease *lease;
	const struct reference *ref;
	const struct registry_options *options;
	struct platform platform;
	bool platform_given;

	struct document top; /* what the reference led to */
	struct document image;
	struct manifest *manifest; /* of @image */
	struct document config_bytes;
	struct image_config *config;
};

static void pull_done(struct pull *p)
{
	http_free(p->http);
	store_lease_free(p->lease);
	document_done(&p->top);
	document_done(&p->image);
	manifest_free(p->manifest);
	document_done(&p->config_bytes);
	image_config_free(p->config);
	session_done(&p->session);
}

/* What the store has of a manifest need not be sent again; its type is in the document. */
static bool read_local(struct pull *p, const struct digest *digest, size_t cap,
		       struct document *ret)
{
	auto_document doc = { .data = STRBUF_INIT(cap), .digest = *digest };

	if (!blob_exists(p->lease, digest) || blob_read(p->store, digest, &doc.data, NULL) < 0)
		return false;
	*ret = take_struct(doc);
	return true;
}

/* The registry is always asked: that it has this name is its word, not the store's. */
static int get_top(struct pull *p, struct error *err)
{
	const char *path = p->ref->path;
	bool pinned = !digest_is_empty(&p->ref->digest);
	const char *reference = pinned ? p->ref->digest.text : p->ref->tag;
	struct digest told = {};
	uint64_t size = 0;

	int r = fetch_head(&p->session, p->http, path, reference, &told, &size, err);
	if (r < 0)
		return r;
	if (r == 0 && pinned)
		told = p->ref->digest;
	if (r == 0 && !digest_is_empty(&told) && read_local(p, &told, MANIFEST_SIZE_MAX, &p->top))
		return 0;
	return fetch_manifest(&p->session, p->http, path, reference, NULL, &p->top, err);
}

static int no_such_platform(const struct pull *p, struct error *err)
{
	auto_free char *platform = platform_text(&p->platform);

	return error_say(err, ENOENT, "there is no image for %s in it", platform);
}

/* Follows indexes down to the image for the platform. */
static int get_image(struct pull *p, struct error *err)
{
	p->image = (struct document){
		.data = STRBUF_INIT(MANIFEST_SIZE_MAX),
		.type = xstrdup_or_null(p->top.type),
		.digest = p->top.digest,
	};
	strbuf_add(&p->image.data, p->top.data.data, p->top.data.len);

	for (int depth = 0;; depth++) {
		auto_manifest *m = NULL;
		int r = manifest_parse(strbuf_text(&p->image.data), p->image.data.len,
				       p->image.type, &m, err);
		if (r < 0)
			return r;
		if (m->kind == MANIFEST_IMAGE) {
			p->manifest = take_ptr(m);
			return 0;
		}
		if (depth == INDEX_DEPTH_MAX)
			return error_say(err, EBADMSG, "indexes are nested deeper than %d",
					 INDEX_DEPTH_MAX);
		const struct descriptor *d = manifest_select(m, &p->platform);
		if (!d)
			return no_such_platform(p, err);
		document_done(&p->image);
		if (read_local(p, &d->digest, MANIFEST_SIZE_MAX, &p->image)) {
			p->image.type = xstrdup(d->media_type);
			continue;
		}
		r = fetch_manifest(&p->session, p->http, p->ref->path, d->digest.text, d, &p->image,
				   err);
		if (r < 0)
			return r;
	}
}

/* A blob that stands in the list twice is fetched once, so both must mean the same. */
static int check_repeated(const struct pull *p, struct error *err)
{
	const struct descriptors *layers = &p->manifest->layers;
	auto_map *seen = map_new(NULL);

	for (size_t i = 0; i < layers->count; i++) {
		const struct descriptor *d = &layers->items[i];
		const struct descriptor *first = map_get(seen, d->digest.text);
		if (!first) {
			map_set(seen, d->digest.text, (void *)d);
			continue;
		}
		const struct digest *diff_ids = p->config->diff_ids;
		if (first->size != d->size ||
		    !digest_equal(&diff_ids[first - layers->items], &diff_ids[i]))
			return error_say(err, EBADMSG, "layer %s stands twice and differs",
					 d->digest.text);
	}
	return 0;
}

static int check_image(const struct pull *p, struct error *err)
{
	const struct manifest *m = p->manifest;

	if (p->config->diff_id_count != m->layers.count)
		return error_say(err, EBADMSG,
				 "the manifest has %zu layers, the image's configuration %zu",
				 m->layers.count, p->config->diff_id_count);
	for (size_t i = 0; i < m->layers.count; i++)
		if (!media_type_is_layer(m->layers.items[i].media_type, NULL))
			return error_say(err, ENOTSUP, "'%.100s' is no type of layer that is known",
					 m->layers.items[i].media_type);
	int r = check_repeated(p, err);
	if (r < 0)
		return r;
	if (p->platform_given && platform_score(&p->platform, &p->config->platform) == 0)
		return no_such_platform(p, err);
	return 0;
}

static int get_config(struct pull *p, struct error *err)
{
	const struct descriptor *d = &p->manifest->config;

	if (!media_type_is_config(d->media_type))
		return error_say(err, ENOTSUP, "it is no image to run but a '%.100s'",
				 d->media_type);
	int r = 0;
	if (!read_local(p, &d->digest, IMAGE_CONFIG_SIZE_MAX, &p->config_bytes))
		r = fetch_config(&p->session, p->http, p->ref->path, d, &p->config_bytes, err);
	if (r == 0)
		r = image_config_parse(strbuf_text(&p->config_bytes.data), p->config_bytes.data.len,
				       &p->config, err);
	return r < 0 ? r : check_image(p, err);
}

static bool report_layer(void *context, enum registry_phase phase, uint64_t done)
{
	return batch_tell(context, phase, done, NULL);
}

static int pull_layer(struct batch_item *item, struct http *http, struct error *err)
{
	struct pull *p = item->batch->context;
	const struct layer_transfer transfer = {
		.session = &p->session,
		.lease = p->lease,
		.path = p->ref->path,
		.blob = item->blob,
		.diff_id = &p->config->diff_ids[item->number],
		.report = report_layer,
		.context = item,
	};

	if (item->told_phase == REGISTRY_EXISTS)
		return 0;
	int r = layer_fetch(&transfer, http, err);
	if (r < 0)
		return r;
	(void)batch_tell(item, REGISTRY_COMPLETE, item->blob->size, NULL);
	return 0;
}

/* First the whole list in its order, so that who watches sees what there is to come. */
static void tell_layers(struct pull *p, struct batch *b)
{
	for (size_t i = 0; i < b->count; i++) {
		struct batch_item *item = &b->items[i];
		bool here = layer_exists(p->lease, &item->blob->digest,
					 &p->config->diff_ids[item->number]);
		(void)batch_tell(item, here ? REGISTRY_EXISTS : REGISTRY_WAITING, 0, NULL);
	}
}

static int get_layers(struct pull *p, struct error *err)
{
	auto_batch batch = { .work = pull_layer, .context = p };

	batch_init(&batch, &p->session, p->options, &p->manifest->layers);
	tell_layers(p, &batch);
	int r = batch_run(&batch, p->http, err);
	if (r == 0 && atomic_load(&p->session.cancelled))
		return error_say(err, ECANCELED, "it was cancelled");
	return r;
}

/* Whether the store's records say already all that this pull would make them say. */
static bool is_current(struct pull *p, const char *name, const char *text, struct digest *ret_image)
{
	struct digest known = {};
	auto_image *image = NULL;

	if (image_find_manifest(p->store, text, &known, NULL) < 0 ||
	    !digest_equal(&known, &p->image.digest) ||
	    image_acquire(p->lease, text, &image, NULL) < 0)
		return false;
	auto_free char *repo_digest = xasprintf("%s@%s", name, p->top.digest.text);
	*ret_image = image->id;
	return strv_contains(&image->repo_digests, repo_digest);
}

static int commit(struct pull *p, const char *name, const char *text, struct digest *ret_image,
		  struct error *err)
{
	bool tagged = digest_is_empty(&p->ref->digest);
	const struct image_commit image = {
		.config = p->config_bytes.data.data,
		.config_len = p->config_bytes.data.len,
		.manifest = p->image.data.data,
		.manifest_len = p->image.data.len,
		.references = tagged ? &text : NULL,
		.reference_count = tagged ? 1 : 0,
		.repo_name = name,
		.repo_digest = &p->top.digest,
	};

	/* the index is kept too, so that the next pull finds that it has not changed */
	int r = 0;
	if (!digest_equal(&p->top.digest, &p->image.digest))
		r = blob_put(p->lease, p->top.data.data, p->top.data.len, &p->top.digest, NULL,
			     err);
	return r < 0 ? r : image_commit(p->lease, &image, ret_image, err);
}

static int record(struct pull *p, struct registry_pulled *ret, struct error *err)
{
	auto_free char *name = reference_name(p->ref);
	auto_free char *text = reference_text(p->ref);
	struct registry_pulled pulled = {
		.manifest = p->image.digest,
		.digest = p->top.digest,
	};

	pulled.up_to_date = is_current(p, name, text, &pulled.image);
	int r = pulled.up_to_date ? 0 : commit(p, name, text, &pulled.image, err);
	if (r == 0)
		*ret = pulled;
	return r;
}

static int run(struct pull *p, struct registry_client *client, struct registry_pulled *ret,
	       struct error *err)
{
	auto_free char *scope = xasprintf("repository:%s:pull", p->ref->path);

	p->http = http_new(&client->limits, &p->session.cancelled);
	int r = session_open(&p->session, client, p->ref->domain, p->options->auth, scope, p->http,
			     err);
	if (r == 0)
		r = get_top(p, err);
	if (r == 0)
		r = get_image(p, err);
	if (r == 0)
		r = get_config(p, err);
	if (r == 0)
		r = get_layers(p, err);
	return r < 0 ? r : record(p, ret, err);
}

int registry_pull(struct registry_client *client, struct store *store, const struct reference *ref,
		  const struct platform *platform, const struct registry_options *options,
		  struct registry_pulled *ret, struct error *err)
{
	static const struct registry_options none = {};
	auto_(pull_done) struct pull p = {
		.store = store,
		.lease = store_lease_new(store),
		.ref = ref,
		.options = options ? options : &none,
		.platform_given = platform != NULL,
	};

	if (platform)
		p.platform = *platform;
	else
		platform_host(&p.platform);
	int r = run(&p, client, ret, err);
	if (r < 0) {
		auto_free char *name = reference_familiar(ref);
		/* what came is of use to the next pull, where there is room for it */
		if (r == -ENOSPC || r == -EDQUOT)
			store_lease_collect(p.lease);
		(void)error_prefix(err, "pull %s", name);
	}
	return r;
}
