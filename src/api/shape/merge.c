/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "api/shape/shape.h"
#include "base/alloc.h"
#include "container/config/default-config.h"
#include "container/request/check.h"

static void take_text(char **to, const char *from)
{
	if (!*to && from && *from)
		*to = xstrdup(from);
}

static void add_missing(struct strv *to, const struct strv *from)
{
	for (size_t i = 0; i < from->count; i++)
		if (!strv_contains(to, from->items[i]))
			strv_add(to, from->items[i]);
}

/* Names that the request sets or unsets ("NAME" alone) stay the request's. */
static bool names_variable(const struct strv *env, const char *assignment)
{
	size_t len = strcspn(assignment, "=");

	for (size_t i = 0; i < env->count; i++)
		if (strncmp(env->items[i], assignment, len) == 0 &&
		    (env->items[i][len] == '=' || env->items[i][len] == '\0'))
			return true;
	return false;
}

static void merge_env(struct strv *to, const struct strv *image)
{
	auto_strv merged = { 0 };

	/* a name alone unsets the image's variable, and is shown as it was given */
	strv_add_all(&merged, to);
	for (size_t i = 0; i < image->count; i++)
		if (!names_variable(to, image->items[i]))
			strv_add(&merged, image->items[i]);
	strv_copy(to, &merged);
}

static void merge_labels(struct map **to, const struct map *image)
{
	const char *key;
	char *value;

	for (size_t at = 0; image && (value = map_next(image, &at, &key));) {
		if (!*to)
			*to = map_new(free);
		if (!map_get(*to, key))
			map_set(*to, key, xstrdup(value));
	}
}

/* A command alone keeps the image's entry point, an entry point drops the image's command. */
static void merge_command(struct container_request *request, const struct image_settings *image)
{
	if (request->entrypoint.count > 0)
		return;
	if (request->command.count == 0) {
		strv_copy(&request->command, &image->cmd);
		request->has_command = image->cmd.count > 0;
	}
	if (!request->has_entrypoint) {
		strv_copy(&request->entrypoint, &image->entrypoint);
		request->has_entrypoint = image->entrypoint.count > 0;
	}
}

static void merge_health(struct container_request *request, const struct image_settings *image)
{
	const struct image_healthcheck *from = image->healthcheck;

	if (request->health || !from)
		return;
	request->health = xnew(struct container_health);
	strv_copy(&request->health->test, &from->test);
	request->health->interval_ns = from->interval_ns;
	request->health->timeout_ns = from->timeout_ns;
	request->health->start_period_ns = from->start_period_ns;
	request->health->start_interval_ns = from->start_interval_ns;
	request->health->retries = from->retries;
}

void request_show_defaults(struct container_request *request)
{
	/* clients read logs only of drivers that they know to keep them */
	take_text(&request->log.type, "json-file");
	take_text(&request->ipc_mode, "private");
	take_text(&request->cgroupns_mode, "private");
	take_text(&request->runtime, container_request_vm(request) ? "vm" : "container");
	if (request->shm_size_bytes == 0)
		request->shm_size_bytes = CONTAINER_SHM_DEFAULT;
}

void request_merge_image(struct container_request *request, const struct image_settings *image)
{
	take_text(&request->user, image->user);
	take_text(&request->working_dir, image->working_dir);
	take_text(&request->stop_signal, image->stop_signal);
	add_missing(&request->exposed_ports, &image->exposed_ports);
	add_missing(&request->anonymous_volumes, &image->volumes);
	merge_env(&request->env, &image->env);
	merge_labels(&request->labels, image->labels);
	merge_command(request, image);
	merge_health(request, image);
}
