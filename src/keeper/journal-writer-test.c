/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/journal-writer.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/strbuf.h"
#include "base/test.h"
#include "keeper/log-sink.h"
#include "keeper/loop.h"

#define NOW 1795216800123456789LL
#define STAMP "SYSLOG_TIMESTAMP=2026-11-20T23:20:00.123456789Z\n"
#define MESSAGE_MAX (1u << 20)

/* A journald of the test's own. */
struct journal {
	int dir, socket;
	char path[PATH_MAX];
	struct loop *loop;
	struct log_sink *sink;
};

static void listen_again(struct journal *j)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	(void)unlink(j->path);
	j->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(j->socket >= 0);
	assert_true(strlen(j->path) < sizeof(addr.sun_path));
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", j->path);
	assert_int_equal(bind(j->socket, (struct sockaddr *)&addr, sizeof(addr)), 0);
}

static void journal_init(struct journal *j, const char *fields, size_t fields_len)
{
	struct error err;

	*j = (struct journal){ .dir = test_dir() };
	(void)snprintf(j->path, sizeof(j->path), "%s/socket", test_dir_path(j->dir));
	listen_again(j);
	j->loop = loop_new(&err);
	assert_non_null(j->loop);
	assert_int_equal(journal_writer_open(j->loop, j->path, fields, fields_len, &j->sink, &err),
			 0);
}

static void journal_done(struct journal *j)
{
	log_sink_free(j->sink);
	loop_free(j->loop);
	close_p(&j->socket);
	test_dir_done(&j->dir);
}
#define auto_journal auto_(journal_done) struct journal

static void add(struct journal *j, enum log_stream stream, const char *text)
{
	log_sink_write(j->sink, stream, text, strlen(text), NOW);
}

/* The next message, wherever it is; false where there is none. */
static bool receive(struct journal *j, struct strbuf *ret)
{
	static char data[MESSAGE_MAX];
	struct pollfd p = { .fd = j->socket, .events = POLLIN };
	int fd = -1;
	size_t count = 0;
	struct error err;

	strbuf_clear(ret);
	if (poll(&p, 1, 0) != 1)
		return false;
	ssize_t n = fd_recv(j->socket, data, sizeof(data), &fd, 1, &count);
	assert_true(n >= 0);
	if (count == 0) {
		strbuf_add(ret, data, (size_t)n);
		return true;
	}
	assert_int_equal(n, 0);
	assert_int_equal(read_file_fd(fd, "message", MESSAGE_MAX, ret, &err), 0);
	close_p(&fd);
	return true;
}

static void expect(struct journal *j, const char *text)
{
	auto_strbuf have = STRBUF_INIT(MESSAGE_MAX);

	assert_true(receive(j, &have));
	assert_string_equal(strbuf_text(&have), text);
}

static void each_line_is_a_message_with_the_fields_and_a_priority(void **state)
{
	auto_journal j;
	auto_strbuf none = STRBUF_INIT(MESSAGE_MAX);

	(void)state;
	journal_init(&j, "A=b\n", 4);
	add(&j, LOG_STDOUT, "one\n\ntw");
	add(&j, LOG_STDERR, "bad\n");
	add(&j, LOG_STDOUT, "o\nrest");
	expect(&j, "A=b\nPRIORITY=6\n" STAMP "MESSAGE=one\n");
	expect(&j, "A=b\nPRIORITY=6\n" STAMP "MESSAGE=\n");
	expect(&j, "A=b\nPRIORITY=3\n" STAMP "MESSAGE=bad\n");
	expect(&j, "A=b\nPRIORITY=6\n" STAMP "MESSAGE=two\n");
	assert_false(receive(&j, &none));
	log_sink_finish(j.sink, NOW);
	expect(&j, "A=b\nPRIORITY=6\n" STAMP "MESSAGE=rest\n");
}

static void a_long_line_comes_in_pieces_that_say_so(void **state)
{
	auto_journal j;
	auto_strbuf line = STRBUF_INIT(MESSAGE_MAX), have = STRBUF_INIT(MESSAGE_MAX);

	(void)state;
	journal_init(&j, "", 0);
	for (size_t i = 0; i < 2 * JOURNAL_LINE_MAX + 5; i++)
		strbuf_addc(&line, 'x');
	strbuf_addc(&line, '\n');
	for (size_t i = 0; i < JOURNAL_LINE_MAX; i++)
		strbuf_addc(&line, 'y');
	strbuf_addc(&line, '\n');
	add(&j, LOG_STDOUT, strbuf_text(&line));
	for (int piece = 0; piece < 4; piece++) {
		assert_true(receive(&j, &have));
		const char *partial =
			strstr(strbuf_text(&have), "CONTAINER_PARTIAL_MESSAGE=true\n");
		assert_int_equal(partial != NULL, piece < 2);
		const char *text = strstr(strbuf_text(&have), "MESSAGE=");
		text = partial ? strstr(partial, "\nMESSAGE=") + 1 : text;
		assert_int_equal(strlen(text) - strlen("MESSAGE=\n"),
				 piece == 2 ? 5 : JOURNAL_LINE_MAX);
	}
	assert_false(receive(&j, &have));
}

static void a_message_too_large_for_a_datagram_comes_in_a_sealed_file(void **state)
{
	auto_journal j;
	auto_strbuf fields = STRBUF_INIT(MESSAGE_MAX), have = STRBUF_INIT(MESSAGE_MAX);

	(void)state;
	strbuf_adds(&fields, "LABEL=");
	for (size_t i = 0; i < 500000; i++)
		strbuf_addc(&fields, 'l');
	strbuf_addc(&fields, '\n');
	journal_init(&j, fields.data, fields.len);
	add(&j, LOG_STDOUT, "hello\n");
	assert_true(receive(&j, &have));
	assert_true(have.len > fields.len);
	assert_memory_equal(have.data, fields.data, fields.len);
	assert_string_equal(have.data + fields.len, "PRIORITY=6\n" STAMP "MESSAGE=hello\n");
}

static void a_journal_that_takes_nothing_makes_the_program_wait_and_loses_nothing(void **state)
{
	auto_journal j;
	auto_strbuf have = STRBUF_INIT(MESSAGE_MAX);
	struct error err;
	int written = 0, read = 0;

	(void)state;
	journal_init(&j, "", 0);
	while (!log_sink_is_behind(j.sink)) {
		char line[32];
		(void)snprintf(line, sizeof(line), "%d\n", written++);
		add(&j, LOG_STDOUT, line);
	}
	add(&j, LOG_STDOUT, "last\n");
	while (log_sink_is_behind(j.sink) || read <= written) {
		char text[64];
		assert_true(receive(&j, &have));
		(void)snprintf(text, sizeof(text),
			       read < written ? "MESSAGE=%d\n" : "MESSAGE=last\n", read);
		assert_non_null(strstr(strbuf_text(&have), text));
		read++;
		if (log_sink_is_behind(j.sink))
			assert_int_equal(loop_turn(j.loop, 1000, &err), 0);
	}
	assert_int_equal(read, written + 1);
}

static void a_journal_that_is_started_anew_is_found_again(void **state)
{
	auto_journal j;

	(void)state;
	journal_init(&j, "", 0);
	add(&j, LOG_STDOUT, "before\n");
	expect(&j, "PRIORITY=6\n" STAMP "MESSAGE=before\n");
	close_p(&j.socket);
	add(&j, LOG_STDOUT, "lost\n");
	listen_again(&j);
	add(&j, LOG_STDOUT, "after\n");
	expect(&j, "PRIORITY=6\n" STAMP "MESSAGE=after\n");
}

static void without_a_journal_there_is_a_clear_refusal(void **state)
{
	auto_test_dir int dir = test_dir();
	char path[PATH_MAX];
	struct log_sink *sink = NULL;
	struct error err;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/absent", test_dir_path(dir));
	assert_int_equal(journal_writer_open(NULL, path, "", 0, &sink, &err), -ENOENT);
	assert_memory_equal(err.text, "journald is not enabled on this host: ", 38);
	assert_null(sink);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_is_a_message_with_the_fields_and_a_priority),
		cmocka_unit_test(a_long_line_comes_in_pieces_that_say_so),
		cmocka_unit_test(a_message_too_large_for_a_datagram_comes_in_a_sealed_file),
		cmocka_unit_test(
			a_journal_that_takes_nothing_makes_the_program_wait_and_loses_nothing),
		cmocka_unit_test(a_journal_that_is_started_anew_is_found_again),
		cmocka_unit_test(without_a_journal_there_is_a_clear_refusal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
