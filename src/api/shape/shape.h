/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/json.h"
#include "container/request/request.h"
#include "instance/manager.h"
#include "oci/image-config.h"
#include "store/image/image.h"

/**
 * DOC: Objects in Docker's shape
 *
 * Pure functions from Berth's records to the JSON that Docker's clients read: every key that Docker
 * always sends is there, null where Docker has null and [] where it has [].
 */

/**
 * shape_container_summary() - one entry of GET /containers/json
 * @fields: which of Labels, HostConfig, NetworkSettings, Mounts and ImageID the client reads; NULL:
 *          all
 */
struct json_object *shape_container_summary(const struct instance_info *info,
					    const struct strv *fields, int64_t now_ns);

/**
 * shape_container() - GET /containers/{id}/json
 * @request: what was asked; not changed
 * @image:   configuration of its image; NULL where it is gone
 * @driver:  name of the storage driver
 */
struct json_object *shape_container(const struct instance_info *info,
				    const struct container_request *request,
				    const struct image_config *image, const char *driver);

/* "Up 5 minutes", "Exited (0) 3 days ago", ...; malloc'ed. */
char *shape_status(const struct instance_info *info, int64_t now_ns);

/* What the request leaves open is taken from the image, as Docker does when it creates. */
void request_merge_image(struct container_request *request, const struct image_settings *image);

/* What Berth does where a request says nothing, said as Docker's inspect does. */
void request_show_defaults(struct container_request *request);

/* One entry of GET /images/json; @api_minor of the client decides on old fields. */
struct json_object *shape_image_summary(const struct image *image,
					const struct image_settings *settings, int api_minor);

/* GET /images/{name}/json */
struct json_object *shape_image(const struct image *image, const struct image_config *config,
				const char *driver, int api_minor);

/* GET /images/{name}/history */
struct json_object *shape_image_history(const struct image *image,
					const struct image_history_rows *rows);

/* Answer of DELETE /images/{name}, and "ImagesDeleted" of a prune: null where nothing was. */
struct json_object *shape_image_removal(const struct image_removal *removal);

/* GET /exec/{id}/json */
struct json_object *shape_exec(const struct exec_info *info, struct json_object *request);

/* ["a", ...]; [] for an empty list. */
struct json_object *json_string_array(const struct strv *values);
/* {"key":"value"} of a list of "key=value"; {} for an empty one. */
struct json_object *json_label_object(const struct strv *labels);
