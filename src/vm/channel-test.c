/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/test.h"

struct pair {
	int fds[2];
	struct channel a, b;
};

static void pair_open(struct pair *p)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, p->fds),
			 0);
	channel_init(&p->a, p->fds[0], 1 << 20);
	channel_init(&p->b, p->fds[1], 1 << 20);
}

static void pair_done(struct pair *p)
{
	channel_done(&p->a);
	channel_done(&p->b);
	close_p(&p->fds[0]);
	close_p(&p->fds[1]);
}

#define auto_pair auto_(pair_done) struct pair

static void frames_arrive_in_order_and_whole(void **state)
{
	(void)state;
	auto_pair p;
	struct frame f;
	char big[CHANNEL_PAYLOAD_MAX];

	pair_open(&p);
	memset(big, 'x', sizeof(big));
	assert_int_equal(channel_send(&p.a, 7, 3, "abc", 3), 0);
	assert_int_equal(channel_send(&p.a, 8, 4, big, sizeof(big)), 0);
	assert_int_equal(channel_send(&p.a, 9, 5, NULL, 0), 0);
	for (int expected = 7; expected <= 9;) {
		assert_true(channel_flush(&p.a) >= 0);
		assert_int_equal(channel_receive(&p.b), 0);
		int rc;
		while ((rc = channel_next(&p.b, &f, NULL)) > 0) {
			assert_int_equal(f.type, expected);
			assert_int_equal(f.session, expected - 4);
			assert_int_equal(f.len, expected == 7   ? 3
						: expected == 8 ? sizeof(big)
								: 0);
			expected++;
		}
		assert_int_equal(rc, 0);
	}
	assert_int_equal(channel_queued(&p.a), 0);
}

static void a_frame_in_pieces_waits_for_its_end(void **state)
{
	(void)state;
	auto_pair p;
	struct frame f;
	const uint8_t bytes[] = { 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'h', 'i' };

	pair_open(&p);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		assert_int_equal(channel_next(&p.b, &f, NULL), 0);
		assert_int_equal(write(p.fds[0], bytes + i, 1), 1);
		assert_int_equal(channel_receive(&p.b), 0);
	}
	assert_int_equal(channel_next(&p.b, &f, NULL), 1);
	assert_memory_equal(f.data, "hi", 2);
}

/* Writes a header and expects it, and everything after it, to be refused. */
static void assert_refused(const uint8_t header[CHANNEL_HEADER])
{
	auto_pair p;
	struct frame f;
	struct error err = { 0 };

	pair_open(&p);
	assert_int_equal(write(p.fds[0], header, CHANNEL_HEADER), CHANNEL_HEADER);
	assert_int_equal(channel_receive(&p.b), 0);
	assert_int_equal(channel_next(&p.b, &f, &err), -EBADMSG);
	assert_int_equal(channel_next(&p.b, &f, &err), -EBADMSG);
	assert_int_equal(channel_send(&p.b, 1, 0, NULL, 0), -EPIPE);
}

static void a_frame_that_is_too_long_ends_the_channel(void **state)
{
	(void)state;
	assert_refused((const uint8_t[CHANNEL_HEADER]){ 0xf1, 0xff, 0, 0, 1 });
	assert_refused((const uint8_t[CHANNEL_HEADER]){ 0xff, 0xff, 0xff, 0xff, 1 });
}

static void a_replayed_or_unknown_frame_ends_the_channel(void **state)
{
	(void)state;
	assert_refused((const uint8_t[CHANNEL_HEADER]){ 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1 });
	assert_refused((const uint8_t[CHANNEL_HEADER]){ 0, 0, 0, 0, 1, 0, 1 });
}

static void a_clone_goes_on_where_its_template_stopped(void **state)
{
	(void)state;
	auto_pair p;
	struct frame f;

	pair_open(&p);
	p.a.send_sequence = 1;
	p.b.recv_sequence = 1;
	assert_int_equal(channel_send(&p.a, 1, 0, NULL, 0), 0);
	assert_int_equal(channel_flush(&p.a), 0);
	assert_int_equal(channel_receive(&p.b), 0);
	assert_int_equal(channel_next(&p.b, &f, NULL), 1);
}

static void what_waits_to_be_sent_has_a_cap(void **state)
{
	(void)state;
	auto_pair p;
	char big[CHANNEL_PAYLOAD_MAX + 1] = { 0 };
	int rc = 0;

	pair_open(&p);
	assert_int_equal(channel_send(&p.a, 1, 0, big, sizeof(big)), -EMSGSIZE);
	for (int i = 0; i < 17 && rc == 0; i++)
		rc = channel_send(&p.a, 1, 0, big, CHANNEL_PAYLOAD_MAX);
	assert_int_equal(rc, -ENOBUFS);
	assert_true(channel_queued(&p.a) <= 1 << 20);
}

static void the_end_of_the_stream_is_told(void **state)
{
	(void)state;
	auto_pair p;

	pair_open(&p);
	close_p(&p.fds[0]);
	p.fds[0] = -1;
	assert_int_equal(channel_receive(&p.b), -ENODATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_arrive_in_order_and_whole),
		cmocka_unit_test(a_frame_in_pieces_waits_for_its_end),
		cmocka_unit_test(a_frame_that_is_too_long_ends_the_channel),
		cmocka_unit_test(a_replayed_or_unknown_frame_ends_the_channel),
		cmocka_unit_test(a_clone_goes_on_where_its_template_stopped),
		cmocka_unit_test(what_waits_to_be_sent_has_a_cap),
		cmocka_unit_test(the_end_of_the_stream_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
