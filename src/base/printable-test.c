/* SPDX-License-Identifier: Apache-2.0 */
#include "base/printable.h"

#include <string.h>

#include "base/test.h"

static void expect(const char *text, size_t len, const char *keep, const char *wanted)
{
	char copy[64] = "";

	memcpy(copy, text, len);
	printable_make(copy, len, keep);
	assert_memory_equal(copy, wanted, strlen(wanted) + 1);
}

static void control_characters_become_question_marks(void **state)
{
	(void)state;
	expect("a\033[31mb\a\x7f", 9, "", "a?[31mb??");
	expect("zero\0byte", 9, "", "zero?byte");
	expect("8 bits: \xc2\x9b"
	       "31m",
	       13, "", "8 bits: ??31m");
	expect("two\nlines", 9, "", "two?lines");
}

static void what_is_asked_for_stays(void **state)
{
	(void)state;
	expect("a\tb\nc\v", 6, "\n\t", "a\tb\nc?");
	expect("over\rwritten\r\n", 14, "\n", "over?written\r\n");
}

static void other_text_stays(void **state)
{
	(void)state;
	expect("na\xc3\xafve \xe2\x80\xa6 \xf0\x9f\x90\xb3", 15, "",
	       "na\xc3\xafve \xe2\x80\xa6 \xf0\x9f\x90\xb3");
	expect("\xc2\xa0\xc2", 3, "", "\xc2\xa0\xc2");
	expect("", 0, "", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_characters_become_question_marks),
		cmocka_unit_test(what_is_asked_for_stays),
		cmocka_unit_test(other_text_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
