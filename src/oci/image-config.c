/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/image-config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "oci/manifest.h"

/* Steps in the history of one image: layers and the empty ones between them. */
#define HISTORY_MAX 4096

struct image_config *image_config_new(void)
{
	struct image_config *c = xnew(struct image_config);

	strbuf_init(&c->raw, IMAGE_CONFIG_SIZE_MAX);
	return c;
}

static void history_done(struct image_history *h)
{
	free(h->created);
	free(h->created_by);
	free(h->author);
	free(h->comment);
}

void image_config_free(struct image_config *c)
{
	if (!c)
		return;
	strbuf_done(&c->raw);
	free(c->created);
	free(c->author);
	free(c->os_version);
	strv_done(&c->os_features);
	image_settings_done(&c->settings);
	free(c->diff_ids);
	for (size_t i = 0; i < c->history_count; i++)
		history_done(&c->history[i]);
	free(c->history);
	free(c);
}

void image_config_add_diff_id(struct image_config *c, const struct digest *diff_id)
{
	c->diff_ids = xreallocarray(c->diff_ids, c->diff_id_count + 1, sizeof(*c->diff_ids));
	c->diff_ids[c->diff_id_count++] = *diff_id;
}

void image_config_add_history(struct image_config *c, const struct image_history *entry)
{
	c->history = xreallocarray(c->history, c->history_count + 1, sizeof(*c->history));
	c->history[c->history_count++] = (struct image_history){
		.created = xstrdup_or_null(entry->created),
		.created_by = xstrdup_or_null(entry->created_by),
		.author = xstrdup_or_null(entry->author),
		.comment = xstrdup_or_null(entry->comment),
		.empty_layer = entry->empty_layer,
	};
}

struct image_config *image_config_copy(const struct image_config *c)
{
	struct image_config *copy = image_config_new();

	copy->created = xstrdup_or_null(c->created);
	copy->author = xstrdup_or_null(c->author);
	copy->platform = c->platform;
	copy->os_version = xstrdup_or_null(c->os_version);
	strv_copy(&copy->os_features, &c->os_features);
	image_settings_copy(&copy->settings, &c->settings);
	for (size_t i = 0; i < c->diff_id_count; i++)
		image_config_add_diff_id(copy, &c->diff_ids[i]);
	for (size_t i = 0; i < c->history_count; i++)
		image_config_add_history(copy, &c->history[i]);
	return copy;
}

static int read_string(struct json_object *o, const char *key, char **ret, struct error *err)
{
	const char *text = NULL;
	int r = json_get_string(o, key, &text, err);

	if (r == 0 && text) {
		free(*ret);
		*ret = xstrdup(text);
	}
	return r;
}

static int read_platform(struct json_object *o, struct platform *p, struct error *err)
{
	static const struct {
		const char *key;
		size_t offset;
	} words[] = {
		{ "os", offsetof(struct platform, os) },
		{ "architecture", offsetof(struct platform, architecture) },
		{ "variant", offsetof(struct platform, variant) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		const char *text = "";
		int r = json_get_string(o, words[i].key, &text, err);
		if (r < 0)
			return r;
		if (strlen(text) >= PLATFORM_WORD)
			return error_say(err, EBADMSG, "'%s' is too long", words[i].key);
		memcpy((char *)p + words[i].offset, text, strlen(text) + 1);
	}
	platform_normalize(p);
	return 0;
}

static int read_diff_ids(struct json_object *o, struct image_config *c, struct error *err)
{
	struct json_object *rootfs = NULL;
	const char *type = "layers";
	auto_strv ids = {};

	if (json_get_object(o, "rootfs", &rootfs, err) < 0)
		return -EBADMSG;
	if (!rootfs)
		return error_say(err, EBADMSG, "'rootfs' is missing");
	if (json_get_string(rootfs, "type", &type, err) < 0 ||
	    json_get_strings(rootfs, "diff_ids", &ids, err) < 0)
		return error_prefix(err, "rootfs");
	if (strcmp(type, "layers") != 0)
		return error_say(err, EBADMSG, "'rootfs' is of type '%.32s', not layers", type);
	if (ids.count > MANIFEST_LAYERS_MAX)
		return error_say(err, EFBIG, "%zu layers, more than the %d allowed", ids.count,
				 MANIFEST_LAYERS_MAX);
	for (size_t i = 0; i < ids.count; i++) {
		struct digest id = {};
		if (digest_parse(ids.items[i], &id, err) < 0)
			return error_prefix(err, "diff_ids[%zu]", i);
		image_config_add_diff_id(c, &id);
	}
	return 0;
}

static int read_history_entry(struct json_object *o, struct image_history *h, struct error *err)
{
	if (read_string(o, "created", &h->created, err) < 0 ||
	    read_string(o, "created_by", &h->created_by, err) < 0 ||
	    read_string(o, "author", &h->author, err) < 0 ||
	    read_string(o, "comment", &h->comment, err) < 0 ||
	    json_get_bool(o, "empty_layer", &h->empty_layer, err) < 0)
		return -EBADMSG;
	return 0;
}

static int read_history(struct json_object *o, struct image_config *c, struct error *err)
{
	struct json_object *array = NULL;
	int r = json_get_array(o, "history", &array, err);
	if (r < 0 || !array)
		return r;

	size_t count = json_object_array_length(array);
	if (count > HISTORY_MAX)
		return error_say(err, EFBIG, "%zu steps of history, more than the %d allowed",
				 count, HISTORY_MAX);
	c->history = xcalloc(count ? count : 1, sizeof(*c->history));
	for (size_t i = 0; i < count; i++) {
		/* counted first, so that a half-read entry is released too */
		struct image_history *h = &c->history[c->history_count++];
		if (read_history_entry(json_object_array_get_idx(array, i), h, err) < 0)
			return error_prefix(err, "history[%zu]", i);
	}
	return 0;
}

static int read_document(struct json_object *o, struct image_config *c, struct error *err)
{
	struct json_object *settings = NULL;

	if (json_object_get_type(o) != json_type_object)
		return error_say(err, EBADMSG, "it is no object");
	int r = read_diff_ids(o, c, err);
	if (r < 0)
		return r;
	r = read_history(o, c, err);
	if (r < 0)
		return r;
	if (read_string(o, "created", &c->created, err) < 0 ||
	    read_string(o, "author", &c->author, err) < 0 ||
	    read_string(o, "os.version", &c->os_version, err) < 0 ||
	    json_get_strings(o, "os.features", &c->os_features, err) < 0 ||
	    read_platform(o, &c->platform, err) < 0 ||
	    json_get_object(o, "config", &settings, err) < 0)
		return -EBADMSG;
	if (settings && image_settings_parse(settings, &c->settings, err) < 0)
		return error_prefix(err, "config");
	return 0;
}

int image_config_parse(const void *data, size_t len, struct image_config **ret, struct error *err)
{
	auto_json *o = NULL;
	int r = json_parse(data, len, IMAGE_CONFIG_SIZE_MAX, "image configuration", &o, err);
	if (r < 0)
		return r;

	auto_image_config *c = image_config_new();
	r = read_document(o, c, err);
	if (r < 0) {
		(void)error_prefix(err, "parse image configuration");
		return r;
	}
	strbuf_add(&c->raw, data, len);
	*ret = take_ptr(c);
	return 0;
}

static void add_given(struct json_object *o, const char *key, const char *value)
{
	if (value)
		json_add_string(o, key, value);
}

static void add_history(struct json_object *o, const struct image_config *c)
{
	struct json_object *array = json_add(o, "history", json_object_new_array());

	for (size_t i = 0; i < c->history_count; i++) {
		const struct image_history *h = &c->history[i];
		struct json_object *entry = json_object_new_object();
		if (json_object_array_add(array, entry) < 0)
			abort();
		add_given(entry, "created", h->created);
		add_given(entry, "author", h->author);
		add_given(entry, "created_by", h->created_by);
		add_given(entry, "comment", h->comment);
		if (h->empty_layer)
			json_add_bool(entry, "empty_layer", true);
	}
}

static void add_rootfs(struct json_object *o, const struct image_config *c)
{
	struct json_object *rootfs = json_add(o, "rootfs", json_object_new_object());
	auto_strv ids = {};

	for (size_t i = 0; i < c->diff_id_count; i++)
		strv_add(&ids, c->diff_ids[i].text);
	json_add_string(rootfs, "type", "layers");
	json_add_strings(rootfs, "diff_ids", &ids);
}

void image_config_write(const struct image_config *c, struct strbuf *ret)
{
	auto_json *o = json_object_new_object();

	add_given(o, "created", c->created);
	add_given(o, "author", c->author);
	json_add_string(o, "architecture", c->platform.architecture);
	if (c->platform.variant[0])
		json_add_string(o, "variant", c->platform.variant);
	json_add_string(o, "os", c->platform.os);
	add_given(o, "os.version", c->os_version);
	if (c->os_features.count > 0)
		json_add_strings(o, "os.features", &c->os_features);
	(void)json_add(o, "config", image_settings_json(&c->settings));
	add_rootfs(o, c);
	if (c->history_count > 0)
		add_history(o, c);
	json_print(o, ret);
}
