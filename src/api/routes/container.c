/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>

#include "api/api-internal.h"
#include "api/shape/shape.h"
#include "base/alloc.h"
#include "base/json.h"
#include "container/request/json.h"
#include "instance/files.h"

/* Answers what a verb without an answer of its own gave: 204, or 304 where nothing changed. */
static int reply_verb(struct http_request *rq, int result)
{
	if (result < 0)
		return result;
	return http_reply_empty(rq, result == MANAGER_UNCHANGED ? 304 : 204);
}

int check_platform(struct http_request *rq, struct api *api, struct json_object *request,
		   struct error *err)
{
	const char *text = uri_query(http_uri(rq), "platform");
	const char *name = NULL;
	struct platform wanted;
	auto_image *image = NULL;

	if (!text || !*text)
		return 0;
	int r = platform_parse(text, &wanted, err);
	if (r == 0)
		r = json_get_string(request, "Image", &name, err);
	if (r < 0 || !name)
		return r < 0 ? -EINVAL : 0;
	r = image_find(api->options.store, name, &image, err);
	if (r < 0 || platform_score(&wanted, &image->platform) > 0)
		return r;
	auto_free char *is = platform_text(&image->platform);
	return error_say(err, ENOENT,
			 "image with reference %.200s was found but its platform (%s) does not "
			 "match the specified platform (%.50s)",
			 name, is, text);
}

static int create(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	const char *name = uri_query(http_uri(rq), "name");
	char id[INSTANCE_ID_LEN + 1];
	auto_json *request = NULL;
	auto_strv warnings = { 0 };

	int r = body_required(rq, "create request", &request, err);
	if (r < 0)
		return r;
	if (name && *name == '/')
		name++;
	container_request_fold(request);
	r = check_platform(rq, api, request, err);
	if (r < 0)
		return r;
	r = manager_create(api->options.manager, name && *name ? name : NULL, request, id,
			   &warnings, err);
	if (r < 0)
		return r;

	struct json_object *reply = json_object_new_object();
	json_add_string(reply, "Id", id);
	json_add(reply, "Warnings", json_string_array(&warnings));
	return http_reply_json(rq, 201, reply);
}

void add_sizes(struct api *api, const struct instance_info *info, struct json_object *o)
{
	auto_image *image = NULL;
	int64_t size = 0;

	(void)!manager_disk_usage(api->options.manager, info->id, &size, NULL);
	(void)!image_find(api->options.store, info->image_id, &image, NULL);
	json_add_int(o, "SizeRw", size);
	json_add_int(o, "SizeRootFs", size + (image ? image->size_bytes : 0));
}

static int inspect(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	auto_instance_info info = { 0 };
	auto_container_request request = { 0 };
	auto_image_config *image = NULL;
	auto_json *document = NULL;
	struct digest image_id;

	int r = manager_get(api->options.manager, http_param(rq, "id"), &info, err);
	if (r < 0)
		return r;
	if (record_parse(info.request, "record", &document, err) < 0 ||
	    container_request_parse(document, &request, err) < 0)
		return error_prefix(err, "read the record of %s", info.id);
	/* an image that was removed by force leaves what the request says */
	if (digest_parse(info.image_id, &image_id, NULL) == 0 &&
	    image_load_config(api->options.store, &image_id, &image, NULL) == 0)
		request_merge_image(&request, &image->settings);
	request_show_defaults(&request);
	struct json_object *reply =
		shape_container(&info, &request, image, api_storage_driver(api));
	if (uri_query_bool(http_uri(rq), "size", false))
		add_sizes(api, &info, reply);
	return http_reply_json(rq, 200, reply);
}

static int start(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;

	return reply_verb(rq, manager_start(api->options.manager, http_param(rq, "id"), NULL, err));
}

/* Grace period of the query parameter "t"; -1 where it is missing, "for ever" is as long as fits. */
static int query_timeout(struct http_request *rq, int *ret, struct error *err)
{
	const char *text = uri_query(http_uri(rq), "t");
	int64_t timeout_s = 0;

	*ret = -1;
	if (!text || !*text)
		return 0;
	int r = uri_query_int(http_uri(rq), "t", &timeout_s, err);
	if (r == 0)
		*ret = timeout_s < 0 || timeout_s > INT_MAX ? INT_MAX : (int)timeout_s;
	return r;
}

static int stop_or_restart(struct http_request *rq, struct error *err,
			   int (*verb)(struct manager *m, const char *ref, int signal,
				       int timeout_s, struct error *err),
			   struct manager *manager)
{
	int timeout_s;
	int signal;

	if (query_timeout(rq, &timeout_s, err) < 0 || query_signal(rq, &signal, err) < 0)
		return -EINVAL;
	return reply_verb(rq, verb(manager, http_param(rq, "id"), signal, timeout_s, err));
}

static int stop(struct http_request *rq, void *context, struct error *err)
{
	return stop_or_restart(rq, err, manager_stop, ((struct api *)context)->options.manager);
}

static int restart(struct http_request *rq, void *context, struct error *err)
{
	return stop_or_restart(rq, err, manager_restart, ((struct api *)context)->options.manager);
}

static int kill_instance(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	int signal;

	if (query_signal(rq, &signal, err) < 0)
		return -EINVAL;
	int r = manager_kill(api->options.manager, http_param(rq, "id"), signal ? signal : SIGKILL,
			     err);
	return r < 0 ? r : http_reply_empty(rq, 204);
}

static int pause_instance(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;

	return reply_verb(rq, manager_pause(api->options.manager, http_param(rq, "id"), err));
}

static int unpause(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;

	return reply_verb(rq, manager_unpause(api->options.manager, http_param(rq, "id"), err));
}

static int rename_instance(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	const char *name = uri_query(http_uri(rq), "name");

	if (!name || !*name)
		return error_say(err, EINVAL, "Neither old nor new names may be empty");
	if (*name == '/')
		name++;
	int r = manager_rename(api->options.manager, http_param(rq, "id"), name, err);
	return r < 0 ? r : http_reply_empty(rq, 204);
}

static int remove_instance(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	struct remove_options options = {
		.force = uri_query_bool(http_uri(rq), "force", false),
		.volumes = uri_query_bool(http_uri(rq), "v", false),
	};

	int r = manager_remove(api->options.manager, http_param(rq, "id"), &options, err);
	return r < 0 ? r : http_reply_empty(rq, 204);
}

static int resize(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	uint16_t rows;
	uint16_t cols;

	if (query_size(rq, &rows, &cols, err) < 0)
		return -EINVAL;
	int r = manager_resize(api->options.manager, http_param(rq, "id"), rows, cols, err);
	return r < 0 ? r : http_reply_empty(rq, 200);
}

/* ---- Wait ----------------------------------------------------------------------------------- */

static int parse_condition(const char *text, enum wait_condition *ret, struct error *err)
{
	static const char *const names[] = {
		[WAIT_NOT_RUNNING] = "not-running",
		[WAIT_NEXT_EXIT] = "next-exit",
		[WAIT_REMOVED] = "removed",
	};

	*ret = WAIT_NOT_RUNNING;
	if (!text || !*text)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			*ret = (enum wait_condition)i;
			return 0;
		}
	}
	return error_say(err, EINVAL, "invalid condition: \"%s\"", text);
}

/*
 * The head is sent before the wait: docker's `run` waits first and starts when it has the head. A
 * start that failed is told to who started, not here, where docker would print it once more.
 */
static int wait_for(struct http_request *rq, void *context, struct error *err)
{
	struct api *api = context;
	enum wait_condition condition;
	struct instance_wait *wait = NULL;

	int r = parse_condition(uri_query(http_uri(rq), "condition"), &condition, err);
	if (r < 0)
		return r;
	r = manager_wait_prepare(api->options.manager, http_param(rq, "id"), condition, &wait, err);
	if (r < 0)
		return r;
	http_stream_begin(rq, 200, "application/json");
	int status = manager_wait_finish(wait, http_client_fd(rq), NULL);
	if (status < 0)
		return status;

	struct json_object *reply = json_object_new_object();
	json_add_int(reply, "StatusCode", status);
	(void)!http_stream_json(rq, reply);
	return 0;
}

static const struct http_route routes[] = {
	{ HTTP_POST, 0, "/containers/create", create },
	{ HTTP_GET, 0, "/containers/{id}/json", inspect },
	{ HTTP_POST, HTTP_BODY_NONE, "/containers/{id}/start", start },
	{ HTTP_POST, HTTP_BODY_NONE, "/containers/{id}/stop", stop },
	{ HTTP_POST, HTTP_BODY_NONE, "/containers/{id}/restart", restart },
	{ HTTP_POST, HTTP_BODY_NONE, "/containers/{id}/kill", kill_instance },
	{ HTTP_POST, HTTP_BODY_NONE, "/containers/{id}/pause", pause_instance },
	{ HTTP_POST, HTTP_BODY_NONE, "/containers/{id}/unpause", unpause },
	{ HTTP_POST, HTTP_BODY_NONE, "/containers/{id}/rename", rename_instance },
	{ HTTP_POST, HTTP_BODY_NONE, "/containers/{id}/resize", resize },
	{ HTTP_POST, HTTP_BODY_NONE | HTTP_REPLY_STREAM, "/containers/{id}/wait", wait_for },
	{ HTTP_DELETE, HTTP_BODY_NONE, "/containers/{id}", remove_instance },
};

const struct route_table container_routes = { routes, ARRAY_SIZE(routes) };
