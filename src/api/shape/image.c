/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "api/shape/shape.h"
#include "api/text.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "oci/reference.h"

/* Clients before 1.43 want an image without a name to be called "<none>". */
#define MINOR_EMPTY_NAMES 43
/* "VirtualSize" was an alias of "Size" until 1.44. */
#define MINOR_NO_VIRTUAL_SIZE 44

/* Full references in the short form that users write. */
static struct json_object *familiar_array(const struct strv *references)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < references->count; i++) {
		auto_reference ref = { 0 };
		auto_free char *text = NULL;

		if (reference_parse(references->items[i], &ref, NULL) == 0)
			text = reference_familiar(&ref);
		json_object_array_add(array,
				      json_object_new_string(text ? text : references->items[i]));
	}
	return array;
}

static struct json_object *one_string(const char *text)
{
	struct json_object *array = json_object_new_array();

	json_object_array_add(array, json_object_new_string(text));
	return array;
}

static void add_size(struct json_object *o, const struct image *image, int api_minor)
{
	json_add_int(o, "Size", image->size_bytes);
	if (api_minor < MINOR_NO_VIRTUAL_SIZE)
		json_add_int(o, "VirtualSize", image->size_bytes);
}

static struct json_object *label_map(const struct map *labels)
{
	struct json_object *o;
	const char *key;
	const char *value;

	if (!labels)
		return NULL;
	o = json_object_new_object();
	for (size_t at = 0; (value = map_next(labels, &at, &key));)
		json_add_string(o, key, value);
	return o;
}

struct json_object *shape_image_summary(const struct image *image,
					const struct image_settings *settings, int api_minor)
{
	struct json_object *o = json_object_new_object();
	bool old_none = api_minor < MINOR_EMPTY_NAMES && image->references.count == 0 &&
			image->repo_digests.count == 0;

	json_add_string(o, "Id", image->id.text);
	json_add_string(o, "ParentId", "");
	json_add(o, "RepoTags",
		 old_none ? one_string("<none>:<none>") : familiar_array(&image->references));
	json_add(o, "RepoDigests",
		 old_none ? one_string("<none>@<none>") : familiar_array(&image->repo_digests));
	json_add_int(o, "Created", image->created_ns / NSEC_PER_SEC);
	add_size(o, image, api_minor);
	json_add_int(o, "SharedSize", -1);
	json_add(o, "Labels", settings ? label_map(settings->labels) : NULL);
	json_add_int(o, "Containers", -1);
	return o;
}

static struct json_object *shape_root(const struct image_config *config)
{
	struct json_object *o = json_object_new_object();
	struct json_object *layers = json_object_new_array();

	for (size_t i = 0; i < config->diff_id_count; i++)
		json_object_array_add(layers, json_object_new_string(config->diff_ids[i].text));
	json_add_string(o, "Type", "layers");
	json_add(o, "Layers", layers);
	return o;
}

static struct json_object *shape_metadata(const struct image *image)
{
	struct json_object *o = json_object_new_object();
	char time[TIME_TEXT];

	json_add_string(o, "LastTagTime", time_text(image->committed_ns, time));
	return o;
}

static void add_platform(struct json_object *o, const struct image *image,
			 const struct image_config *config)
{
	json_add_string(o, "Architecture", image->platform.architecture);
	if (image->platform.variant[0])
		json_add_string(o, "Variant", image->platform.variant);
	json_add_string(o, "Os", image->platform.os);
	if (config->os_version)
		json_add_string(o, "OsVersion", config->os_version);
}

static struct json_object *shape_graph(const char *driver)
{
	struct json_object *o = json_object_new_object();

	json_add(o, "Data", NULL);
	json_add_string(o, "Name", driver);
	return o;
}

struct json_object *shape_image(const struct image *image, const struct image_config *config,
				const char *driver, int api_minor)
{
	struct json_object *o = json_object_new_object();
	const char *comment = "";
	char time[TIME_TEXT];

	if (config->history_count > 0 && config->history[config->history_count - 1].comment)
		comment = config->history[config->history_count - 1].comment;
	json_add_string(o, "Id", image->id.text);
	json_add(o, "RepoTags", familiar_array(&image->references));
	json_add(o, "RepoDigests", familiar_array(&image->repo_digests));
	json_add_string(o, "Parent", "");
	json_add_string(o, "Comment", comment);
	json_add_string(o, "Created", image->created_ns ? time_text(image->created_ns, time) : "");
	json_add_string(o, "DockerVersion", "");
	json_add_string(o, "Author", config->author ? config->author : "");
	json_add(o, "Config", image_settings_json(&config->settings));
	add_platform(o, image, config);
	add_size(o, image, api_minor);
	json_add(o, "GraphDriver", shape_graph(driver));
	json_add(o, "RootFS", shape_root(config));
	json_add(o, "Metadata", shape_metadata(image));
	return o;
}

struct json_object *shape_image_history(const struct image *image,
					const struct image_history_rows *rows)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < rows->count; i++) {
		const struct image_history_row *row = &rows->items[i];
		struct json_object *o = json_object_new_object();
		bool named = i == 0 && image->references.count > 0;

		json_add_string(o, "Id", digest_is_empty(&row->id) ? "<missing>" : row->id.text);
		json_add_int(o, "Created", row->created_ns / NSEC_PER_SEC);
		json_add_string(o, "CreatedBy", row->created_by ? row->created_by : "");
		json_add(o, "Tags", named ? familiar_array(&image->references) : NULL);
		json_add_int(o, "Size", row->size_bytes);
		json_add_string(o, "Comment", row->comment ? row->comment : "");
		json_object_array_add(array, o);
	}
	return array;
}

static void add_entries(struct json_object *array, const char *key, const struct strv *values)
{
	for (size_t i = 0; i < values->count; i++) {
		struct json_object *o = json_object_new_object();

		json_add_string(o, key, values->items[i]);
		json_object_array_add(array, o);
	}
}

struct json_object *shape_image_removal(const struct image_removal *removal)
{
	struct json_object *array = json_object_new_array();

	add_entries(array, "Untagged", &removal->untagged);
	add_entries(array, "Deleted", &removal->deleted);
	return array;
}
