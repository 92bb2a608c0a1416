/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/manifest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "oci/descriptor.h"

void manifest_free(struct manifest *m)
{
	if (!m)
		return;
	free(m->media_type);
	descriptor_done(&m->config);
	descriptors_done(&m->layers);
	descriptors_done(&m->manifests);
	free(m);
}

/* What the document says of itself, and what its lists say it is. */
struct claims {
	const char *type; /* inner media type, or NULL */
	struct json_object *config;
	struct json_object *layers;
	struct json_object *manifests;
};

static int read_claims(struct json_object *o, struct claims *ret, struct error *err)
{
	uint64_t version = 0;
	struct claims c = {};

	if (json_object_object_get_ex(o, "fsLayers", NULL) ||
	    json_object_object_get_ex(o, "signatures", NULL))
		return error_say(err, ENOTSUP, "image manifests of schema 1 are not supported");
	if (json_get_uint(o, "schemaVersion", &version, err) < 0 ||
	    json_get_string(o, "mediaType", &c.type, err) < 0 ||
	    json_get_object(o, "config", &c.config, err) < 0 ||
	    json_get_array(o, "layers", &c.layers, err) < 0 ||
	    json_get_array(o, "manifests", &c.manifests, err) < 0)
		return -EBADMSG;
	if (version != 2)
		return error_say(err, version == 1 ? ENOTSUP : EBADMSG,
				 "'schemaVersion' is %llu, not 2", (unsigned long long)version);
	if (c.type && c.type[0] == '\0')
		c.type = NULL;
	*ret = c;
	return 0;
}

/* By the lists alone: a key that is there counts, whatever its value, so that none can hide. */
static int kind_by_lists(struct json_object *o, enum manifest_kind *ret, struct error *err)
{
	bool image = json_object_object_get_ex(o, "layers", NULL) ||
		     json_object_object_get_ex(o, "config", NULL);
	bool index = json_object_object_get_ex(o, "manifests", NULL);

	if (image && index)
		return error_say(err, EBADMSG,
				 "it has both 'manifests' and 'layers' or 'config': it could be "
				 "read as an index and as an image");
	if (!image && !index)
		return error_say(err, EBADMSG, "it has neither 'layers' nor 'manifests'");
	*ret = index ? MANIFEST_INDEX : MANIFEST_IMAGE;
	return 0;
}

/* The one media type that transport, document and lists agree upon. */
static int agree(const char *outer, const char *inner, enum manifest_kind lists, const char **ret,
		 struct error *err)
{
	enum manifest_kind kind;

	if (outer && inner && strcmp(outer, inner) != 0)
		return error_say(err, EBADMSG, "it came as '%.100s' but calls itself '%.100s'",
				 outer, inner);
	const char *type = outer ? outer : inner;
	/* the OCI's older documents name no type; Docker's always do */
	if (!type)
		type = lists == MANIFEST_INDEX ? MEDIA_OCI_INDEX : MEDIA_OCI_MANIFEST;
	if (!media_type_is_manifest(type, &kind))
		return error_say(err, ENOTSUP, "'%.100s' is no image and no index", type);
	if (kind != lists)
		return error_say(err, EBADMSG, "it is called '%.100s' but has the lists of %s",
				 type, lists == MANIFEST_INDEX ? "an index" : "an image");
	*ret = type;
	return 0;
}

static int read_image(const struct claims *c, struct manifest *m, struct error *err)
{
	if (!c->config || !c->layers)
		return error_say(err, EBADMSG, "'%s' is missing", c->config ? "layers" : "config");
	if (descriptor_parse(c->config, &m->config, err) < 0)
		return error_prefix(err, "config");
	return descriptors_parse(c->layers, "layers", MANIFEST_LAYERS_MAX, &m->layers, err);
}

static int read_document(struct json_object *o, const char *outer_type, struct manifest *m,
			 struct error *err)
{
	struct claims c = {};
	const char *type = NULL;

	if (json_object_get_type(o) != json_type_object)
		return error_say(err, EBADMSG, "it is no object");
	int r = read_claims(o, &c, err);
	if (r < 0)
		return r;
	r = kind_by_lists(o, &m->kind, err);
	if (r < 0)
		return r;
	r = agree(outer_type, c.type, m->kind, &type, err);
	if (r < 0)
		return r;
	m->media_type = xstrdup(type);
	if (m->kind == MANIFEST_IMAGE)
		return read_image(&c, m, err);
	if (!c.manifests)
		return error_say(err, EBADMSG, "'manifests' is missing");
	return descriptors_parse(c.manifests, "manifests", MANIFEST_INDEX_MAX, &m->manifests, err);
}

int manifest_parse(const void *data, size_t len, const char *outer_type, struct manifest **ret,
		   struct error *err)
{
	auto_json *o = NULL;
	int r = json_parse(data, len, MANIFEST_SIZE_MAX, "manifest", &o, err);
	if (r < 0)
		return r;

	auto_manifest *m = xnew(struct manifest);
	r = read_document(o, outer_type, m, err);
	if (r < 0) {
		(void)error_prefix(err, "parse manifest");
		return r;
	}
	*ret = take_ptr(m);
	return 0;
}

static struct json_object *list_json(const struct descriptors *list)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < list->count; i++)
		if (json_object_array_add(array, descriptor_json(&list->items[i])) < 0)
			abort();
	return array;
}

void manifest_write(const struct manifest *m, struct strbuf *ret)
{
	auto_json *o = json_object_new_object();

	json_add_int(o, "schemaVersion", 2);
	json_add_string(o, "mediaType", m->media_type);
	if (m->kind == MANIFEST_IMAGE) {
		(void)json_add(o, "config", descriptor_json(&m->config));
		(void)json_add(o, "layers", list_json(&m->layers));
	} else {
		(void)json_add(o, "manifests", list_json(&m->manifests));
	}
	json_print(o, ret);
}

const struct descriptor *manifest_select(const struct manifest *index,
					 const struct platform *wanted)
{
	const struct descriptor *best = NULL;
	const struct descriptor *unnamed = NULL;
	size_t unnamed_count = 0;
	int best_score = 0;

	for (size_t i = 0; i < index->manifests.count; i++) {
		const struct descriptor *d = &index->manifests.items[i];
		if (!media_type_is_manifest(d->media_type, NULL))
			continue;
		if (!d->has_platform) {
			unnamed = d;
			unnamed_count++;
			continue;
		}
		int score = platform_score(wanted, &d->platform);
		if (score > best_score) {
			best_score = score;
			best = d;
		}
	}
	return best ? best : unnamed_count == 1 ? unnamed : NULL;
}
