/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/detach-keys.h"

#include <string.h>

#include "base/test.h"

/* Types @text, one byte a time or all at once; what comes through, and whether it detached. */
static bool type(struct detach_keys *d, const char *text, bool single, char *ret)
{
	size_t total = 0, len = strlen(text), step = single ? 1 : len;
	for (size_t at = 0; at < len; at += step) {
		size_t n = 0;
		bool done = detach_keys_filter(d, text + at, step, ret + total, &n);
		total += n;
		if (done) {
			ret[total] = '\0';
			return true;
		}
	}
	ret[total] = '\0';
	return false;
}

struct typing {
	const char *keys;
	const char *text;
	bool detaches;
	const char *passed;
};

static const struct typing typings[] = {
	{ "", "ls\n", false, "ls\n" },      { "", "ls\x10\x11", true, "ls" },
	{ "", "\x10x", false, "\x10x" },    { "", "\x10\x10\x11", true, "\x10" },
	{ "", "\x10", false, "" },          { "", "a\x11\x10", false, "a\x11" },
	{ "aab", "aaab", true, "a" },       { "aab", "aaaab rest", true, "aa" },
	{ "abab", "abaabab", true, "aba" }, { "abac", "ababac", true, "ab" },
	{ "x", "tex", true, "te" },
};

static void the_sequence_is_found_and_nothing_else_is_lost(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(typings); i++) {
		for (int single = 0; single < 2; single++) {
			char passed[128];
			struct detach_keys d;
			const struct typing *t = &typings[i];
			detach_keys_init(&d, (const uint8_t *)t->keys, strlen(t->keys));
			bool detached = type(&d, t->text, single, passed);
			if (detached != t->detaches || strcmp(passed, t->passed) != 0)
				fail_msg("'%s' with '%s' gives '%s'", t->text, t->keys, passed);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sequence_is_found_and_nothing_else_is_lost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
