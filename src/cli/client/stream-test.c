/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/test.h"
#include "cli/document.h"

/*
 * The session runs in a child whose standard streams are pipes; the test is the server and the user.
 * The child ends with what stream_run() gave, or with the exit status of a control frame.
 */
struct stage {
	pid_t pid;
	int server;
	int in;
	int out;
	int errors;
};

struct stage_options {
	bool framed;
	bool std_in;
	const char *rest; /* read too far, before the session began */
};

static void take_message(struct stream *s, struct json_object *message)
{
	*(int *)s->arg = (int)document_int(message, "exit");
}

static void child(int socket, int in, int out, int errors, const struct stage_options *o)
{
	int status = -1;
	struct stream s = {
		.socket = socket,
		.framed = o->framed,
		.std_in = o->std_in,
		.control = take_message,
		.arg = &status,
		.rest = STRBUF_INIT(65536),
	};
	struct error err = {};

	(void)signal(SIGPIPE, SIG_IGN);
	(void)dup2(in, STDIN_FILENO);
	(void)dup2(out, STDOUT_FILENO);
	(void)dup2(errors, STDERR_FILENO);
	(void)close_range(3, (unsigned)socket - 1, 0);
	(void)close_range((unsigned)socket + 1, ~0U, 0);
	if (o->rest)
		strbuf_adds(&s.rest, o->rest);
	int r = stream_run(&s, &err);
	_exit(status >= 0 ? status : r == STREAM_SIGNALED ? 128 + s.signal : r < 0 ? 99 : 50 + r);
}

static struct stage begin(const struct stage_options *o)
{
	struct stage s;
	int ends[2];
	int in[2];
	int out[2];
	int errors[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(errors, O_CLOEXEC), 0);
	s.pid = fork();
	assert_true(s.pid >= 0);
	if (s.pid == 0)
		child(fcntl(ends[1], F_DUPFD_CLOEXEC, 100), in[0], out[1], errors[1], o);
	close_p(&ends[1]);
	close_p(&in[0]);
	close_p(&out[1]);
	close_p(&errors[1]);
	s.server = ends[0];
	s.in = in[1];
	s.out = out[0];
	s.errors = errors[0];
	return s;
}

/* Ends the server's side; gives the child's exit status. */
static int finish(struct stage *s)
{
	int status;

	close_p(&s->server);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	close_p(&s->in);
	close_p(&s->out);
	close_p(&s->errors);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void send_frame(struct stage *s, int stream, const char *text)
{
	size_t len = strlen(text);
	const char head[] = {
		(char)stream,     0,        0, 0, (char)(len >> 24), (char)(len >> 16),
		(char)(len >> 8), (char)len
	};

	assert_int_equal(write_full(s->server, head, sizeof(head)), 0);
	assert_int_equal(write_full(s->server, text, len), 0);
}

static void assert_reads(int fd, const char *expected)
{
	char text[256] = "";

	assert_int_equal(read_full(fd, text, strlen(expected)), (ssize_t)strlen(expected));
	assert_string_equal(text, expected);
}

static void output_and_errors_are_parted_and_the_end_is_told(void **state)
{
	struct stage s = begin(&(struct stage_options){ .framed = true });

	(void)state;
	send_frame(&s, 1, "out");
	send_frame(&s, 2, "err");
	send_frame(&s, 3, "{\"exit\":7}");
	assert_reads(s.out, "out");
	assert_reads(s.errors, "err");
	assert_int_equal(finish(&s), 7);
}

static void a_bare_stream_is_printed_as_it_is(void **state)
{
	struct stage s = begin(&(struct stage_options){ .rest = "read " });

	(void)state;
	assert_int_equal(write_full(s.server, "early\r\n", 7), 0);
	assert_reads(s.out, "read early\r\n");
	assert_int_equal(finish(&s), 50 + STREAM_ENDED);
}

static void input_is_passed_on_and_its_end_half_closes(void **state)
{
	struct stage s = begin(&(struct stage_options){ .framed = true, .std_in = true });
	char text[16];

	(void)state;
	assert_int_equal(write_full(s.in, "typed", 5), 0);
	assert_reads(s.server, "typed");
	close_p(&s.in);
	assert_int_equal(read(s.server, text, sizeof(text)), 0);
	/* the other way is still open */
	send_frame(&s, 1, "answer");
	assert_reads(s.out, "answer");
	send_frame(&s, 3, "{\"exit\":0}");
	assert_int_equal(finish(&s), 0);
}

static void without_input_the_connection_stays_open(void **state)
{
	struct stage s = begin(&(struct stage_options){ .framed = true });
	char text[16];

	(void)state;
	assert_int_equal(write_full(s.in, "typed", 5), 0);
	send_frame(&s, 1, "x");
	assert_reads(s.out, "x");
	assert_int_equal(recv(s.server, text, sizeof(text), MSG_DONTWAIT), -1);
	assert_int_equal(finish(&s), 50 + STREAM_ENDED);
}

static void a_signal_that_is_not_passed_on_ends_the_session(void **state)
{
	struct stage s = begin(&(struct stage_options){ .framed = true });

	(void)state;
	/* once it prints, its signals are blocked */
	send_frame(&s, 1, "x");
	assert_reads(s.out, "x");
	assert_int_equal(kill(s.pid, SIGTERM), 0);
	int status;
	assert_int_equal(waitpid(s.pid, &status, 0), s.pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 128 + SIGTERM);
	close_p(&s.server);
	close_p(&s.in);
	close_p(&s.out);
	close_p(&s.errors);
}

static void a_reader_that_leaves_ends_the_session(void **state)
{
	struct stage s = begin(&(struct stage_options){ .framed = true });

	(void)state;
	close_p(&s.out);
	send_frame(&s, 1, "nobody reads this");
	int status;
	assert_int_equal(waitpid(s.pid, &status, 0), s.pid);
	assert_int_equal(WEXITSTATUS(status), 50 + STREAM_CLOSED);
	close_p(&s.server);
	close_p(&s.in);
	close_p(&s.errors);
}

static void a_slow_reader_holds_the_sender_back(void **state)
{
	enum { PIECE = 65536, PIECES = 64 };
	struct stage s = begin(&(struct stage_options){});
	static char piece[PIECE];
	size_t sent = 0;
	size_t got = 0;

	(void)state;
	memset(piece, 'x', sizeof(piece));
	/* until nothing moves any more: what is in between is bounded by buffers of the kernel */
	for (struct pollfd p = { .fd = s.server, .events = POLLOUT }; poll(&p, 1, 100) > 0;) {
		ssize_t n = send(s.server, piece, sizeof(piece), MSG_DONTWAIT);
		sent += n > 0 ? (size_t)n : 0;
		assert_true(sent < (size_t)PIECE * PIECES);
	}
	(void)shutdown(s.server, SHUT_WR);
	for (ssize_t n; (n = read(s.out, piece, sizeof(piece))) > 0;)
		got += (size_t)n;
	assert_int_equal(got, sent);
	assert_int_equal(finish(&s), 50 + STREAM_ENDED);
}

static void bad_control_frames_are_a_failure(void **state)
{
	struct stage s = begin(&(struct stage_options){ .framed = true });

	(void)state;
	send_frame(&s, 3, "{\"exit\":");
	assert_int_equal(finish(&s), 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_and_errors_are_parted_and_the_end_is_told),
		cmocka_unit_test(a_bare_stream_is_printed_as_it_is),
		cmocka_unit_test(input_is_passed_on_and_its_end_half_closes),
		cmocka_unit_test(without_input_the_connection_stays_open),
		cmocka_unit_test(a_signal_that_is_not_passed_on_ends_the_session),
		cmocka_unit_test(a_reader_that_leaves_ends_the_session),
		cmocka_unit_test(a_slow_reader_holds_the_sender_back),
		cmocka_unit_test(bad_control_frames_are_a_failure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
