/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json_object.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "container/config/compile.h"
#include "container/plan/text.h"
#include "container/request/check.h"
#include "container/request/json.h"
#include "oci/image-config.h"

/*
 * Golden files: golden/NAME.request.json is turned into NAME.config.json and that into NAME.plan.
 * With BERTH_GOLDEN=write in the environment the test writes them, to be read before they are
 * committed.
 */
#define GOLDEN_DIR TEST_SOURCE_DIR "/config/golden"
#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define TEXT_MAX (1u << 20)

static const char *const names[] = { "default", "many-flags", "privileged", "host-namespaces",
				     "host-users" };

static void golden_path(const char *name, const char *kind, char ret[512])
{
	(void)snprintf(ret, 512, "%s/%s.%s", GOLDEN_DIR, name, kind);
}

static void document_print(struct json_object *document, struct strbuf *ret)
{
	strbuf_clear(ret);
	strbuf_adds(ret,
		    json_object_to_json_string_ext(
			    document, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	strbuf_addc(ret, '\n');
}

/* As this json-c lays out a document: not each release does so alike. */
static void lay_out(struct strbuf *text)
{
	auto_json *document = NULL;
	struct error err = {};

	if (json_parse(text->data, text->len, TEXT_MAX, "golden", &document, &err) < 0)
		fail_msg("%s", err.text);
	document_print(document, text);
}

static void golden_compare(const char *name, const char *kind, const char *text)
{
	char path[512];
	auto_strbuf golden = STRBUF_INIT(TEXT_MAX);
	struct error err = {};
	const char *mode = getenv("BERTH_GOLDEN");

	golden_path(name, kind, path);
	if (mode && strcmp(mode, "write") == 0) {
		assert_int_equal(
			write_file_at(AT_FDCWD, path, text, strlen(text), 0644, false, &err), 0);
		return;
	}
	if (read_file_at(AT_FDCWD, path, TEXT_MAX, &golden, &err) < 0)
		fail_msg("%s", err.text);
	if (text[0] == '{')
		lay_out(&golden);
	assert_string_equal(strbuf_text(&golden), text);
}

static void request_of(const char *text, struct container_request *ret)
{
	auto_json *document = NULL;
	struct error err = {};
	int r = json_parse(text, strlen(text), TEXT_MAX, "request", &document, &err);

	if (r == 0)
		r = container_request_parse(document, ret, &err);
	if (r == 0)
		r = container_request_check(ret, &err);
	if (r < 0)
		fail_msg("%s", err.text);
}

/* A stand-in for what the engine knows. */
struct stand_in {
	struct container_mounts mounts;
	struct strv masked;
	struct container_place place;
};

static void stand_in_done(struct stand_in *s)
{
	container_mounts_done(&s->mounts);
	strv_done(&s->masked);
}

static const struct runtime_device fuse = {
	.type = 'c', .path = (char *)"/dev/fuse", .major = 10, .minor = 229, .mode = { true, 0666 }
};

static void stand_in(const struct container_request *request, struct stand_in *ret)
{
	struct error err = {};

	assert_int_equal(container_mounts_collect(request, NULL, &ret->mounts, &err), 0);
	for (size_t i = 0; i < ret->mounts.count; i++) {
		struct container_mount *m = &ret->mounts.items[i];
		if (m->type != CONTAINER_MOUNT_VOLUME)
			continue;
		char *source = xasprintf("/volumes/%s", m->source ? m->source : "anonymous");
		free(m->source);
		m->source = source;
	}
	strv_add(&ret->masked, "/sys/devices/system/cpu/cpu0/thermal_throttle");
	ret->place = (struct container_place){
		.id = ID,
		.root_path = "rootfs",
		.cgroups_path = "berth/" ID,
		.id_base = 0x70000000,
		.nofile_hard = { true, 4096 },
		.mounts = &ret->mounts,
		.devices = &fuse,
		.device_count = request->device_count,
		.leave_default_seccomp = true,
		.masked_paths = &ret->masked,
	};
}

static void a_request_gives_its_golden_configuration_and_plan(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[512];
		auto_strbuf text = STRBUF_INIT(TEXT_MAX);
		auto_strbuf dump = STRBUF_INIT(TEXT_MAX);
		auto_container_request request = {};
		auto_(stand_in_done) struct stand_in s = {};
		auto_runtime_config config = {};
		auto_plan_fds fds = {};
		auto_plan *plan = NULL;
		struct container_identity identity;
		struct error err = {};

		golden_path(names[i], "request.json", path);
		assert_int_equal(read_file_at(AT_FDCWD, path, TEXT_MAX, &text, &err), 0);
		request_of(strbuf_text(&text), &request);
		stand_in(&request, &s);
		if (container_config_make(&request, NULL, &s.place, &config, &identity, &err) < 0 ||
		    runtime_config_check(&config, &err) < 0)
			fail_msg("%s: %s", names[i], err.text);
		auto_json *document = runtime_config_json(&config);
		document_print(document, &text);
		golden_compare(names[i], "config.json", strbuf_text(&text));

		if (container_compile(&config, &identity, NULL, &fds, &plan, &err) < 0)
			fail_msg("%s: %s", names[i], err.text);
		plan_print(plan, &dump);
		golden_compare(names[i], "plan", strbuf_text(&dump));
	}
}

/* ---- request and image ------------------------------------------------------------------- */

static void make(const char *text, const struct image_config *image,
		 struct container_request *request, struct runtime_config *config,
		 struct container_identity *identity)
{
	auto_(stand_in_done) struct stand_in s = {};
	struct error err = {};

	request_of(text, request);
	stand_in(request, &s);
	if (container_config_make(request, image, &s.place, config, identity, &err) < 0)
		fail_msg("%s", err.text);
}

static struct image_config *image_with(const char *settings)
{
	struct image_config *image = image_config_new();
	auto_json *document = NULL;
	struct error err = {};

	assert_int_equal(json_parse(settings, strlen(settings), TEXT_MAX, "image", &document, &err),
			 0);
	if (image_settings_parse(document, &image->settings, &err) < 0)
		fail_msg("%s", err.text);
	return image;
}

static void the_image_says_what_the_request_does_not(void **state)
{
	auto_image_config *image = image_with(
		"{\"Entrypoint\":[\"/e\"],\"Cmd\":[\"c\"],\"Env\":[\"PATH=/image\",\"A=i\"],"
		"\"User\":\"app\",\"WorkingDir\":\"srv\"}");
	auto_container_request request = {};
	auto_runtime_config config = {};
	struct container_identity identity;

	(void)state;
	make("{\"Env\":[\"A=r\"]}", image, &request, &config, &identity);
	assert_string_equal(config.process->args.items[0], "/e");
	assert_string_equal(config.process->args.items[1], "c");
	assert_string_equal(config.process->cwd, "/srv");
	assert_string_equal(env_get(&config.process->env, "PATH"), "/image");
	assert_string_equal(env_get(&config.process->env, "A"), "r");
	assert_string_equal(identity.user, "app");
}

static void entry_point_and_command_are_put_together_as_docker_does(void **state)
{
	static const struct {
		const char *request;
		const char *args; /* joined by blanks */
	} cases[] = {
		{ "{}", "/e c" },
		{ "{\"Cmd\":[\"x\"]}", "/e x" },
		{ "{\"Entrypoint\":[\"/r\"]}", "/r" },
		{ "{\"Entrypoint\":[\"/r\"],\"Cmd\":[\"x\",\"y\"]}", "/r x y" },
		{ "{\"Entrypoint\":[\"\"],\"Cmd\":[\"x\"]}", "x" },
		{ "{\"Entrypoint\":null,\"Cmd\":null}", "/e c" },
		{ "{\"Entrypoint\":[],\"Cmd\":[\"x\"]}", "x" },
	};
	auto_image_config *image = image_with("{\"Entrypoint\":[\"/e\"],\"Cmd\":[\"c\"]}");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_container_request request = {};
		auto_strv args = {};
		auto_strbuf joined = STRBUF_INIT(1024);
		struct error err = {};
		request_of(cases[i].request, &request);
		assert_int_equal(container_command(&request, image, &args, &err), 0);
		for (size_t k = 0; k < args.count; k++)
			strbuf_addf(&joined, "%s%s", k ? " " : "", args.items[k]);
		assert_string_equal(strbuf_text(&joined), cases[i].args);
	}
}

static void no_command_at_all_is_refused(void **state)
{
	auto_container_request request = {};
	auto_strv args = {};
	struct error err = {};

	(void)state;
	assert_int_equal(container_command(&request, NULL, &args, &err), -EINVAL);
	assert_string_equal(err.text, "no command specified");
}

/* An image is the lowest level of trust: nothing of it may widen the sandbox. */
static void nothing_of_an_image_but_its_own_program_is_taken(void **state)
{
	auto_image_config *image = image_with(
		"{\"Cmd\":[\"c\"],\"Env\":[\"*\",\"=x\",\"PATH\",\"\"],\"Labels\":{"
		"\"io.berth.privileged\":\"1\",\"io.kubernetes.cri-o.userns-mode\":\"host\","
		"\"containerd.io/restart.loguri\":\"binary:///bin/"
		"sh\",\"run.oci.handler\":\"krun\"},"
		"\"Volumes\":{\"/proc\":{}},\"ExposedPorts\":{\"1/tcp\":{}}}");
	auto_image_config *plain = image_with("{\"Cmd\":[\"c\"]}");
	auto_container_request request = {};
	auto_container_request plain_request = {};
	auto_runtime_config config = {};
	auto_runtime_config expected = {};
	struct container_identity identity;

	(void)state;
	make("{}", image, &request, &config, &identity);
	make("{}", plain, &plain_request, &expected, &identity);
	auto_json *document = runtime_config_json(&config);
	auto_json *expected_document = runtime_config_json(&expected);
	auto_free char *text = json_text(document);
	auto_free char *expected_text = json_text(expected_document);
	assert_string_equal(text, expected_text);
}

static void privileged_means_the_hosts_users_unless_told_otherwise(void **state)
{
	static const struct {
		const char *request;
		bool host;
	} cases[] = {
		{ "{}", false },
		{ "{\"HostConfig\":{\"UsernsMode\":\"host\"}}", true },
		{ "{\"HostConfig\":{\"Privileged\":true}}", true },
		{ "{\"HostConfig\":{\"Privileged\":true,\"UsernsMode\":\"private\"}}", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_container_request request = {};
		request_of(cases[i].request, &request);
		assert_int_equal(container_request_host_users(&request), cases[i].host);
	}
}

static void an_exec_is_confined_as_its_container(void **state)
{
	auto_container_request request = {};
	auto_runtime_config config = {};
	auto_(runtime_process_done) struct runtime_process process = {};
	struct container_identity container;
	struct container_identity identity;
	struct container_exec exec = {};
	struct error err = {};

	(void)state;
	make("{\"Cmd\":[\"c\"],\"Env\":[\"A=1\"],\"User\":\"u\",\"HostConfig\":{\"GroupAdd\":["
	     "\"g\"]}}",
	     NULL, &request, &config, &container);
	assert_int_equal(container_exec_make(&config, &container, &exec, &process, &identity, &err),
			 -EINVAL);
	assert_string_equal(err.text, "No exec command specified");
	strv_add(&exec.args, "sh");
	strv_add(&exec.env, "B=2");
	assert_int_equal(container_exec_make(&config, &container, &exec, &process, &identity, &err),
			 0);
	assert_true(process.no_new_privileges);
	assert_memory_equal(process.capabilities, config.process->capabilities,
			    sizeof(*process.capabilities));
	assert_int_equal(process.rlimit_count, config.process->rlimit_count);
	assert_string_equal(env_get(&process.env, "A"), "1");
	assert_string_equal(env_get(&process.env, "B"), "2");
	assert_string_equal(identity.user, "u");
	assert_string_equal(identity.groups->items[0], "g");
	strv_done(&exec.args);
	strv_done(&exec.env);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_gives_its_golden_configuration_and_plan),
		cmocka_unit_test(the_image_says_what_the_request_does_not),
		cmocka_unit_test(entry_point_and_command_are_put_together_as_docker_does),
		cmocka_unit_test(no_command_at_all_is_refused),
		cmocka_unit_test(nothing_of_an_image_but_its_own_program_is_taken),
		cmocka_unit_test(privileged_means_the_hosts_users_unless_told_otherwise),
		cmocka_unit_test(an_exec_is_confined_as_its_container),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
