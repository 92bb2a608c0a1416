/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include "base/test.h"

static void utf8_is_checked_strictly(void **state)
{
	(void)state;
	assert_true(utf8_valid("Gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xb3", 15));
	assert_false(utf8_valid("\xc3", 1));
	assert_false(utf8_valid("\xe0\x80\x80", 3));
	assert_false(utf8_valid("\xed\xa0\x80", 3));
	assert_false(utf8_valid("\xf5\x80\x80\x80", 4));
	assert_false(utf8_valid("a\0b", 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_is_checked_strictly),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
