/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/log-writer.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/strbuf.h"
#include "base/test.h"
#include "keeper/log-sink.h"

#define NOW 1795216800123456789LL
#define STAMP "2026-11-20T23:20:00.123456789Z"

static void assert_file(int dir, const char *name, const char *text)
{
	auto_strbuf have = STRBUF_INIT(65536);
	struct error err;
	assert_int_equal(read_file_at(dir, name, 65536, &have, &err), 0);
	assert_string_equal(strbuf_text(&have), text);
}

static void add(struct log_sink *w, enum log_stream stream, const char *text)
{
	log_sink_write(w, stream, text, strlen(text), NOW);
}

static void lines_are_whole_records_and_the_rest_is_a_part(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	struct log_sink *w = NULL;
	struct error err;
	assert_int_equal(log_writer_open(dir, 0, 0, &w, &err), 0);
	add(w, LOG_STDOUT, "one\n\ntwo");
	add(w, LOG_STDERR, "oops\n");
	add(w, LOG_STDOUT, " and more\n");
	log_sink_free(w);
	assert_file(dir, "log",
		    STAMP " stdout F one\n" STAMP " stdout F \n" STAMP " stdout P two\n" STAMP
			  " stderr F oops\n" STAMP " stdout F  and more\n");
}

static void many_lines_in_one_piece_are_all_written(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	struct log_sink *w = NULL;
	struct error err;
	char lines[2000];
	for (size_t i = 0; i < sizeof(lines); i += 2)
		memcpy(lines + i, "x\n", 2);
	assert_int_equal(log_writer_open(dir, 0, 0, &w, &err), 0);
	log_sink_write(w, LOG_STDOUT, lines, sizeof(lines), NOW);
	log_sink_free(w);
	struct stat st;
	assert_int_equal(fstatat(dir, "log", &st, 0), 0);
	assert_int_equal(st.st_size, 1000 * (strlen(STAMP " stdout F x\n")));
}

static void a_full_file_makes_room_and_the_oldest_goes(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	struct log_sink *w = NULL;
	struct error err;
	static const char *const texts[] = { "first\n", "second\n", "third\n", "fourth\n" };
	assert_int_equal(log_writer_open(dir, 50, 3, &w, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		add(w, LOG_STDOUT, texts[i]);
	log_sink_free(w);
	assert_file(dir, "log", STAMP " stdout F fourth\n");
	assert_file(dir, "log.3", STAMP " stdout F third\n");
	assert_file(dir, "log.2", STAMP " stdout F second\n");
	assert_int_equal(faccessat(dir, "log.1", F_OK, 0), -1);
}

static void numbers_go_on_where_an_earlier_writer_ended(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	struct log_sink *w = NULL;
	struct error err;
	test_write(dir, "log.7", "seventh\n");
	test_write(dir, "log.9", "ninth\n");
	assert_int_equal(log_writer_open(dir, 50, 2, &w, &err), 0);
	add(w, LOG_STDOUT, "first\n");
	add(w, LOG_STDOUT, "second\n");
	log_sink_free(w);
	assert_file(dir, "log", STAMP " stdout F second\n");
	assert_file(dir, "log.10", STAMP " stdout F first\n");
	assert_int_equal(faccessat(dir, "log.9", F_OK, 0), -1);
	assert_int_equal(faccessat(dir, "log.7", F_OK, 0), -1);
}

static void a_piece_of_many_lines_is_spread_over_files_that_keep_their_size(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	struct log_sink *w = NULL;
	struct error err;
	assert_int_equal(log_writer_open(dir, 2 * strlen(STAMP " stdout F 1\n"), 9, &w, &err), 0);
	add(w, LOG_STDOUT, "1\n2\n3\n4\n5\n");
	log_sink_free(w);
	assert_file(dir, "log.1", STAMP " stdout F 1\n" STAMP " stdout F 2\n");
	assert_file(dir, "log.2", STAMP " stdout F 3\n" STAMP " stdout F 4\n");
	assert_file(dir, "log", STAMP " stdout F 5\n");
}

static void one_file_alone_begins_anew(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	struct log_sink *w = NULL;
	struct error err;
	assert_int_equal(log_writer_open(dir, 50, 1, &w, &err), 0);
	add(w, LOG_STDOUT, "first\n");
	add(w, LOG_STDOUT, "second\n");
	log_sink_free(w);
	assert_file(dir, "log", STAMP " stdout F second\n");
	assert_int_equal(faccessat(dir, "log.1", F_OK, 0), -1);
}

static void a_full_disk_leaves_no_torn_record(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	struct log_sink *w = NULL;
	struct error err;
	struct rlimit old, small = { 60, RLIM_INFINITY };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	assert_int_equal(sigaction(SIGXFSZ, &ignore, NULL), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	assert_int_equal(log_writer_open(dir, 0, 0, &w, &err), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	add(w, LOG_STDOUT, "fits\n");
	add(w, LOG_STDOUT, "does not\n");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	add(w, LOG_STDOUT, "again\n");
	log_sink_free(w);
	assert_file(dir, "log", STAMP " stdout F fits\n" STAMP " stdout F again\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_whole_records_and_the_rest_is_a_part),
		cmocka_unit_test(many_lines_in_one_piece_are_all_written),
		cmocka_unit_test(a_full_file_makes_room_and_the_oldest_goes),
		cmocka_unit_test(numbers_go_on_where_an_earlier_writer_ended),
		cmocka_unit_test(a_piece_of_many_lines_is_spread_over_files_that_keep_their_size),
		cmocka_unit_test(one_file_alone_begins_anew),
		cmocka_unit_test(a_full_disk_leaves_no_torn_record),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
