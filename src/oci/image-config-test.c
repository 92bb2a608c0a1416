/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "oci/image-config.h"

#define HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ROOTFS "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:" HEX "\"]}"

static const char full[] =
	"{\"architecture\":\"arm64\",\"variant\":\"v8\",\"os\":\"linux\",\"author\":\"A\","
	"\"created\":\"2026-11-20T00:00:00Z\",\"docker_version\":\"28\",\"config\":{"
	"\"User\":\"app:1000\",\"ExposedPorts\":{\"80/tcp\":{},\"53/udp\":{}},"
	"\"Env\":[\"PATH=/bin\",\"X=\"],\"Entrypoint\":[\"/e\",\"-x\"],\"Cmd\":[\"c\"],"
	"\"Volumes\":{\"/data\":{}},\"WorkingDir\":\"/w\",\"Labels\":{\"a\":\"1\",\"b=c\":\"2\"},"
	"\"StopSignal\":\"SIGQUIT\",\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"true\"],"
	"\"Interval\":30000000000,\"Timeout\":1000000000,\"StartPeriod\":5,\"StartInterval\":6,"
	"\"Retries\":3},\"OnBuild\":[\"RUN x\"],\"Shell\":[\"/bin/bash\",\"-c\"],"
	"\"ArgsEscaped\":true,\"Image\":\"\",\"AttachStdin\":false},"
	"\"history\":[{\"created\":\"t\",\"created_by\":\"ADD\",\"comment\":\"c\"},"
	"{\"created_by\":\"CMD\",\"empty_layer\":true}]," ROOTFS "}";

static struct image_config *parse(const char *text)
{
	struct image_config *c = NULL;
	struct error err = {};

	if (image_config_parse(text, strlen(text), &c, &err) < 0)
		fail_msg("%s", err.text);
	return c;
}

static void check_full(const struct image_config *c)
{
	const struct image_settings *s = &c->settings;

	assert_string_equal(c->platform.architecture, "arm64");
	assert_string_equal(c->platform.variant, "v8");
	assert_string_equal(c->author, "A");
	assert_string_equal(s->user, "app:1000");
	assert_int_equal(s->exposed_ports.count, 2);
	assert_string_equal(s->exposed_ports.items[1], "53/udp");
	assert_string_equal(env_get(&s->env, "PATH"), "/bin");
	assert_int_equal(s->entrypoint.count, 2);
	assert_string_equal(s->cmd.items[0], "c");
	assert_string_equal(s->volumes.items[0], "/data");
	assert_string_equal(s->working_dir, "/w");
	assert_string_equal(map_get(s->labels, "b=c"), "2");
	assert_string_equal(s->stop_signal, "SIGQUIT");
	assert_string_equal(s->healthcheck->test.items[1], "true");
	assert_int_equal(s->healthcheck->interval_ns, 30000000000);
	assert_int_equal(s->healthcheck->start_interval_ns, 6);
	assert_int_equal(s->healthcheck->retries, 3);
	assert_string_equal(s->on_build.items[0], "RUN x");
	assert_int_equal(s->shell.count, 2);
	assert_true(s->args_escaped);
	assert_int_equal(c->diff_id_count, 1);
	assert_string_equal(digest_hex(&c->diff_ids[0]), HEX);
	assert_int_equal(c->history_count, 2);
	assert_string_equal(c->history[0].comment, "c");
	assert_true(c->history[1].empty_layer);
}

static void every_field_is_read_and_the_bytes_are_kept(void **state)
{
	(void)state;
	auto_image_config *c = parse(full);

	check_full(c);
	assert_string_equal(strbuf_text(&c->raw), full);
}

static void a_copy_written_and_read_again_is_the_same(void **state)
{
	(void)state;
	auto_image_config *c = parse(full);
	auto_image_config *copy = image_config_copy(c);
	auto_strbuf text = STRBUF_INIT(IMAGE_CONFIG_SIZE_MAX);

	image_config_write(copy, &text);
	auto_image_config *again = parse(strbuf_text(&text));
	check_full(again);
}

static void nulls_and_missing_fields_are_defaults(void **state)
{
	(void)state;
	auto_image_config *bare = parse("{" ROOTFS "}");
	auto_image_config *nulls = parse("{\"config\":{\"Env\":null,\"Labels\":null,\"Cmd\":null,"
					 "\"Healthcheck\":null,\"User\":null},"
					 "\"history\":null," ROOTFS "}");

	assert_null(bare->settings.user);
	assert_null(nulls->settings.user);
	assert_null(nulls->settings.healthcheck);
	assert_int_equal(nulls->settings.cmd.count, 0);
}

static void an_image_without_layers_is_taken(void **state)
{
	(void)state;
	auto_image_config *c = parse("{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}");

	assert_int_equal(c->diff_id_count, 0);
}

static void malformed_configurations_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"rootfs\":{\"type\":\"windows\",\"diff_ids\":[]}}",
		"{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:../x\"]}}",
		"{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[1]}}",
		"{" ROOTFS "," ROOTFS "}",
		"{\"config\":[]," ROOTFS "}",
		"{\"config\":{\"Env\":\"A=1\"}," ROOTFS "}",
		"{\"config\":{\"Env\":[1]}," ROOTFS "}",
		"{\"config\":{\"Env\":[\"A=\\u0000\"]}," ROOTFS "}",
		"{\"config\":{\"Labels\":{\"a\":1}}," ROOTFS "}",
		"{\"config\":{\"User\":0}," ROOTFS "}",
		"{\"config\":{\"User\":\"a\",\"User\":\"root\"}," ROOTFS "}",
		"{\"history\":[null]," ROOTFS "}",
		"{\"history\":[{\"empty_layer\":1}]," ROOTFS "}",
		"{\"architecture\":\"0123456789012345678901234567890123456789\"," ROOTFS "}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct image_config *c = NULL;
		struct error err = {};
		assert_int_equal(image_config_parse(bad[i], strlen(bad[i]), &c, &err), -EBADMSG);
		assert_null(c);
		assert_true(err.text[0] != '\0');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_is_read_and_the_bytes_are_kept),
		cmocka_unit_test(a_copy_written_and_read_again_is_the_same),
		cmocka_unit_test(nulls_and_missing_fields_are_defaults),
		cmocka_unit_test(an_image_without_layers_is_taken),
		cmocka_unit_test(malformed_configurations_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
