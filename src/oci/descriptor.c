/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/descriptor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define ANNOTATION_REF_NAME "org.opencontainers.image.ref.name"
#define ANNOTATION_IMAGE_NAME "io.containerd.image.name"

/* RFC 6838, section 4.2: type and subtype have at most 127 characters each. */
#define MEDIA_TYPE_MAX 255

static const struct {
	const char *type;
	enum manifest_kind kind;
} manifest_types[] = {
	{ MEDIA_OCI_MANIFEST, MANIFEST_IMAGE },
	{ MEDIA_OCI_INDEX, MANIFEST_INDEX },
	{ MEDIA_DOCKER_MANIFEST, MANIFEST_IMAGE },
	{ MEDIA_DOCKER_LIST, MANIFEST_INDEX },
};

/* Layers that may not be passed on ("foreign", "nondistributable") are layers as the others. */
static const struct {
	const char *type;
	enum layer_compression compression;
} layer_types[] = {
	{ MEDIA_OCI_LAYER, LAYER_PLAIN },
	{ MEDIA_OCI_LAYER_GZIP, LAYER_GZIP },
	{ MEDIA_OCI_LAYER_ZSTD, LAYER_ZSTD },
	{ MEDIA_DOCKER_LAYER, LAYER_PLAIN },
	{ MEDIA_DOCKER_LAYER_GZIP, LAYER_GZIP },
	{ MEDIA_DOCKER_LAYER ".zstd", LAYER_ZSTD },
	{ "application/vnd.docker.image.rootfs.foreign.diff.tar", LAYER_PLAIN },
	{ "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", LAYER_GZIP },
	{ "application/vnd.oci.image.layer.nondistributable.v1.tar", LAYER_PLAIN },
	{ "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", LAYER_GZIP },
	{ "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", LAYER_ZSTD },
};

bool media_type_is_manifest(const char *type, enum manifest_kind *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(manifest_types); i++) {
		if (strcmp(type, manifest_types[i].type) != 0)
			continue;
		if (ret)
			*ret = manifest_types[i].kind;
		return true;
	}
	return false;
}

bool media_type_is_config(const char *type)
{
	return strcmp(type, MEDIA_OCI_CONFIG) == 0 || strcmp(type, MEDIA_DOCKER_CONFIG) == 0;
}

bool media_type_is_layer(const char *type, enum layer_compression *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(layer_types); i++) {
		if (strcmp(type, layer_types[i].type) != 0)
			continue;
		if (ret)
			*ret = layer_types[i].compression;
		return true;
	}
	return false;
}

void descriptor_done(struct descriptor *d)
{
	free(d->media_type);
	free(d->ref_name);
	free(d->image_name);
	*d = (struct descriptor){};
}

void descriptor_copy(struct descriptor *to, const struct descriptor *from)
{
	struct descriptor copy = *from;

	copy.media_type = xstrdup_or_null(from->media_type);
	copy.ref_name = xstrdup_or_null(from->ref_name);
	copy.image_name = xstrdup_or_null(from->image_name);
	descriptor_done(to);
	*to = copy;
}

void descriptors_add(struct descriptors *list, const struct descriptor *d)
{
	list->items = xreallocarray(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count] = (struct descriptor){};
	descriptor_copy(&list->items[list->count++], d);
}

void descriptors_done(struct descriptors *list)
{
	for (size_t i = 0; i < list->count; i++)
		descriptor_done(&list->items[i]);
	free(list->items);
	*list = (struct descriptors){};
}

static int read_word(struct json_object *o, const char *key, char ret[PLATFORM_WORD],
		     struct error *err)
{
	const char *text = "";
	int r = json_get_string(o, key, &text, err);
	if (r < 0)
		return r;
	if (strlen(text) >= PLATFORM_WORD)
		return error_say(err, EBADMSG, "'%s' is too long", key);
	(void)snprintf(ret, PLATFORM_WORD, "%s", text);
	return 0;
}

static int read_platform(struct json_object *o, struct descriptor *d, struct error *err)
{
	struct json_object *platform = NULL;
	int r = json_get_object(o, "platform", &platform, err);
	if (r < 0 || !platform)
		return r;

	if (read_word(platform, "os", d->platform.os, err) < 0 ||
	    read_word(platform, "architecture", d->platform.architecture, err) < 0 ||
	    read_word(platform, "variant", d->platform.variant, err) < 0)
		return error_prefix(err, "platform");
	platform_normalize(&d->platform);
	d->has_platform = true;
	return 0;
}

static int read_annotations(struct json_object *o, struct descriptor *d, struct error *err)
{
	struct json_object *annotations = NULL;
	const char *ref_name = NULL;
	const char *image_name = NULL;

	if (json_get_object(o, "annotations", &annotations, err) < 0)
		return -EBADMSG;
	if (!annotations)
		return 0;
	if (json_get_string(annotations, ANNOTATION_REF_NAME, &ref_name, err) < 0 ||
	    json_get_string(annotations, ANNOTATION_IMAGE_NAME, &image_name, err) < 0)
		return error_prefix(err, "annotations");
	d->ref_name = xstrdup_or_null(ref_name);
	d->image_name = xstrdup_or_null(image_name);
	return 0;
}

int descriptor_parse(struct json_object *o, struct descriptor *ret, struct error *err)
{
	auto_descriptor d = {};
	const char *type = NULL;
	const char *digest = NULL;
	struct json_object *size = NULL;

	if (json_get_string(o, "mediaType", &type, err) < 0 ||
	    json_get_string(o, "digest", &digest, err) < 0 ||
	    json_get_uint(o, "size", &d.size, err) < 0)
		return -EBADMSG;
	if (!type || !digest || !json_object_object_get_ex(o, "size", &size) || !size)
		return error_say(err, EBADMSG, "a descriptor needs mediaType, digest and size");
	if (strlen(type) > MEDIA_TYPE_MAX)
		return error_say(err, EBADMSG, "'mediaType' is too long");
	if (d.size > DESCRIPTOR_SIZE_MAX)
		return error_say(err, EBADMSG, "'size' is more than %llu bytes",
				 (unsigned long long)DESCRIPTOR_SIZE_MAX);
	if (digest_parse(digest, &d.digest, err) < 0 || read_platform(o, &d, err) < 0 ||
	    read_annotations(o, &d, err) < 0)
		return -EBADMSG;
	d.media_type = xstrdup(type);

	*ret = take_struct(d);
	return 0;
}

static void descriptors_done_p(struct descriptors *list)
{
	descriptors_done(list);
}

int descriptors_parse(struct json_object *array, const char *what, size_t max,
		      struct descriptors *ret, struct error *err)
{
	size_t count = json_object_array_length(array);
	if (count > max)
		return error_say(err, EFBIG, "'%s' has %zu entries, more than the %zu allowed",
				 what, count, max);

	auto_(descriptors_done_p) struct descriptors list = {
		.items = xcalloc(count ? count : 1, sizeof(struct descriptor)),
	};
	for (; list.count < count; list.count++)
		if (descriptor_parse(json_object_array_get_idx(array, list.count),
				     &list.items[list.count], err) < 0)
			return error_prefix(err, "%s[%zu]", what, list.count);

	*ret = take_struct(list);
	return 0;
}

static void add_platform(struct json_object *o, const struct platform *p)
{
	struct json_object *platform = json_add(o, "platform", json_object_new_object());

	json_add_string(platform, "architecture", p->architecture);
	json_add_string(platform, "os", p->os);
	if (p->variant[0])
		json_add_string(platform, "variant", p->variant);
}

struct json_object *descriptor_json(const struct descriptor *d)
{
	struct json_object *o = json_object_new_object();

	json_add_string(o, "mediaType", d->media_type);
	json_add_string(o, "digest", d->digest.text);
	json_add_uint(o, "size", d->size);
	if (d->ref_name || d->image_name) {
		struct json_object *a = json_add(o, "annotations", json_object_new_object());
		if (d->image_name)
			json_add_string(a, ANNOTATION_IMAGE_NAME, d->image_name);
		if (d->ref_name)
			json_add_string(a, ANNOTATION_REF_NAME, d->ref_name);
	}
	if (d->has_platform)
		add_platform(o, &d->platform);
	return o;
}
