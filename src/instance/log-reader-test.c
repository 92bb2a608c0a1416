/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/log-reader.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/strbuf.h"
#include "base/test.h"

#define AT(second) "2026-11-20T10:00:0" #second ".000000001Z "

static int collect(const struct log_entry *entry, void *arg)
{
	struct strbuf *out = arg;

	strbuf_addf(out, "%d%c:", entry->stream, entry->partial ? 'P' : 'F');
	strbuf_add(out, entry->data, entry->len);
	strbuf_addc(out, '|');
	return 0;
}

static const struct log_query everything = {
	.std_out = true, .std_err = true, .tail = -1, .cancel_fd = -1
};

/* Reads @log by @query and compares what is told. */
static void reads_as(const char *log, const struct log_query *query, const char *expected)
{
	auto_test_dir int dir = test_dir();
	test_write(dir, "log", log);
	auto_strbuf out = STRBUF_INIT(1 << 20);
	struct error err = {};
	assert_int_equal(log_read(dir, query, -1, collect, &out, &err), 0);
	assert_string_equal(strbuf_text(&out), expected);
}

static const char sample[] = AT(1) "stdout F one\n" AT(2) "stderr F two\n" AT(
	3) "stdout P thr\n" AT(4) "stdout F ee\n" AT(5) "stdout F four\n";

static void records_come_in_order_with_stream_and_parts(void **state)
{
	(void)state;
	reads_as(sample, &everything, "1F:one|2F:two|1P:thr|1F:ee|1F:four|");
}

static void an_empty_line_and_an_empty_log_are_read(void **state)
{
	(void)state;
	reads_as("", &everything, "");
	reads_as(AT(1) "stdout F \n", &everything, "1F:|");
}

static void one_stream_can_be_left_out(void **state)
{
	(void)state;
	struct log_query query = everything;
	query.std_out = false;
	reads_as(sample, &query, "2F:two|");
}

static void since_and_until_bound_what_is_told(void **state)
{
	(void)state;
	struct log_query query = everything;
	assert_true(clock_parse("2026-11-20T10:00:02Z", &query.since_ns));
	assert_true(clock_parse("2026-11-20T10:00:04Z", &query.until_ns));
	reads_as(sample, &query, "2F:two|1P:thr|");
}

static void tail_counts_lines_and_not_records(void **state)
{
	(void)state;
	struct log_query query = everything;
	query.tail = 0;
	reads_as(sample, &query, "");
	query.tail = 1;
	reads_as(sample, &query, "1F:four|");
	query.tail = 2;
	reads_as(sample, &query, "1P:thr|1F:ee|1F:four|");
	query.tail = 3;
	reads_as(sample, &query, "2F:two|1P:thr|1F:ee|1F:four|");
	query.tail = 100;
	reads_as(sample, &query, "1F:one|2F:two|1P:thr|1F:ee|1F:four|");
}

static void tail_counts_only_the_wanted_stream(void **state)
{
	(void)state;
	struct log_query query = everything;
	query.std_out = false;
	query.tail = 1;
	reads_as(sample, &query, "2F:two|");
}

static void a_torn_record_and_strange_lines_are_passed_over(void **state)
{
	(void)state;
	static const char torn[] = "\n" AT(1) "stdout F a\nrubbish\n" AT(2) "stdin F x\n" AT(
		3) "stdout F b\n" AT(4) "stdout F not finis";
	reads_as(torn, &everything, "1F:a|1F:b|");
	struct log_query query = everything;
	query.tail = 1;
	reads_as(torn, &query, "1F:b|");
}

static void a_record_without_end_does_not_grow_the_buffer(void **state)
{
	(void)state;
	auto_strbuf log = STRBUF_INIT(1 << 20);
	strbuf_adds(&log, AT(1) "stdout F a\n" AT(2) "stdout F ");
	for (int i = 0; i < 400000; i++)
		strbuf_addc(&log, 'x');
	strbuf_adds(&log, "\n" AT(3) "stdout F b\n");
	reads_as(strbuf_text(&log), &everything, "1F:a|1F:b|");
	struct log_query query = everything;
	query.tail = 1;
	reads_as(strbuf_text(&log), &query, "1F:b|");
	query.tail = 5;
	reads_as(strbuf_text(&log), &query, "1F:a|1F:b|");
}

static void tail_is_found_across_many_blocks(void **state)
{
	(void)state;
	auto_strbuf log = STRBUF_INIT(1 << 22);
	auto_strbuf expected = STRBUF_INIT(1 << 20);
	for (int i = 0; i < 20000; i++) {
		strbuf_addf(&log, AT(1) "stdout F line %d\n", i);
		if (i >= 12345)
			strbuf_addf(&expected, "1F:line %d|", i);
	}
	struct log_query query = everything;
	query.tail = 20000 - 12345;
	reads_as(strbuf_text(&log), &query, strbuf_text(&expected));
}

struct follower {
	int dir, ended_fd, result;
	struct log_query query;
	struct strbuf out;
};

static void *follow_log(void *arg)
{
	struct follower *f = arg;
	f->result = log_read(f->dir, &f->query, f->ended_fd, collect, &f->out, NULL);
	return NULL;
}

static void following_tells_what_is_written_until_the_end(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	test_write(dir, "log", AT(1) "stdout F one\n");
	auto_close int fd = openat(dir, "log", O_RDWR | O_APPEND | O_CLOEXEC);
	auto_close int ended = eventfd(0, EFD_CLOEXEC);
	struct follower f = { .dir = dir, .ended_fd = ended, .query = everything };
	f.query.follow = true;
	strbuf_init(&f.out, 4096);
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, follow_log, &f), 0);

	assert_int_equal(write_full(fd, AT(2) "stdout F tw", 42), 0);
	assert_int_equal(write_full(fd, "o\n", 2), 0);
	assert_int_equal(eventfd_write(ended, 1), 0);
	pthread_join(thread, NULL);
	assert_int_equal(f.result, 0);
	assert_string_equal(strbuf_text(&f.out), "1F:one|1F:two|");
	strbuf_done(&f.out);
}

static void following_ends_when_the_client_hangs_up(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	test_write(dir, "log", AT(1) "stdout F one\n");
	auto_close int ended = eventfd(0, EFD_CLOEXEC);
	auto_close int cancel = eventfd(1, EFD_CLOEXEC);
	struct follower f = { .dir = dir, .ended_fd = ended, .query = everything };
	f.query.follow = true;
	f.query.cancel_fd = cancel;
	strbuf_init(&f.out, 4096);
	follow_log(&f);
	assert_int_equal(f.result, 0);
	assert_string_equal(strbuf_text(&f.out), "1F:one|");
	strbuf_done(&f.out);
}

/* ---- Rotated files -------------------------------------------------------------------------- */

static void write_three(int dir)
{
	test_write(dir, "log.9", AT(1) "stdout F one\n" AT(2) "stdout P tw\n");
	test_write(dir, "log.10", AT(2) "stdout F o\n" AT(3) "stderr F three\n");
	test_write(dir, "log", AT(4) "stdout F four\n");
	test_write(dir, "login", "no log");
	test_write(dir, "log.x", "no log");
}

static void files_are_read_in_the_order_of_their_numbers(void **state)
{
	static const struct {
		int64_t tail;
		const char *told;
	} cases[] = {
		{ -1, "1F:one|1P:tw|1F:o|2F:three|1F:four|" },
		{ 9, "1F:one|1P:tw|1F:o|2F:three|1F:four|" },
		{ 4, "1F:one|1P:tw|1F:o|2F:three|1F:four|" },
		{ 3, "1P:tw|1F:o|2F:three|1F:four|" },
		{ 2, "2F:three|1F:four|" },
		{ 1, "1F:four|" },
		{ 0, "" },
	};

	(void)state;
	auto_test_dir int dir = test_dir();
	write_three(dir);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_strbuf out = STRBUF_INIT(4096);
		struct log_query query = everything;
		query.tail = cases[i].tail;
		assert_int_equal(log_read(dir, &query, -1, collect, &out, NULL), 0);
		assert_string_equal(strbuf_text(&out), cases[i].told);
	}
}

static void a_log_that_was_never_begun_is_empty(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	auto_strbuf out = STRBUF_INIT(4096);
	assert_int_equal(log_read(dir, &everything, -1, collect, &out, NULL), 0);
	assert_string_equal(strbuf_text(&out), "");
}

/* Rotates while the reader is at a place that the name of its answer tells. */
struct rotation {
	int dir;
	const char *at; /* the record whose visit rotates */
	bool removes;   /* the oldest goes as well */
	struct strbuf out;
};

static int rotate_and_collect(const struct log_entry *entry, void *arg)
{
	struct rotation *r = arg;
	if (entry->len == strlen(r->at) && memcmp(entry->data, r->at, entry->len) == 0) {
		assert_int_equal(renameat(r->dir, "log", r->dir, "log.11"), 0);
		if (r->removes)
			(void)unlinkat(r->dir, "log.10", 0);
		test_write(r->dir, "log", AT(5) "stdout F five\n");
	}
	return collect(entry, &r->out);
}

static void a_rotation_meanwhile_neither_repeats_nor_loses_a_line(void **state)
{
	static const char *const places[] = { "one", "three", "four" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		auto_test_dir int dir = test_dir();
		struct rotation r = { .dir = dir, .at = places[i] };
		strbuf_init(&r.out, 4096);
		write_three(dir);
		/* what is written after the beginning is not told without following */
		assert_int_equal(log_read(dir, &everything, -1, rotate_and_collect, &r, NULL), 0);
		assert_string_equal(strbuf_text(&r.out), "1F:one|1P:tw|1F:o|2F:three|1F:four|");
		strbuf_done(&r.out);
	}
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		auto_test_dir int dir = test_dir();
		struct rotation r = { .dir = dir, .at = places[i] };
		struct log_query query = everything;
		query.follow = true;
		strbuf_init(&r.out, 4096);
		write_three(dir);
		assert_int_equal(log_read(dir, &query, -1, rotate_and_collect, &r, NULL), 0);
		assert_string_equal(strbuf_text(&r.out),
				    "1F:one|1P:tw|1F:o|2F:three|1F:four|1F:five|");
		strbuf_done(&r.out);
	}
}

static void a_file_that_is_removed_before_it_is_reached_is_passed_over(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	struct rotation r = { .dir = dir, .at = "one", .removes = true };
	struct log_query query = everything;
	query.follow = true;
	strbuf_init(&r.out, 4096);
	write_three(dir);
	assert_int_equal(log_read(dir, &query, -1, rotate_and_collect, &r, NULL), 0);
	assert_string_equal(strbuf_text(&r.out), "1F:one|1P:tw|1F:four|1F:five|");
	strbuf_done(&r.out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_in_order_with_stream_and_parts),
		cmocka_unit_test(an_empty_line_and_an_empty_log_are_read),
		cmocka_unit_test(one_stream_can_be_left_out),
		cmocka_unit_test(since_and_until_bound_what_is_told),
		cmocka_unit_test(tail_counts_lines_and_not_records),
		cmocka_unit_test(tail_counts_only_the_wanted_stream),
		cmocka_unit_test(a_torn_record_and_strange_lines_are_passed_over),
		cmocka_unit_test(a_record_without_end_does_not_grow_the_buffer),
		cmocka_unit_test(tail_is_found_across_many_blocks),
		cmocka_unit_test(following_tells_what_is_written_until_the_end),
		cmocka_unit_test(following_ends_when_the_client_hangs_up),
		cmocka_unit_test(files_are_read_in_the_order_of_their_numbers),
		cmocka_unit_test(a_log_that_was_never_begun_is_empty),
		cmocka_unit_test(a_rotation_meanwhile_neither_repeats_nor_loses_a_line),
		cmocka_unit_test(a_file_that_is_removed_before_it_is_reached_is_passed_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
