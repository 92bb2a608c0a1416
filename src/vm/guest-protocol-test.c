/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/guest-protocol.h"

#include <errno.h>
#include <string.h>

#include "base/strbuf.h"
#include "base/test.h"

static void each_message_survives_the_way(void **state)
{
	(void)state;
	auto_strbuf out = STRBUF_INIT(65536);

	struct guest_identity identity = { .realtime_ns = 1795223968123456789, .hostname = "web" };
	memset(identity.entropy, 0x5a, sizeof(identity.entropy));
	struct guest_identity identity_back;
	guest_identity_encode(&identity, &out);
	assert_int_equal(guest_identity_decode(out.data, out.len, &identity_back), 0);
	assert_int_equal(identity_back.realtime_ns, identity.realtime_ns);
	assert_memory_equal(identity_back.entropy, identity.entropy, sizeof(identity.entropy));
	assert_string_equal(identity_back.hostname, "web");

	strbuf_clear(&out);
	struct guest_root root = { .layer_count = 2,
				   .layers = { { { 0, 512 }, { 512, 1024 } },
					       { { 1536, 512 }, { 2048, 512 } } } };
	static struct guest_root root_back;
	guest_root_encode(&root, &out);
	assert_int_equal(guest_root_decode(out.data, out.len, &root_back), 0);
	assert_int_equal(root_back.layer_count, 2);
	assert_int_equal(root_back.layers[1].data.start, 2048);

	strbuf_clear(&out);
	struct guest_failed failed = { .exit_code = 127,
				       .error = { .code = -ENOENT, .text = "exec: no\nsuch" } };
	struct guest_failed failed_back;
	guest_failed_encode(&failed, &out);
	assert_int_equal(guest_failed_decode(out.data, out.len, &failed_back), 0);
	assert_int_equal(failed_back.exit_code, 127);
	assert_int_equal(failed_back.error.code, -ENOENT);

	strbuf_clear(&out);
	struct guest_exited exited = { .exit_code = 137, .signal = 9, .oom = true }, exited_back;
	guest_exited_encode(&exited, &out);
	assert_int_equal(guest_exited_decode(out.data, out.len, &exited_back), 0);
	assert_true(exited_back.oom && exited_back.signal == 9 && exited_back.exit_code == 137);
}

static void what_a_guest_says_is_one_printable_line(void **state)
{
	(void)state;
	auto_strbuf out = STRBUF_INIT(1024);
	struct guest_failed m = { .exit_code = 125,
				  .error = { .code = -EIO, .text = "a\nb\x1b[2Jc" } };

	guest_failed_encode(&m, &out);
	assert_int_equal(guest_failed_decode(out.data, out.len, &m), 0);
	assert_string_equal(m.error.text, "a?b?[2Jc");
}

static void a_message_that_is_cut_or_too_long_is_refused(void **state)
{
	(void)state;
	auto_strbuf out = STRBUF_INIT(65536);
	struct guest_started started = { .pid = 7 }, back;

	guest_started_encode(&started, &out);
	for (size_t len = 0; len < out.len; len++)
		assert_int_equal(guest_started_decode(out.data, len, &back), -EBADMSG);
	assert_int_equal(guest_started_decode(out.data, out.len, &back), 0);
	strbuf_addc(&out, 0);
	assert_int_equal(guest_started_decode(out.data, out.len, &back), -EBADMSG);
}

static void parts_of_a_disk_must_be_whole_sectors_within_a_disk(void **state)
{
	(void)state;
	static const struct guest_extent wrong[] = {
		{ 1, 512 },
		{ 0, 511 },
		{ 0, 0 },
		{ UINT64_MAX - 511, 512 },
		{ 512, INT64_MAX / 512 * 512 + 512ULL },
	};
	static struct guest_root back;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		auto_strbuf out = STRBUF_INIT(1024);
		struct guest_root root = { .layer_count = 1,
					   .layers = { { wrong[i], { 0, 512 } } } };
		guest_root_encode(&root, &out);
		assert_int_equal(guest_root_decode(out.data, out.len, &back), -EBADMSG);
	}
}

static void numbers_out_of_range_are_refused(void **state)
{
	(void)state;
	auto_strbuf out = STRBUF_INIT(1024);
	struct guest_exited exited = { .exit_code = 256 };
	guest_exited_encode(&exited, &out);
	assert_int_equal(guest_exited_decode(out.data, out.len, &exited), -EBADMSG);

	strbuf_clear(&out);
	struct guest_credit credit = { .stream = GUEST_STREAM_OUTPUT, .bytes = GUEST_WINDOW + 1 };
	guest_credit_encode(&credit, &out);
	assert_int_equal(guest_credit_decode(out.data, out.len, &credit), -EBADMSG);

	strbuf_clear(&out);
	struct guest_signal signal = { .signal = 65 };
	guest_signal_encode(&signal, &out);
	assert_int_equal(guest_signal_decode(out.data, out.len, &signal), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_message_survives_the_way),
		cmocka_unit_test(what_a_guest_says_is_one_printable_line),
		cmocka_unit_test(a_message_that_is_cut_or_too_long_is_refused),
		cmocka_unit_test(parts_of_a_disk_must_be_whole_sectors_within_a_disk),
		cmocka_unit_test(numbers_out_of_range_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
