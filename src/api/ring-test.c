/* SPDX-License-Identifier: Apache-2.0 */
#include "api/ring.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/test.h"

#define TOTAL 1000003

static void *write_total(void *ring)
{
	char block[999];
	size_t sent = 0;
	long failed = 0;

	while (sent < TOTAL && !failed) {
		size_t len = TOTAL - sent < sizeof(block) ? TOTAL - sent : sizeof(block);

		for (size_t i = 0; i < len; i++)
			block[i] = (char)((sent + i) % 251);
		failed = ring_write(ring, block, len);
		sent += len;
	}
	ring_close_writer(ring);
	return (void *)failed;
}

static void every_byte_arrives_in_order_through_a_small_ring(void **state)
{
	auto_ring *r = ring_new(77);
	pthread_t writer;
	char data[50];
	size_t got = 0, n;
	void *failed;

	(void)state;
	assert_int_equal(pthread_create(&writer, NULL, write_total, r), 0);
	while ((n = ring_read(r, data, sizeof(data))) > 0) {
		for (size_t i = 0; i < n; i++)
			assert_int_equal((unsigned char)data[i], (got + i) % 251);
		got += n;
	}
	pthread_join(writer, &failed);
	assert_null(failed);
	assert_int_equal(got, TOTAL);
}

static void a_writer_that_waits_learns_that_the_reader_left(void **state)
{
	auto_ring *r = ring_new(16);
	pthread_t writer;
	char byte;
	void *failed;

	(void)state;
	assert_int_equal(pthread_create(&writer, NULL, write_total, r), 0);
	assert_int_equal(ring_read(r, &byte, 1), 1);
	ring_close_reader(r);
	pthread_join(writer, &failed);
	assert_int_equal((long)failed, -EPIPE);
}

static void what_was_written_is_read_after_the_writer_closed(void **state)
{
	auto_ring *r = ring_new(16);
	char data[16];

	(void)state;
	assert_int_equal(ring_room(r), 16);
	assert_int_equal(ring_write(r, "abc", 3), 0);
	assert_int_equal(ring_room(r), 13);
	ring_close_writer(r);
	assert_int_equal(ring_read(r, data, sizeof(data)), 3);
	assert_memory_equal(data, "abc", 3);
	assert_int_equal(ring_read(r, data, sizeof(data)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_arrives_in_order_through_a_small_ring),
		cmocka_unit_test(a_writer_that_waits_learns_that_the_reader_left),
		cmocka_unit_test(what_was_written_is_read_after_the_writer_closed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
