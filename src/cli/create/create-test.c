/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/create/options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/test.h"
#include "cli/document.h"

/*
 * golden/create.json holds command lines and what docker 28.2.2 sends for them, captured by a server
 * that only listens; members that are empty, zero or false are taken out.
 */
#define GOLDEN TEST_SOURCE_DIR "/create/golden/create.json"
#define GOLDEN_MAX (1U << 20)
#define ARGUMENTS_MAX 64

static const struct verb verb = {
	.names = (const char *const[]){ "create", NULL },
	.options = { .tables = { create_table, create_place_table, limit_table },
		     .stop_at_operand = true },
};

/* The request for a command line. */
static int make(char **argv, bool detach, struct json_object **ret, struct error *err)
{
	struct create_options options = {};
	struct option_result parsed;

	int r = option_parse(&verb.options, argv, &options, &parsed, err);
	struct call call = {
		.verb = &verb,
		.name = "create",
		.options = &options,
		.operands = parsed.operands,
		.operand_count = parsed.operand_count,
		.parsed = &parsed,
	};
	if (r == 0)
		r = create_body(&call, detach, ret, err);
	option_done(&verb.options, &options);
	return r;
}

static void split(char *line, char *argv[ARGUMENTS_MAX])
{
	size_t count = 0;

	for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
		argv[count++] = word;
	argv[count] = NULL;
}

static void assert_same_as_docker(struct json_object *entry)
{
	struct json_object *arguments = document_at(entry, "arguments");
	struct json_object *expected = document_at(entry, "body");
	char *argv[ARGUMENTS_MAX] = {};
	auto_json *body = NULL;
	struct error err = {};

	assert_true(document_count(arguments, NULL) < ARGUMENTS_MAX);
	for (size_t i = 0; i < document_count(arguments, NULL); i++)
		argv[i] = (char *)json_object_get_string(document_item(arguments, i));
	if (make(argv, false, &body, &err) < 0)
		fail_msg("%s: %s", json_object_get_string(arguments), err.text);
	/* the size of the terminal that the tests run in, where they do */
	json_object_object_del(document_at(body, "HostConfig"), "ConsoleSize");
	if (!json_object_equal(body, expected))
		fail_msg("%s\nours:     %s\ndocker's: %s", json_object_get_string(arguments),
			 json_object_get_string(body), json_object_get_string(expected));
}

static void requests_are_the_ones_that_docker_makes(void **state)
{
	auto_strbuf text = STRBUF_INIT(GOLDEN_MAX);
	auto_json *golden = NULL;
	struct error err = {};

	(void)state;
	(void)setenv("BERTH_TEST", "value", 1);
	(void)unsetenv("BERTH_TEST_UNSET");
	assert_int_equal(read_file_at(AT_FDCWD, GOLDEN, GOLDEN_MAX, &text, &err), 0);
	assert_int_equal(json_parse(text.data, text.len, GOLDEN_MAX, "golden", &golden, &err), 0);
	assert_true(document_count(golden, NULL) > 50);
	for (size_t i = 0; i < document_count(golden, NULL); i++)
		assert_same_as_docker(document_item(golden, i));
}

static void vm_is_an_isolation(void **state)
{
	char line[] = "--vm debian";
	char *argv[ARGUMENTS_MAX];
	auto_json *body = NULL;
	struct error err = {};

	(void)state;
	split(line, argv);
	assert_int_equal(make(argv, false, &body, &err), 0);
	assert_string_equal(document_text(body, "HostConfig.Isolation"), "vm");
}

static void a_detached_run_attaches_nothing(void **state)
{
	char line[] = "-i debian";
	char *argv[ARGUMENTS_MAX];
	auto_json *body = NULL;
	struct error err = {};

	(void)state;
	split(line, argv);
	assert_int_equal(make(argv, true, &body, &err), 0);
	assert_null(document_at(body, "AttachStdout"));
	assert_null(document_at(body, "StdinOnce"));
	assert_true(document_bool(body, "OpenStdin"));
}

static void a_seccomp_profile_is_sent_whole(void **state)
{
	auto_test_dir int dir = test_dir();
	auto_free char *line =
		xasprintf("--security-opt seccomp=%s/p.json debian", test_dir_path(dir));
	char *argv[ARGUMENTS_MAX];
	auto_json *body = NULL;
	struct error err = {};

	(void)state;
	test_write(dir, "p.json", "{ \"defaultAction\": \"SCMP_ACT_ALLOW\" }\n");
	split(line, argv);
	assert_int_equal(make(argv, false, &body, &err), 0);
	struct json_object *list = document_at(body, "HostConfig.SecurityOpt");
	assert_string_equal(document_text(document_item(list, 0), NULL),
			    "seccomp={\"defaultAction\":\"SCMP_ACT_ALLOW\"}");
}

static void environment_and_label_files_are_read(void **state)
{
	auto_test_dir int dir = test_dir();
	auto_free char *line = xasprintf("--env-file %s/env -e B=2 --label-file %s/env debian",
					 test_dir_path(dir), test_dir_path(dir));
	char *argv[ARGUMENTS_MAX];
	auto_json *body = NULL;
	struct error err = {};

	(void)state;
	test_write(dir, "env", "A=1\n# none\n");
	split(line, argv);
	assert_int_equal(make(argv, false, &body, &err), 0);
	assert_string_equal(json_object_get_string(document_at(body, "Env")),
			    "[ \"A=1\", \"B=2\" ]");
	assert_string_equal(document_text(body, "Labels.A"), "1");
}

static void mistakes_are_found_before_the_engine_is_asked(void **state)
{
	static const char *const bad[] = {
		"-e =x debian",
		"-v :/x debian",
		"-p x debian",
		"--expose x debian",
		"--mount foo debian",
		"--restart on-failure:x debian",
		"--restart :3 debian",
		"--rm --restart always debian",
		"--label =x debian",
		"--dns x debian",
		"--add-host foo debian",
		"--device /dev/a:zz debian",
		"--device a:b:c:d debian",
		"--ulimit nofile=5:4 debian",
		"--ulimit nofile debian",
		"--security-opt nonsense debian",
		"--security-opt seccomp=/nonexistent debian",
		"--memory-swappiness 101 debian",
		"--health-retries -1 debian",
		"--no-healthcheck --health-cmd x debian",
		"--device-read-bps sda:1m debian",
		"--network name=a,nope=b debian",
		"--network alias=b debian",
		"--vm --isolation container debian",
		"-a nowhere debian",
		"--env-file /nonexistent debian",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		auto_free char *line = xstrdup(bad[i]);
		char *argv[ARGUMENTS_MAX];
		auto_json *body = NULL;
		struct error err = {};
		split(line, argv);
		if (make(argv, false, &body, &err) >= 0)
			fail_msg("'%s' was accepted", bad[i]);
		assert_true(err.text[0] != '\0');
		assert_null(body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_the_ones_that_docker_makes),
		cmocka_unit_test(vm_is_an_isolation),
		cmocka_unit_test(a_detached_run_attaches_nothing),
		cmocka_unit_test(a_seccomp_profile_is_sent_whole),
		cmocka_unit_test(environment_and_label_files_are_read),
		cmocka_unit_test(mistakes_are_found_before_the_engine_is_asked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
