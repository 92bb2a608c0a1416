/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ident.h"

#include <string.h>

#include "base/test.h"

static void bytes_survive_hexadecimal(void **state)
{
	(void)state;
	char text[9];
	unsigned char back[4];

	hex_encode("\x00\x7f\xa0\xff", 4, text);
	assert_string_equal(text, "007fa0ff");
	assert_true(hex_decode("007fA0FF", back, 4));
	assert_memory_equal(back, "\x00\x7f\xa0\xff", 4);
	assert_false(hex_decode("007fa0f", back, 4));
	assert_false(hex_decode("007fa0fff", back, 4));
	assert_false(hex_decode("007fa0fg", back, 4));
}

static void random_names_have_their_length_and_differ(void **state)
{
	(void)state;
	char a[66];
	char b[66];

	ident_random_hex(a, 65);
	ident_random_hex(b, 65);
	assert_int_equal(strlen(a), 65);
	assert_int_equal(strspn(a, "0123456789abcdef"), 65);
	assert_string_not_equal(a, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_survive_hexadecimal),
		cmocka_unit_test(random_names_have_their_length_and_differ),
	};

	return cmocka_run_group_tests_name("ident", tests, NULL, NULL);
}
