/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/test.h"
#include "instance/manager-internal.h"

static void keys_are(const char *text, int count, const uint8_t *expected)
{
	uint8_t keys[KEEPER_DETACH_KEYS_MAX] = { 0 };
	struct error err = {};
	assert_int_equal(detach_keys_parse(text, keys, &err), count);
	if (count > 0)
		assert_memory_equal(keys, expected, (size_t)count);
}

static void detach_keys_are_read_as_docker_writes_them(void **state)
{
	(void)state;
	keys_are(NULL, 0, NULL);
	keys_are("", 0, NULL);
	keys_are("ctrl-p,ctrl-q", 2, (const uint8_t[]){ 16, 17 });
	keys_are("a", 1, (const uint8_t[]){ 'a' });
	keys_are("ctrl-@,ctrl-[,ctrl-_", 3, (const uint8_t[]){ 0, 27, 31 });
	keys_are("a,b,Z", 3, (const uint8_t[]){ 'a', 'b', 'Z' });
	keys_are("ctrl-a,,", 2, (const uint8_t[]){ 1, ',' });
}

static void detach_keys_that_are_none_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "ctrl-",
					   "ctrl-A",
					   "ctrl-1",
					   "ab",
					   "shift-a",
					   "ctrl-pp",
					   "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		keys_are(bad[i], -EINVAL, NULL);
}

static void a_terminal_is_bare_bytes_unless_frames_are_asked_for(void **state)
{
	(void)state;
	struct attach attach = { .std_in = true, .std_out = true, .rows = 24, .cols = 80 };
	struct keeper_attach encoded;
	assert_int_equal(attach_encode(&attach, true, 7, false, &encoded, NULL), 0);
	assert_int_equal(encoded.client, 7);
	assert_int_equal(encoded.flags, KEEPER_ATTACH_STDIN | KEEPER_ATTACH_STDOUT);
	assert_int_equal(encoded.rows, 24);
	attach.multiplex = true;
	assert_int_equal(attach_encode(&attach, true, 7, true, &encoded, NULL), 0);
	assert_true(encoded.flags & KEEPER_ATTACH_MULTIPLEX);
	assert_true(encoded.flags & KEEPER_ATTACH_KEEP_OPEN);
}

static void without_a_terminal_there_are_frames_and_no_detach_keys(void **state)
{
	(void)state;
	const struct attach attach = { .std_out = true, .std_err = true };
	struct keeper_attach encoded;
	assert_int_equal(attach_encode(&attach, false, 1, false, &encoded, NULL), 0);
	assert_int_equal(encoded.flags, KEEPER_ATTACH_STDOUT | KEEPER_ATTACH_STDERR |
						KEEPER_ATTACH_MULTIPLEX | KEEPER_ATTACH_NO_DETACH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(detach_keys_are_read_as_docker_writes_them),
		cmocka_unit_test(detach_keys_that_are_none_are_refused),
		cmocka_unit_test(a_terminal_is_bare_bytes_unless_frames_are_asked_for),
		cmocka_unit_test(without_a_terminal_there_are_frames_and_no_detach_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
