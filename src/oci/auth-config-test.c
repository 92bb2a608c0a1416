/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/strbuf.h"
#include "oci/auth-config.h"

static struct auth_config *load(int dir)
{
	auto_free char *path = xasprintf("%s/docker/config.json", test_dir_path(dir));
	struct auth_config *c = NULL;
	struct error err = {};

	if (auth_config_load(path, &c, &err) < 0)
		fail_msg("%s", err.text);
	return c;
}

static void credentials_that_were_stored_are_found(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	auto_auth_config *c = load(dir);
	struct auth a = { .username = (char *)"u",
			  .password = (char *)"p",
			  .server = (char *)"h:1" };

	assert_int_equal(auth_config_store(c, &a, NULL), 0);
	auto_auth_config *again = load(dir);
	auto_auth found = {};
	auto_auth other = {};
	assert_int_equal(auth_config_get(again, "h:1", &found, NULL), 0);
	assert_string_equal(found.username, "u");
	assert_string_equal(found.password, "p");
	assert_int_equal(auth_config_get(again, "h:2", &other, NULL), 0);
	assert_true(auth_is_empty(&other));
	assert_string_equal(other.server, "h:2");
}

static void the_file_is_private_and_keeps_what_others_wrote(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	struct auth a = { .username = (char *)"u", .password = (char *)"p", .server = (char *)"h" };
	struct stat st;
	auto_strbuf text = STRBUF_INIT(4096);

	test_write(dir, "docker/config.json",
		   "{\"psFormat\":\"table\",\"auths\":{\"x\":{\"auth\":\"YTpi\",\"more\":1}}}");
	auto_auth_config *c = load(dir);
	assert_int_equal(auth_config_store(c, &a, NULL), 0);
	assert_int_equal(fstatat(dir, "docker/config.json", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(read_file_at(dir, "docker/config.json", 4096, &text, NULL), 0);
	assert_non_null(strstr(strbuf_text(&text), "psFormat"));
	assert_non_null(strstr(strbuf_text(&text), "more"));
	assert_non_null(strstr(strbuf_text(&text), "dTpw"));
}

static void an_erased_server_is_forgotten(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	test_write(dir, "docker/config.json",
		   "{\"auths\":{\"https://h/v1/\":{\"auth\":\"YTpi\"}}}");

	auto_auth_config *c = load(dir);
	auto_auth a = {};
	assert_int_equal(auth_config_get(c, "h", &a, NULL), 0);
	assert_string_equal(a.username, "a");
	assert_int_equal(auth_config_erase(c, "h", NULL), 0);
	assert_int_equal(auth_config_erase(c, "h", NULL), 1);
	auto_auth_config *again = load(dir);
	auto_auth b = {};
	assert_int_equal(auth_config_get(again, "h", &b, NULL), 0);
	assert_true(auth_is_empty(&b));
}

static void identity_tokens_stand_beside_an_empty_password(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	auto_auth_config *c = load(dir);
	struct auth a = { .username = (char *)"u",
			  .identity_token = (char *)"tok",
			  .server = (char *)AUTH_DOCKER_HUB };

	assert_int_equal(auth_config_store(c, &a, NULL), 0);
	auto_auth_config *again = load(dir);
	auto_auth found = {};
	auto_free char *server = auth_server_of_domain("docker.io");
	assert_int_equal(auth_config_get(again, server, &found, NULL), 0);
	assert_string_equal(found.identity_token, "tok");
	assert_string_equal(found.username, "u");
}

static void a_helper_that_is_missing_or_misnamed_is_an_error(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	test_write(dir, "docker/config.json",
		   "{\"credsStore\":\"berth-none\",\"credHelpers\":{\"h\":\"../../bin/sh\"}}");

	auto_auth_config *c = load(dir);
	auto_auth a = {};
	struct error err = {};
	assert_int_equal(auth_config_get(c, "h", &a, &err), -EINVAL);
	assert_int_equal(auth_config_get(c, "other", &a, &err), -ENOPKG);
	assert_non_null(strstr(err.text, "docker-credential-berth-none"));
}

static void a_malformed_file_is_named(void **state)
{
	(void)state;
	static const char *const bad[] = { "[]", "{", "{\"auths\":{},\"auths\":{}}" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		auto_test_dir int dir = test_dir();
		test_write(dir, "config.json", bad[i]);
		auto_free char *path = xasprintf("%s/config.json", test_dir_path(dir));
		struct auth_config *c = NULL;
		struct error err = {};
		assert_int_equal(auth_config_load(path, &c, &err), -EBADMSG);
		assert_non_null(strstr(err.text, path));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(credentials_that_were_stored_are_found),
		cmocka_unit_test(the_file_is_private_and_keeps_what_others_wrote),
		cmocka_unit_test(an_erased_server_is_forgotten),
		cmocka_unit_test(identity_tokens_stand_beside_an_empty_password),
		cmocka_unit_test(a_helper_that_is_missing_or_misnamed_is_an_error),
		cmocka_unit_test(a_malformed_file_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
