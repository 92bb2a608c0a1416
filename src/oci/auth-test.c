/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include <errno.h>
#include <string.h>

#include "base/base64.h"
#include "oci/auth.h"

static int from_text(const char *json, struct auth *ret)
{
	auto_strbuf header = STRBUF_INIT(4096);
	struct error err = {};

	base64_encode_url(json, strlen(json), &header);
	return auth_from_header(strbuf_text(&header), ret, &err);
}

static void credentials_survive_the_header(void **state)
{
	(void)state;
	auto_auth a = {};
	auto_auth b = {};
	auto_strbuf header = STRBUF_INIT(4096);

	assert_int_equal(from_text("{\"username\":\"u\",\"password\":\"p:>?\xc3\xbf\","
				   "\"serveraddress\":\"h:1\",\"email\":\"\"}",
				   &a),
			 0);
	assert_string_equal(a.password, "p:>?\xc3\xbf");
	auth_to_header(&a, &header);
	assert_int_equal(auth_from_header(strbuf_text(&header), &b, NULL), 0);
	assert_string_equal(b.username, "u");
	assert_string_equal(b.password, a.password);
	assert_string_equal(b.server, "h:1");
	assert_null(b.identity_token);
}

static void empty_headers_mean_anonymous(void **state)
{
	(void)state;
	auto_auth a = {};

	assert_int_equal(auth_from_header("", &a, NULL), 0);
	assert_true(auth_is_empty(&a));
	assert_int_equal(from_text("{}", &a), 0);
	assert_true(auth_is_empty(&a));
	assert_int_equal(from_text("{\"username\":\"\",\"password\":\"\"}", &a), 0);
	assert_true(auth_is_empty(&a));
}

static void a_joined_user_and_password_is_taken_apart(void **state)
{
	(void)state;
	auto_auth a = {};

	assert_int_equal(from_text("{\"auth\":\"dXNlcjpwYTpzcw==\"}", &a), 0);
	assert_string_equal(a.username, "user");
	assert_string_equal(a.password, "pa:ss");
}

static void malformed_headers_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "null",
					   "[]",
					   "{\"username\":1}",
					   "{\"auth\":\"%%%\"}",
					   "{\"auth\":\"dXNl\"}",
					   "{\"username\":\"a\"" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		auto_auth a = {};
		assert_int_equal(from_text(bad[i], &a), -EINVAL);
		assert_true(auth_is_empty(&a));
	}
	auto_auth a = {};
	assert_int_equal(auth_from_header("%", &a, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(credentials_survive_the_header),
		cmocka_unit_test(empty_headers_mean_anonymous),
		cmocka_unit_test(a_joined_user_and_password_is_taken_apart),
		cmocka_unit_test(malformed_headers_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
