/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/options.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/test.h"

static int read_words(struct strv *words, struct engine_options *ret, struct error *err)
{
	return engine_options_read((int)words->count, words->items, ret, err);
}

/* A command line with --config FILE, whose text is @config. */
static void start_words(struct strv *words, int dir, const char *config)
{
	test_write(dir, "berth.json", config);
	strv_add(words, "berthd");
	strv_add(words, "--config");
	strv_addf(words, "%s/berth.json", test_dir_path(dir));
}

static void what_is_not_set_has_its_default(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	auto_strv words = {};
	auto_engine_options options = { .ready_fd = -1 };
	start_words(&words, dir, "{}");
	assert_int_equal(read_words(&words, &options, NULL), 0);
	assert_string_equal(options.state_dir, "/var/lib/berth");
	assert_string_equal(options.run_dir, "/run/berth");
	assert_string_equal(options.socket, "/run/berth/berth.sock");
	assert_string_equal(options.log_file, "/var/lib/berth/berthd.log");
	assert_int_equal(options.ready_fd, -1);
	assert_false(options.daemon);
}

static void the_command_line_has_the_last_word_over_the_file(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	auto_strv words = {};
	auto_engine_options options = { .ready_fd = -1 };
	start_words(&words, dir,
		    "{\"state\": \"/a\", \"run\": \"/b\", \"log-level\": \"debug\","
		    " \"insecure-registries\": [\"10.0.0.5:5000\"]}");
	strv_add(&words, "--run=/c");
	strv_add(&words, "--insecure-registry");
	strv_add(&words, "registry.test");
	assert_int_equal(read_words(&words, &options, NULL), 0);
	assert_string_equal(options.state_dir, "/a");
	assert_string_equal(options.run_dir, "/c");
	assert_string_equal(options.socket, "/c/berth.sock");
	assert_int_equal(options.log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(options.insecure_registries.count, 2);
}

static void a_setting_that_is_not_known_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "{\"stat\": \"/a\"}",
					   "{\"state\": 5}",
					   "{\"state\": \"a\"}",
					   "{\"store-mode\": \"best\"}",
					   "{\"insecure-registries\": \"a\"}",
					   "{\"insecure-registries\": [null]}",
					   "{\"token-servers\": [5]}",
					   "[]",
					   "{\"state\":" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		auto_test_dir int dir = test_dir();
		auto_strv words = {};
		auto_engine_options options = { .ready_fd = -1 };
		struct error err = {};
		start_words(&words, dir, bad[i]);
		assert_true(read_words(&words, &options, &err) < 0);
		assert_true(err.text[0] != '\0');
		assert_null(options.state_dir);
	}
}

static void a_wrong_command_line_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "--nonsense", "--state",      "--state=relative",
					   "extra",      "--ready-fd=x", "--log-level=loud" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		auto_strv words = {};
		auto_engine_options options = { .ready_fd = -1 };
		struct error err = {};
		strv_add(&words, "berthd");
		strv_add(&words, bad[i]);
		assert_int_equal(read_words(&words, &options, &err), -EINVAL);
	}
}

static void a_file_that_is_named_must_be_there(void **state)
{
	(void)state;
	auto_strv words = {};
	auto_engine_options options = { .ready_fd = -1 };
	strv_add(&words, "berthd");
	strv_add(&words, "--config=/nonexistent/berth.json");
	assert_int_equal(read_words(&words, &options, NULL), -ENOENT);
}

static void a_socket_may_be_written_as_a_client_writes_it(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	auto_strv words = {};
	auto_engine_options options = { .ready_fd = -1 };
	start_words(&words, dir, "{}");
	strv_add(&words, "--socket=unix:///tmp/x.sock");
	assert_int_equal(read_words(&words, &options, NULL), 0);
	assert_string_equal(options.socket, "/tmp/x.sock");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_set_has_its_default),
		cmocka_unit_test(the_command_line_has_the_last_word_over_the_file),
		cmocka_unit_test(a_setting_that_is_not_known_is_refused),
		cmocka_unit_test(a_wrong_command_line_is_refused),
		cmocka_unit_test(a_file_that_is_named_must_be_there),
		cmocka_unit_test(a_socket_may_be_written_as_a_client_writes_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
