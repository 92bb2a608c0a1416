/* SPDX-License-Identifier: Apache-2.0 */
#include "api/shape/shape.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/test.h"
#include "container/request/json.h"

#define ID "4f9c0a4f9c0a4f9c0a4f9c0a4f9c0a4f9c0a4f9c0a4f9c0a4f9c0a4f9c0a4f9c"
#define SHA "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* ---- Fixtures ------------------------------------------------------------------------------- */

static struct instance_info make_info(void)
{
	struct instance_info info = {
		.id = ID,
		.name = xstrdup("web"),
		.state = STATE_RUNNING,
		.image = xstrdup("debian:13"),
		.image_id = xstrdup(SHA),
		.path = xstrdup("sh"),
		.network_mode = xstrdup("none"),
		.created_ns = 1700000000 * NSEC_PER_SEC,
		.started_ns = 1700000001 * NSEC_PER_SEC,
		.pid = 812,
	};

	strv_add(&info.args, "-c");
	strv_add(&info.args, "sleep 9");
	strv_add(&info.labels, "a=1");
	strv_add(&info.labels, "b=x=y");
	return info;
}

static void drop_info(struct instance_info *info)
{
	free(info->name);
	free(info->image);
	free(info->image_id);
	free(info->path);
	free(info->network_mode);
	strv_done(&info->args);
	strv_done(&info->labels);
	strv_done(&info->exec_ids);
	container_mounts_done(&info->mounts);
}

static void parse_request(const char *text, struct container_request *ret)
{
	auto_json *o = NULL;
	struct error err;

	assert_int_equal(json_parse(text, strlen(text), SIZE_MAX, "test", &o, &err), 0);
	assert_int_equal(container_request_parse(o, ret, &err), 0);
}

/* The text of one member, found by a path of keys; "" where it is not there. */
static const char *member(struct json_object *o, const char *const path[])
{
	for (size_t i = 0; path[i]; i++)
		if (!json_object_object_get_ex(o, path[i], &o))
			return "";
	return o ? json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							     JSON_C_TO_STRING_NOSLASHESCAPE)
		 : "null";
}

#define MEMBER(o, ...) member(o, (const char *const[]){ __VA_ARGS__, NULL })

/* ---- Containers ----------------------------------------------------------------------------- */

static void a_summary_has_dockers_keys(void **state)
{
	auto_(drop_info) struct instance_info info = make_info();
	auto_container_request request = { 0 };

	(void)state;
	parse_request("{\"Image\":\"debian:13\",\"HostConfig\":{\"Binds\":[\"/srv:/data:ro\"]}}",
		      &request);
	assert_int_equal(container_mounts_shown(&request, NULL, &info.mounts, NULL), 0);
	auto_json *o = shape_container_summary(&info, NULL, info.started_ns + 125 * NSEC_PER_SEC);
	auto_free char *text = json_text(o);
	assert_string_equal(
		text,
		"{\"Id\":\"" ID "\",\"Names\":[\"/web\"],\"Image\":\"debian:13\",\"ImageID\":\"" SHA
		"\",\"Command\":\"sh -c 'sleep 9'\",\"Created\":1700000000,\"Ports\":[],"
		"\"State\":\"running\",\"Status\":\"Up 2 minutes\","
		"\"Labels\":{\"a\":\"1\",\"b\":\"x=y\"},\"HostConfig\":{\"NetworkMode\":\"none\","
		"\"Isolation\":\"container\"},"
		"\"NetworkSettings\":{\"Networks\":{\"none\":{\"IPAMConfig\":null,\"Links\":null,"
		"\"Aliases\":null,\"DriverOpts\":null,\"NetworkID\":\"\",\"EndpointID\":\"\","
		"\"Gateway\":\"\",\"GlobalIPv6Address\":\"\",\"GlobalIPv6PrefixLen\":0,"
		"\"IPAddress\":\"\",\"IPPrefixLen\":0,\"IPv6Gateway\":\"\",\"MacAddress\":\"\","
		"\"DNSNames\":null}}},\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/srv\","
		"\"Destination\":\"/data\",\"Mode\":\"\",\"RW\":false,"
		"\"Propagation\":\"rprivate\"}]}");
}

static void a_summary_of_chosen_fields_leaves_the_large_ones_out(void **state)
{
	auto_(drop_info) struct instance_info info = make_info();
	auto_strv fields = { 0 };

	(void)state;
	strv_add(&fields, "Mounts");
	auto_json *o = shape_container_summary(&info, &fields, info.started_ns);
	assert_string_equal(MEMBER(o, "Names"), "[\"/web\"]");
	assert_string_equal(MEMBER(o, "Mounts"), "[]");
	assert_string_equal(MEMBER(o, "NetworkSettings"), "");
	assert_string_equal(MEMBER(o, "Labels"), "");
}

static void every_state_has_its_words(void **state)
{
	static const struct {
		enum instance_state state;
		const char *status;
		const char *running;
	} cases[] = {
		{ STATE_CREATED, "Created", "false" },
		{ STATE_STARTING, "Created", "false" },
		{ STATE_RUNNING, "Up 10 seconds", "true" },
		{ STATE_PAUSED, "Up 10 seconds (Paused)", "true" },
		{ STATE_STOPPING, "Up 10 seconds", "true" },
		{ STATE_RESTARTING, "Restarting (3) 5 seconds ago", "true" },
		{ STATE_EXITED, "Exited (3) 5 seconds ago", "false" },
		{ STATE_REMOVING, "Removal In Progress", "false" },
		{ STATE_DEAD, "Dead", "false" },
	};
	auto_(drop_info) struct instance_info info = make_info();
	auto_container_request request = { 0 };

	(void)state;
	info.exit_code = 3;
	info.finished_ns = info.started_ns + 5 * NSEC_PER_SEC;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		info.state = cases[i].state;
		auto_free char *status = shape_status(&info, info.started_ns + 10 * NSEC_PER_SEC);
		auto_json *o = shape_container(&info, &request, NULL, "erofs");

		assert_string_equal(status, cases[i].status);
		assert_string_equal(MEMBER(o, "State", "Running"), cases[i].running);
	}
}

static void an_inspection_tells_state_and_defaults(void **state)
{
	auto_(drop_info) struct instance_info info = make_info();
	auto_container_request request = { 0 };

	(void)state;
	parse_request("{\"Image\":\"debian:13\",\"Cmd\":[\"sh\"],\"HostConfig\":{}}", &request);
	auto_json *o = shape_container(&info, &request, NULL, "erofs");
	assert_string_equal(MEMBER(o, "Name"), "\"/web\"");
	assert_string_equal(MEMBER(o, "State", "Status"), "\"running\"");
	assert_string_equal(MEMBER(o, "State", "StartedAt"), "\"2023-11-14T22:13:21Z\"");
	assert_string_equal(MEMBER(o, "State", "FinishedAt"), "\"0001-01-01T00:00:00Z\"");
	assert_string_equal(MEMBER(o, "Args"), "[\"-c\",\"sleep 9\"]");
	assert_string_equal(MEMBER(o, "ExecIDs"), "null");
	assert_string_equal(MEMBER(o, "Mounts"), "[]");
	assert_string_equal(MEMBER(o, "GraphDriver"), "{\"Data\":null,\"Name\":\"erofs\"}");
	assert_string_equal(MEMBER(o, "Config", "Hostname"), "\"4f9c0a4f9c0a\"");
	assert_string_equal(MEMBER(o, "Config", "Image"), "\"debian:13\"");
	assert_string_equal(MEMBER(o, "NetworkSettings", "Ports"), "{}");
}

static void what_the_request_leaves_open_is_the_images(void **state)
{
	auto_container_request request = { 0 };
	auto_image_settings image = { 0 };
	struct error err;
	auto_json *settings = NULL;
	const char *text = "{\"User\":\"app\",\"Env\":[\"PATH=/bin\",\"A=image\",\"B=image\"],"
			   "\"Entrypoint\":[\"/entry\"],\"Cmd\":[\"serve\"],"
			   "\"Labels\":{\"a\":\"image\",\"b\":\"image\"},\"WorkingDir\":\"/srv\"}";

	(void)state;
	assert_int_equal(json_parse(text, strlen(text), SIZE_MAX, "test", &settings, &err), 0);
	assert_int_equal(image_settings_parse(settings, &image, &err), 0);
	parse_request("{\"Env\":[\"A=mine\",\"B\"],\"Cmd\":[\"x\"],\"Labels\":{\"a\":\"mine\"}}",
		      &request);
	request_merge_image(&request, &image);
	assert_string_equal(request.user, "app");
	assert_string_equal(request.working_dir, "/srv");
	assert_string_equal(env_get(&request.env, "A"), "mine");
	assert_string_equal(env_get(&request.env, "PATH"), "/bin");
	assert_null(env_get(&request.env, "B"));
	assert_string_equal(request.entrypoint.items[0], "/entry");
	assert_int_equal(request.command.count, 1);
	assert_string_equal(request.command.items[0], "x");
	assert_string_equal(map_get(request.labels, "a"), "mine");
	assert_string_equal(map_get(request.labels, "b"), "image");
}

static void an_entry_point_of_the_request_drops_the_images_command(void **state)
{
	auto_container_request request = { 0 };
	auto_image_settings image = { 0 };

	(void)state;
	strv_add(&image.cmd, "serve");
	parse_request("{\"Entrypoint\":[\"/mine\"]}", &request);
	request_merge_image(&request, &image);
	assert_int_equal(request.command.count, 0);
	assert_string_equal(request.entrypoint.items[0], "/mine");
}

static void an_exec_session_that_runs_has_no_exit_code(void **state)
{
	struct exec_info info = { .id = ID, .instance_id = ID, .running = true, .started = true };
	auto_json *request = NULL;
	struct error err;
	const char *text = "{\"Cmd\":[\"sh\",\"-c\",\"x\"],\"AttachStdout\":true,\"User\":\"app\"}";

	(void)state;
	assert_int_equal(json_parse(text, strlen(text), SIZE_MAX, "test", &request, &err), 0);
	auto_json *runs = shape_exec(&info, request);
	assert_string_equal(MEMBER(runs, "ExitCode"), "null");
	assert_string_equal(MEMBER(runs, "OpenStdout"), "true");
	assert_string_equal(MEMBER(runs, "OpenStdin"), "false");
	assert_string_equal(MEMBER(runs, "ProcessConfig"),
			    "{\"tty\":false,\"entrypoint\":\"sh\",\"arguments\":[\"-c\",\"x\"],"
			    "\"privileged\":false,\"user\":\"app\"}");
	info.running = false;
	info.exit_code = 7;
	auto_json *ended = shape_exec(&info, request);
	assert_string_equal(MEMBER(ended, "ExitCode"), "7");
}

/* ---- Images --------------------------------------------------------------------------------- */

static struct image make_image(void)
{
	struct image image = {
		.id = { SHA },
		.platform = { "linux", "arm64", "v8" },
		.created_ns = 1700000000 * NSEC_PER_SEC,
		.size_bytes = 1234,
	};
	return image;
}

static void drop_image(struct image *image)
{
	strv_done(&image->references);
	strv_done(&image->repo_digests);
}

static void an_images_names_are_the_short_ones(void **state)
{
	auto_(drop_image) struct image image = make_image();

	(void)state;
	strv_add(&image.references, "docker.io/library/debian:13");
	strv_add(&image.references, "localhost:5000/me/debian:13");
	strv_add(&image.repo_digests, "docker.io/library/debian@" SHA);
	auto_json *o = shape_image_summary(&image, NULL, 47);
	auto_free char *text = json_text(o);
	assert_string_equal(text, "{\"Id\":\"" SHA "\",\"ParentId\":\"\","
				  "\"RepoTags\":[\"debian:13\",\"localhost:5000/me/debian:13\"],"
				  "\"RepoDigests\":[\"debian@" SHA "\"],\"Created\":1700000000,"
				  "\"Size\":1234,\"SharedSize\":-1,\"Labels\":null,"
				  "\"Containers\":-1}");
}

static void old_clients_see_none_for_an_image_without_names(void **state)
{
	auto_(drop_image) struct image image = make_image();

	(void)state;
	auto_json *new = shape_image_summary(&image, NULL, 47);
	auto_json *old = shape_image_summary(&image, NULL, 41);
	assert_string_equal(MEMBER(new, "RepoTags"), "[]");
	assert_string_equal(MEMBER(new, "VirtualSize"), "");
	assert_string_equal(MEMBER(old, "RepoTags"), "[\"<none>:<none>\"]");
	assert_string_equal(MEMBER(old, "RepoDigests"), "[\"<none>@<none>\"]");
	assert_string_equal(MEMBER(old, "VirtualSize"), "1234");
}

static void an_images_inspection_has_its_root_and_settings(void **state)
{
	auto_(drop_image) struct image image = make_image();
	auto_image_config *config = image_config_new();
	struct image_history entry = { .comment = (char *)"made by hand" };
	struct digest layer = { SHA };

	(void)state;
	image_config_add_diff_id(config, &layer);
	image_config_add_history(config, &entry);
	strv_add(&config->settings.cmd, "sh");
	auto_json *o = shape_image(&image, config, "erofs", 47);
	assert_string_equal(MEMBER(o, "RootFS"), "{\"Type\":\"layers\",\"Layers\":[\"" SHA "\"]}");
	assert_string_equal(MEMBER(o, "Config", "Cmd"), "[\"sh\"]");
	assert_string_equal(MEMBER(o, "Comment"), "\"made by hand\"");
	assert_string_equal(MEMBER(o, "Created"), "\"2023-11-14T22:13:20Z\"");
	assert_string_equal(MEMBER(o, "Architecture"), "\"arm64\"");
	assert_string_equal(MEMBER(o, "Variant"), "\"v8\"");
}

static void a_removal_tells_names_before_layers(void **state)
{
	struct image_removal removal = { 0 };

	(void)state;
	strv_add(&removal.untagged, "debian:13");
	strv_add(&removal.deleted, SHA);
	auto_json *o = shape_image_removal(&removal);
	auto_free char *text = json_text(o);
	assert_string_equal(text, "[{\"Untagged\":\"debian:13\"},{\"Deleted\":\"" SHA "\"}]");
	strv_done(&removal.untagged);
	strv_done(&removal.deleted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_summary_has_dockers_keys),
		cmocka_unit_test(a_summary_of_chosen_fields_leaves_the_large_ones_out),
		cmocka_unit_test(every_state_has_its_words),
		cmocka_unit_test(an_inspection_tells_state_and_defaults),
		cmocka_unit_test(what_the_request_leaves_open_is_the_images),
		cmocka_unit_test(an_entry_point_of_the_request_drops_the_images_command),
		cmocka_unit_test(an_exec_session_that_runs_has_no_exit_code),
		cmocka_unit_test(an_images_names_are_the_short_ones),
		cmocka_unit_test(old_clients_see_none_for_an_image_without_names),
		cmocka_unit_test(an_images_inspection_has_its_root_and_settings),
		cmocka_unit_test(a_removal_tells_names_before_layers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
