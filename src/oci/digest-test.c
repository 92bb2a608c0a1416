/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "oci/digest.h"

#define HEX64 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void a_sha256_digest_is_taken_apart(void **state)
{
	(void)state;
	struct digest d = {};

	assert_int_equal(digest_parse("sha256:" HEX64, &d, NULL), 0);
	assert_string_equal(digest_hex(&d), HEX64);
	assert_string_equal(digest_algorithm_name(&d), "sha256");
}

static void a_sha512_digest_is_taken_apart(void **state)
{
	(void)state;
	struct digest d = {};

	assert_int_equal(digest_parse("sha512:" HEX64 HEX64, &d, NULL), 0);
	assert_string_equal(digest_hex(&d), HEX64 HEX64);
	assert_string_equal(digest_algorithm_name(&d), "sha512");
}

static void what_is_not_exactly_a_digest_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"sha256:",
		"sha256",
		HEX64,
		":" HEX64,
		"sha256:" HEX64 "0",
		"sha256:" HEX64 "\n",
		"sha256:" HEX64 "/../../etc/passwd",
		"sha256:../../../../../../../../../../../../../../../../../../../../etc/pass",
		"sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
		"SHA256:" HEX64,
		"sha256-" HEX64,
		" sha256:" HEX64,
		"sha512:" HEX64,
		"sha256:" HEX64 HEX64,
		"md5:d41d8cd98f00b204e9800998ecf8427e",
		"sha384:" HEX64,
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct digest d = {};
		struct error err = {};
		assert_int_equal(digest_parse(bad[i], &d, &err), -EBADMSG);
		assert_true(digest_is_empty(&d));
	}
}

static void bytes_of_a_hash_become_a_digest(void **state)
{
	(void)state;
	unsigned char hash[32];
	struct digest d = {};

	memset(hash, 0xab, sizeof(hash));
	digest_from_bytes(DIGEST_SHA256, hash, sizeof(hash), &d);
	assert_true(digest_is_valid(d.text));
	assert_memory_equal(d.text, "sha256:abab", 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sha256_digest_is_taken_apart),
		cmocka_unit_test(a_sha512_digest_is_taken_apart),
		cmocka_unit_test(what_is_not_exactly_a_digest_is_refused),
		cmocka_unit_test(bytes_of_a_hash_become_a_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
