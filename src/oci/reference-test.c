/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "oci/reference.h"

#define DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static void familiar_names_become_full_ones_and_back(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *full;
		const char *familiar;
	} cases[] = {
		{ "debian", "docker.io/library/debian", "debian" },
		{ "debian:13", "docker.io/library/debian:13", "debian:13" },
		{ "debian@" DIGEST, "docker.io/library/debian@" DIGEST, "debian@" DIGEST },
		{ "debian:13@" DIGEST, "docker.io/library/debian:13@" DIGEST, "debian:13@" DIGEST },
		{ "me/app", "docker.io/me/app", "me/app" },
		{ "me/app/part:x", "docker.io/me/app/part:x", "me/app/part:x" },
		{ "docker.io/debian", "docker.io/library/debian", "debian" },
		{ "docker.io/library/debian", "docker.io/library/debian", "debian" },
		{ "index.docker.io/me/app", "docker.io/me/app", "me/app" },
		{ "library/debian", "docker.io/library/debian", "debian" },
		{ "library/a/b", "docker.io/library/a/b", "library/a/b" },
		{ "localhost/app", "localhost/app", "localhost/app" },
		{ "localhost:5000/app:1", "localhost:5000/app:1", "localhost:5000/app:1" },
		{ "localhost:5000/app@" DIGEST, "localhost:5000/app@" DIGEST,
		  "localhost:5000/app@" DIGEST },
		{ "ghcr.io/a/b/c:v1.2-3_4", "ghcr.io/a/b/c:v1.2-3_4", "ghcr.io/a/b/c:v1.2-3_4" },
		{ "127.0.0.1:5000/x", "127.0.0.1:5000/x", "127.0.0.1:5000/x" },
		{ "[::1]:5000/x:y", "[::1]:5000/x:y", "[::1]:5000/x:y" },
		{ "[fd00::1]/x", "[fd00::1]/x", "[fd00::1]/x" },
		{ "UPPER/x", "UPPER/x", "UPPER/x" },
		{ "a__b/c--d/e.f_g", "docker.io/a__b/c--d/e.f_g", "a__b/c--d/e.f_g" },
		{ "app:_", "docker.io/library/app:_", "app:_" },
		{ "app:5000", "docker.io/library/app:5000", "app:5000" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_reference ref = {};
		struct error err = {};
		if (reference_parse(cases[i].text, &ref, &err) < 0)
			fail_msg("%s", err.text);
		auto_free char *full = reference_text(&ref);
		auto_free char *familiar = reference_familiar(&ref);
		assert_string_equal(full, cases[i].full);
		assert_string_equal(familiar, cases[i].familiar);

		auto_reference again = {};
		assert_int_equal(reference_parse(familiar, &again, &err), 0);
		auto_free char *full_again = reference_text(&again);
		assert_string_equal(full_again, full);
	}
}

static void malformed_references_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		":tag",
		"@" DIGEST,
		"Debian",
		"me/App",
		"docker.io/",
		"/app",
		"a//b",
		"a/",
		"../x",
		"a/../b",
		"-app",
		"app-",
		"a..b",
		"a___b",
		"a b",
		"app:",
		"app:.x",
		"app:-x",
		"app:a/b",
		"app:a:b",
		"app@",
		"app@sha256:abc",
		"app@" DIGEST "@" DIGEST,
		"app@md5:d41d8cd98f00b204e9800998ecf8427e",
		"http://host/app",
		"host.:5000/app",
		"-host.x/app",
		"host:99999/app",
		"host:5000x/app",
		"host:/app",
		"[::1/app",
		"[]/app",
		"[::1]x/app",
		"user@host.x/app",
		"host.x\\evil/app",
		"app\n",
		"app:x\n",
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		HUNDRED HUNDRED HUNDRED,
		"app:" HUNDRED TEN TEN "012345678",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		auto_reference ref = {};
		struct error err = {};
		if (reference_parse(bad[i], &ref, &err) != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
		assert_null(ref.domain);
		assert_true(err.text[0] != '\0');
	}
}

static void the_longest_name_and_tag_are_taken(void **state)
{
	(void)state;
	auto_reference ref = {};

	/* "docker.io/me/" has 13 characters */
	assert_int_equal(reference_parse("me/" HUNDRED HUNDRED TEN TEN TEN TEN "01:" HUNDRED TEN TEN
					 "01234567",
					 &ref, NULL),
			 0);
	auto_free char *name = reference_name(&ref);
	assert_int_equal(strlen(name), REFERENCE_NAME_MAX);
	assert_int_equal(strlen(ref.tag), REFERENCE_TAG_MAX);
}

static void the_tag_latest_is_only_given_where_nothing_pins_the_image(void **state)
{
	(void)state;
	auto_reference bare = {};
	auto_reference pinned = {};

	assert_int_equal(reference_parse("debian", &bare, NULL), 0);
	reference_default_tag(&bare);
	assert_string_equal(bare.tag, "latest");
	assert_int_equal(reference_parse("debian@" DIGEST, &pinned, NULL), 0);
	reference_default_tag(&pinned);
	assert_null(pinned.tag);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(familiar_names_become_full_ones_and_back),
		cmocka_unit_test(malformed_references_are_refused),
		cmocka_unit_test(the_longest_name_and_tag_are_taken),
		cmocka_unit_test(the_tag_latest_is_only_given_where_nothing_pins_the_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
