/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http/http.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/test.h"

/* ---- Handlers ------------------------------------------------------------------------------- */

static int echo(struct http_request *rq, void *context, struct error *err)
{
	struct json_object *o = NULL;

	(void)context;
	int r = http_body_json(rq, "echo request", &o, err);
	if (r < 0)
		return r;
	struct json_object *reply = json_object_new_object();
	json_add_string(reply, "id", http_param(rq, "id"));
	json_add(reply, "body", o);
	return http_reply_json(rq, 201, reply);
}

static int not_there(struct http_request *rq, void *context, struct error *err)
{
	(void)context;
	return error_say(err, ENOENT, "No such container: %s", http_param(rq, "id"));
}

static int count_body(struct http_request *rq, void *context, struct error *err)
{
	char data[10000];
	char text[64];
	ssize_t n;
	size_t total = 0;

	(void)context;
	while ((n = http_body_read(rq, data, sizeof(data))) > 0)
		total += (size_t)n;
	if (n < 0)
		return error_set(err, (int)n, "read the body");
	int len = snprintf(text, sizeof(text), "%zu", total);
	return http_reply_bytes(rq, 200, "text/plain", text, (size_t)len);
}

/* Reads nothing of the body that comes. */
static int refuse_body(struct http_request *rq, void *context, struct error *err)
{
	(void)rq;
	(void)context;
	return error_say(err, EINVAL, "not that");
}

/* Sends its head, then waits for the client to hang up. */
static int linger(struct http_request *rq, void *context, struct error *err)
{
	int *told = context;
	struct pollfd p = { .fd = http_client_fd(rq), .events = POLLRDHUP };

	(void)err;
	http_stream_begin(rq, 200, "text/plain");
	(void)!http_stream_write(rq, "first", 5);
	(void)poll(&p, 1, -1);
	(void)!write(told[1], "x", 1);
	return 0;
}

static int flood(struct http_request *rq, void *context, struct error *err)
{
	char block[8000] = { 0 };

	(void)context;
	(void)err;
	http_stream_begin(rq, 200, "text/plain");
	for (int i = 0; i < 100; i++)
		if (http_stream_write(rq, block, sizeof(block)) < 0)
			return 0;
	return uri_query_bool(http_uri(rq), "break", false) ? -EIO : 0;
}

/* Hands the client's socket to another process, which answers when we are long done with it. */
static void hand_over(int sock, const void *pending, size_t pending_len, void *arg)
{
	int keeper = *(int *)arg;

	assert_true(fd_send(keeper, pending, pending_len ? pending_len : 1, &sock, 1) > 0);
	close_p(&sock);
}

static int upgrade(struct http_request *rq, void *context, struct error *err)
{
	(void)context;
	if (!http_wants_upgrade(rq))
		return error_say(err, EINVAL, "upgrade wanted");
	int *keeper = xmemdup((int *)context + 2, sizeof(*keeper));
	return http_upgrade(rq, "application/vnd.docker.raw-stream", hand_over, keeper, free);
}

static const struct http_route routes[] = {
	{ HTTP_POST, 0, "/echo/{id}", echo },
	{ HTTP_GET, 0, "/fail/{id}", not_there },
	{ HTTP_POST, HTTP_BODY_STREAM, "/count", count_body },
	{ HTTP_POST, HTTP_BODY_STREAM, "/refuse", refuse_body },
	{ HTTP_GET, HTTP_REPLY_STREAM, "/linger", linger },
	{ HTTP_GET, HTTP_REPLY_STREAM, "/flood", flood },
	{ HTTP_POST, 0, "/upgrade", upgrade },
};

/* ---- The server under test ------------------------------------------------------------------ */

struct fixture {
	int dir;
	char *path;
	struct http_server *server;
	int context[3]; /* a pipe, and the keeper's socket */
};

static struct fixture *fixture_new(size_t connection_max, int head_timeout_s)
{
	struct fixture *f = xnew(struct fixture);
	struct error err = { 0 };

	f->dir = test_dir();
	f->path = xasprintf("%s/s", test_dir_path(f->dir));
	f->context[2] = -1;
	assert_int_equal(pipe2(f->context, O_CLOEXEC), 0);
	auto_close int fd = unix_listen(f->path, SOCK_STREAM, 0600, &err);
	struct http_options options = {
		.listen_fd = fd,
		.routes = routes,
		.route_count = ARRAY_SIZE(routes),
		.context = f->context,
		.api_minor = 47,
		.api_minor_min = 24,
		.connection_max = connection_max,
		.head_timeout_s = head_timeout_s,
	};
	assert_int_equal(http_server_start(&options, &f->server, &err), 0);
	return f;
}

static void fixture_free(struct fixture *f)
{
	if (!f)
		return;
	assert_true(http_server_stop(f->server, 5000));
	close_p(&f->context[0]);
	close_p(&f->context[1]);
	close_p(&f->context[2]);
	free(f->path);
	test_dir_done(&f->dir);
	free(f);
}
DEFINE_AUTO(struct fixture, fixture_free);
#define auto_fixture auto_(fixture_freep) struct fixture

static int dial(struct fixture *f)
{
	struct error err;
	int fd = unix_connect(f->path, SOCK_STREAM, &err);

	assert_true(fd >= 0);
	return fd;
}

/* Reads until @wanted, if any, is in what came, or the end; the text stays valid until the next
 * call. */
static const char *receive(int fd, const char *wanted)
{
	static char text[4096];
	size_t len = 0;

	text[0] = '\0';
	while (len < sizeof(text) - 1 && !(*wanted && strstr(text, wanted))) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		assert_int_equal(poll(&p, 1, 10000), 1);
		ssize_t n = read(fd, text + len, sizeof(text) - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
		text[len] = '\0';
	}
	return text;
}

static void send_text(int fd, const char *text)
{
	assert_int_equal(write_full(fd, text, strlen(text)), 0);
}

/* Sends one request on a connection of its own and compares the status line's code; */
static void expect(struct fixture *f, const char *request, const char *code, const char *wanted)
{
	auto_close int fd = dial(f);

	send_text(fd, request);
	const char *reply = receive(fd, wanted);
	char start[32];
	snprintf(start, sizeof(start), "HTTP/1.1 %s ", code);
	if (strncmp(reply, start, strlen(start)) != 0 || !strstr(reply, wanted))
		fail_msg("%s\nwas answered by\n%s", request, reply);
}

/* ---- Tests ---------------------------------------------------------------------------------- */

static void a_json_request_is_answered_and_the_connection_kept(void **state)
{
	auto_fixture *f = fixture_new(0, 0);
	auto_close int fd = dial(f);

	(void)state;
	for (int i = 0; i < 3; i++) {
		send_text(fd,
			  "POST /v1.41/echo/a%2Fb?x=1 HTTP/1.1\r\nHost: d\r\n"
			  "Content-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}");
		const char *reply = receive(fd, "}}");
		assert_non_null(strstr(reply, "HTTP/1.1 201 "));
		assert_non_null(strstr(reply, "Api-Version: 1.47\r\n"));
		assert_non_null(strstr(reply, "{\"id\":\"a/b\",\"body\":{\"a\":1}}"));
	}
}

static void failures_are_told_as_docker_does(void **state)
{
	auto_fixture *f = fixture_new(0, 0);

	(void)state;
	expect(f, "GET /fail/web HTTP/1.1\r\nHost: d\r\n\r\n", "404",
	       "{\"message\":\"No such container: web\"}");
	expect(f, "GET /nowhere HTTP/1.1\r\nHost: d\r\n\r\n", "404", "page not found");
	expect(f, "DELETE /fail/web HTTP/1.1\r\nHost: d\r\n\r\n", "405", "method not allowed");
	expect(f, "BREW /fail/web HTTP/1.1\r\nHost: d\r\n\r\n", "405", "method not allowed");
	expect(f, "GET /v1.48/fail/web HTTP/1.1\r\nHost: d\r\n\r\n", "400",
	       "client version 1.48 is too new. Maximum supported API version is 1.47");
	expect(f, "GET /v1.23/fail/web HTTP/1.1\r\nHost: d\r\n\r\n", "400",
	       "client version 1.23 is too old");
}

#define POST_ECHO "POST /echo/a HTTP/1.1\r\nHost: d\r\n"

/* By us or, with libmicrohttpd 1.0, by the library before us; each with words of its own. */
static void expect_refusal(struct fixture *f, const char *request)
{
	auto_close int fd = dial(f);

	send_text(fd, request);
	const char *reply = receive(fd, "\r\n\r\n");
	if (strncmp(reply, "HTTP/1.1 400 ", 13) != 0 && strncmp(reply, "HTTP/1.1 501 ", 13) != 0)
		fail_msg("%s\nwas answered by\n%s", request, reply);
}

static void ambiguous_and_malformed_requests_are_refused(void **state)
{
	auto_fixture *f = fixture_new(0, 0);

	(void)state;
	expect_refusal(f, POST_ECHO "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
				    "0\r\n\r\n");
	expect_refusal(f, POST_ECHO "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}");
	expect_refusal(f, POST_ECHO "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}");
	expect_refusal(f, POST_ECHO "Transfer-Encoding: gzip\r\n\r\n");
	expect_refusal(f, POST_ECHO "Transfer-Encoding: chunked, chunked\r\n\r\n");
	expect(f, POST_ECHO "Content-Length: -1\r\n\r\n", "400", "");
	expect(f, POST_ECHO "Content-Length: +2\r\n\r\n{}", "400", "");
	expect(f, POST_ECHO "Content-Length: 2, 2\r\n\r\n{}", "400", "");
	expect(f, "GET /fail/a HTTP/1.1\r\n\r\n", "400", "");
	expect(f, "GET /fail/a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400", "Host");
	expect(f, "GET /fail/%00 HTTP/1.1\r\nHost: d\r\n\r\n", "400", "malformed path");
	expect(f, POST_ECHO "Content-Length: 15\r\n\r\n{\"a\":1,\"a\":\"2\"}", "400",
	       "echo request");
	expect(f, POST_ECHO "Content-Length: 4\r\n\r\nnull", "400", "echo request");
	expect(f, POST_ECHO "Content-Length: 2\r\n\r\n[]", "400", "not a JSON object");
	expect(f, POST_ECHO "Content-Length: 2\r\nContent-Type: text/plain\r\n\r\n{}", "400",
	       "content type");
	expect(f,
	       POST_ECHO "Content-Length: 2\r\nContent-Type: application/json; charset=utf-8\r\n"
			 "\r\n{}",
	       "201", "\"body\":{}");
}

static void a_body_that_is_too_large_is_refused_before_it_is_read(void **state)
{
	auto_fixture *f = fixture_new(0, 0);
	char block[65536];
	ssize_t n = 1;
	size_t sent = 0;

	(void)state;
	expect(f, POST_ECHO "Content-Length: 104857600\r\n\r\n{", "413", "too large");
	/* without a length: cut off soon after the cap, not read to the end */
	auto_close int fd = dial(f);
	send_text(fd, POST_ECHO "Transfer-Encoding: chunked\r\n\r\n6400000\r\n");
	memset(block, ' ', sizeof(block));
	while (n > 0 && sent < 100 * 1024 * 1024) {
		n = send(fd, block, sizeof(block), MSG_NOSIGNAL);
		sent += n > 0 ? (size_t)n : 0;
	}
	assert_true(sent < 2 * HTTP_BODY_MAX);
	expect(f, POST_ECHO "Content-Length: 2\r\n\r\n{}", "201", "body");
}

static void a_streamed_body_reaches_its_handler_whole(void **state)
{
	auto_fixture *f = fixture_new(0, 0);
	auto_close int fd = dial(f);
	auto_free char *block = xcalloc(1, 1024 * 1024);

	(void)state;
	send_text(fd, "POST /count HTTP/1.1\r\nHost: d\r\nContent-Length: 20971520\r\n\r\n");
	for (int i = 0; i < 20; i++)
		assert_int_equal(write_full(fd, block, 1024 * 1024), 0);
	assert_non_null(strstr(receive(fd, "20971520"), "200 OK"));
	send_text(fd, "POST /count HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n"
		      "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
	assert_non_null(strstr(receive(fd, "\r\n\r\n5"), "200 OK"));
}

static void a_handler_that_ends_early_still_answers(void **state)
{
	auto_fixture *f = fixture_new(0, 0);
	auto_close int fd = dial(f);
	auto_free char *block = xcalloc(1, 1024 * 1024);

	(void)state;
	send_text(fd, "POST /refuse HTTP/1.1\r\nHost: d\r\nContent-Length: 20971520\r\n\r\n");
	for (int i = 0; i < 20; i++)
		assert_int_equal(write_full(fd, block, 1024 * 1024), 0);
	assert_non_null(strstr(receive(fd, "not that"), "HTTP/1.1 400 "));
}

static void a_body_that_breaks_off_is_no_whole_body(void **state)
{
	auto_fixture *f = fixture_new(0, 0);

	(void)state;
	/* the handler must end with an error, else the server could not stop */
	for (int i = 0; i < 20; i++) {
		auto_close int fd = dial(f);
		send_text(fd, "POST /count HTTP/1.1\r\nHost: d\r\nContent-Length: 100\r\n\r\nabc");
	}
}

static void a_streams_head_and_blocks_are_sent_at_once(void **state)
{
	auto_fixture *f = fixture_new(0, 0);
	int fd = dial(f);
	char byte;

	(void)state;
	send_text(fd, "GET /linger HTTP/1.1\r\nHost: d\r\n\r\n");
	const char *reply = receive(fd, "first");
	assert_non_null(strstr(reply, "Transfer-Encoding: chunked"));
	assert_non_null(strstr(reply, "first"));
	close_p(&fd);
	/* the handler sees the hang-up */
	struct pollfd p = { .fd = f->context[0], .events = POLLIN };
	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(read(f->context[0], &byte, 1), 1);
}

static void a_stream_that_failed_is_not_ended_properly(void **state)
{
	auto_fixture *f = fixture_new(0, 0);
	auto_free char *whole = xcalloc(1, 1024 * 1024);

	(void)state;
	for (int broken = 0; broken < 2; broken++) {
		auto_close int fd = dial(f);
		send_text(fd,
			  broken ? "GET /flood?break=1 HTTP/1.1\r\nHost: d\r\nConnection: "
				   "close\r\n\r\n"
				 : "GET /flood HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n");
		ssize_t n = read_full(fd, whole, 1024 * 1024);
		assert_true(n > 800000);
		assert_int_equal(memcmp(whole + n - 5, "0\r\n\r\n", 5) == 0, !broken);
	}
}

static void a_client_that_stops_reading_does_not_stop_others(void **state)
{
	auto_fixture *f = fixture_new(0, 0);
	auto_close int stuck = dial(f);

	(void)state;
	send_text(stuck, "GET /flood HTTP/1.1\r\nHost: d\r\n\r\n");
	expect(f, POST_ECHO "Content-Length: 2\r\n\r\n{}", "201", "body");
}

/* Takes one socket over, answers on it much later than the server, copies until the end. */
static void be_keeper(int control)
{
	char data[256];
	int fd = -1;
	size_t count;
	ssize_t n = fd_recv(control, data, sizeof(data), &fd, 1, &count);

	if (n < 0 || count != 1)
		_exit(1);
	(void)fd_set_nonblock(fd, false);
	(void)!write_full(fd, "[", 1);
	if (data[0])
		(void)!write_full(fd, data, (size_t)n);
	while ((n = read(fd, data, sizeof(data))) > 0)
		(void)!write_full(fd, data, (size_t)n);
	(void)!write_full(fd, "]", 1);
	_exit(0);
}

static void an_upgraded_socket_lives_on_in_another_process(void **state)
{
	auto_fixture *f = fixture_new(0, 0);
	auto_close int fd = dial(f);
	int pair[2], status;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	pid_t keeper = fork();
	if (keeper == 0) {
		close(pair[0]);
		close(fd);
		be_keeper(pair[1]);
	}
	close_p(&pair[1]);
	f->context[2] = pair[0];

	send_text(fd, "POST /upgrade HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
		      "\r\nearly ");
	const char *reply = receive(fd, "[early ");
	assert_non_null(strstr(reply, "HTTP/1.1 101 "));
	assert_non_null(strstr(reply, "Upgrade: tcp\r\n"));
	assert_non_null(strstr(reply, "[early "));
	/* other connections come and go, the server itself goes */
	for (int i = 0; i < 20; i++)
		expect(f, POST_ECHO "Content-Length: 2\r\n\r\n{}", "201", "body");
	fixture_free(take_ptr(f));
	send_text(fd, "late");
	assert_string_equal(receive(fd, "late"), "late");
	/* half-close: the other direction still works */
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_string_equal(receive(fd, ""), "]");
	assert_int_equal(waitpid(keeper, &status, 0), keeper);
	assert_int_equal(status, 0);
}

static void an_upgrade_without_its_headers_is_an_error(void **state)
{
	auto_fixture *f = fixture_new(0, 0);

	(void)state;
	expect(f, "POST /upgrade HTTP/1.1\r\nHost: d\r\n\r\n", "400", "upgrade wanted");
	expect(f, "POST /upgrade HTTP/1.1\r\nHost: d\r\nUpgrade: tcp\r\n\r\n", "400",
	       "upgrade wanted");
}

static void half_open_connections_do_not_stop_others(void **state)
{
	enum { MANY = 300 };
	auto_fixture *f = fixture_new(100, 0);
	int fds[MANY];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		fds[i] = dial(f);
		send_text(fds[i], "GET /fail/a HT");
		if (i % 50 == 0)
			expect(f, POST_ECHO "Content-Length: 2\r\n\r\n{}", "201", "body");
	}
	int64_t start = clock_monotonic();
	expect(f, POST_ECHO "Content-Length: 2\r\n\r\n{}", "201", "body");
	assert_true(clock_monotonic() - start < NSEC_PER_SEC);
	/* the youngest is still served, the oldest was cut off */
	send_text(fds[MANY - 1], "TP/1.1\r\nHost: d\r\n\r\n");
	assert_non_null(strstr(receive(fds[MANY - 1], "No such container"), "404"));
	assert_string_equal(receive(fds[0], ""), "");
	for (int i = 0; i < MANY; i++)
		close_p(&fds[i]);
}

static void a_head_that_is_too_large_is_refused(void **state)
{
	auto_fixture *f = fixture_new(0, 0);
	auto_close int fd = dial(f);
	char line[1000];
	ssize_t n = 1;
	size_t sent = 0;

	(void)state;
	send_text(fd, "GET /fail/a HTTP/1.1\r\nHost: d\r\n");
	memset(line, 'a', sizeof(line));
	memcpy(line, "X-A: ", 5);
	memcpy(line + sizeof(line) - 2, "\r\n", 2);
	while (n > 0 && sent < 10 * HTTP_HEAD_MAX) {
		n = send(fd, line, sizeof(line), MSG_NOSIGNAL);
		sent += n > 0 ? (size_t)n : 0;
	}
	assert_true(sent < 10 * HTTP_HEAD_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_json_request_is_answered_and_the_connection_kept),
		cmocka_unit_test(failures_are_told_as_docker_does),
		cmocka_unit_test(ambiguous_and_malformed_requests_are_refused),
		cmocka_unit_test(a_body_that_is_too_large_is_refused_before_it_is_read),
		cmocka_unit_test(a_streamed_body_reaches_its_handler_whole),
		cmocka_unit_test(a_handler_that_ends_early_still_answers),
		cmocka_unit_test(a_body_that_breaks_off_is_no_whole_body),
		cmocka_unit_test(a_streams_head_and_blocks_are_sent_at_once),
		cmocka_unit_test(a_stream_that_failed_is_not_ended_properly),
		cmocka_unit_test(a_client_that_stops_reading_does_not_stop_others),
		cmocka_unit_test(an_upgraded_socket_lives_on_in_another_process),
		cmocka_unit_test(an_upgrade_without_its_headers_is_an_error),
		cmocka_unit_test(half_open_connections_do_not_stop_others),
		cmocka_unit_test(a_head_that_is_too_large_is_refused),
	};
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
