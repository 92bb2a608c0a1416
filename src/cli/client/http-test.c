/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client/http.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/test.h"

/*
 * The server is the other end of a socket pair: its answers are written before the request is sent,
 * which a client need not notice, and what the client sent is read afterwards.
 */
struct pair {
	struct http *http;
	int server;
};

static struct pair pair_new(const char *answer)
{
	struct pair p;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	p.http = http_new(ends[0], "test");
	p.server = ends[1];
	assert_int_equal(write_full(p.server, answer, strlen(answer)), 0);
	return p;
}

static void pair_done(struct pair *p)
{
	http_free(p->http);
	close_p(&p->server);
}

#define auto_pair auto_(pair_done) struct pair

static int get(struct pair *p, struct http_response *ret, struct error *err)
{
	const struct http_request request = { .method = "GET", .target = "/x", .timeout_ms = 5000 };
	bool stale;

	return http_send(p->http, &request, ret, &stale, err);
}

static void assert_body(const char *answer, const char *expected, bool reusable)
{
	auto_pair p = pair_new(answer);
	auto_strbuf body = STRBUF_INIT(4096);
	struct http_response response;
	struct error err = {};

	(void)shutdown(p.server, SHUT_WR);
	assert_int_equal(get(&p, &response, &err), 0);
	if (http_read_all(p.http, &body, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(strbuf_text(&body), expected);
	assert_int_equal(http_reusable(p.http), reusable);
}

static void bodies_are_read_whatever_their_framing(void **state)
{
	(void)state;
	assert_body("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", true);
	assert_body("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
		    "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n",
		    "abc0123456789", true);
	assert_body("HTTP/1.1 200 OK\r\n\r\nto the end", "to the end", false);
	assert_body("HTTP/1.1 204 No Content\r\n\r\n", "", true);
	assert_body("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", "", true);
	assert_body("HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "ok", true);
	assert_body("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", "ok",
		    false);
	assert_body("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", false);
}

static void a_preliminary_answer_is_passed_over(void **state)
{
	(void)state;
	assert_body("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		    "ok", true);
}

static void assert_refused(const char *answer)
{
	auto_pair p = pair_new(answer);
	auto_strbuf body = STRBUF_INIT(4096);
	struct http_response response;
	struct error err = {};

	(void)shutdown(p.server, SHUT_WR);
	int r = get(&p, &response, &err);
	if (r == 0)
		r = http_read_all(p.http, &body, &err);
	if (r >= 0)
		fail_msg("accepted: %s", answer);
	assert_true(err.text[0] != '\0');
}

static void answers_that_can_be_read_in_two_ways_are_refused(void **state)
{
	(void)state;
	assert_refused("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
		       "0\r\n\r\n");
	assert_refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n");
	assert_refused("HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok");
	assert_refused("HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\nok");
	assert_refused("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n");
	assert_refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n");
	assert_refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
}

static void answers_that_are_cut_off_or_no_http_are_refused(void **state)
{
	(void)state;
	assert_refused("");
	assert_refused("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
	assert_refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
	assert_refused("HTTP/1.1 200 OK\r\nContent-Le");
	assert_refused("HTTP/2 200\r\n\r\n");
	assert_refused("HTTP/1.1 999 What\r\n\r\n");
	assert_refused("220 mail.example.org ESMTP\r\n\r\n");
}

static void a_head_without_end_is_refused(void **state)
{
	auto_strbuf answer = STRBUF_INIT(1U << 20);

	(void)state;
	strbuf_adds(&answer, "HTTP/1.1 200 OK\r\n");
	while (answer.len < HTTP_HEAD_MAX + 1000)
		strbuf_adds(&answer, "X-Filler: yes\r\n");
	assert_refused(strbuf_text(&answer));
}

static void a_body_above_the_cap_is_refused(void **state)
{
	auto_pair p = pair_new("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
	auto_strbuf body = STRBUF_INIT(4);
	struct http_response response;
	struct error err = {};

	(void)state;
	assert_int_equal(get(&p, &response, &err), 0);
	assert_int_equal(http_read_all(p.http, &body, &err), -EFBIG);
}

static void two_requests_go_over_one_connection(void **state)
{
	auto_pair p = pair_new("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst"
			       "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond");
	auto_strbuf body = STRBUF_INIT(4096);
	struct http_response response;
	struct error err = {};

	(void)state;
	/* what is left of the first answer is dropped by itself */
	assert_int_equal(get(&p, &response, &err), 0);
	assert_int_equal(get(&p, &response, &err), 0);
	assert_int_equal(http_read_all(p.http, &body, &err), 0);
	assert_string_equal(strbuf_text(&body), "second");
}

static void headers_are_found_without_regard_to_case(void **state)
{
	auto_pair p = pair_new("HTTP/1.1 200 OK\r\nserver: Berth/1.0\r\nX-A:  one two \r\n"
			       "X-AB: no\r\nContent-Length: 0\r\n\r\n");
	struct http_response response;
	struct error err = {};
	char text[16];

	(void)state;
	assert_int_equal(get(&p, &response, &err), 0);
	assert_true(response.berth);
	assert_true(http_header(&response, "x-a", text, sizeof(text)));
	assert_string_equal(text, "one two");
	assert_false(http_header(&response, "X", text, sizeof(text)));
	assert_false(http_header(&response, "X-A", text, 3));
}

static void an_upgrade_hands_out_the_socket_and_what_was_read(void **state)
{
	auto_pair p = pair_new("HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\nraw bytes");
	auto_strbuf rest = STRBUF_INIT(65536);
	struct http_response response;
	struct error err = {};

	(void)state;
	assert_int_equal(get(&p, &response, &err), 0);
	assert_true(response.upgraded);
	auto_close int fd = http_take_socket(p.http, &rest);
	assert_true(fd >= 0);
	assert_string_equal(strbuf_text(&rest), "raw bytes");
}

static void an_idle_connection_that_was_closed_is_told_as_stale(void **state)
{
	auto_pair p = pair_new("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	const struct http_request request = { .method = "GET", .target = "/x" };
	struct http_response response;
	struct error err = {};
	bool stale;

	(void)state;
	assert_int_equal(http_send(p.http, &request, &response, &stale, &err), 0);
	assert_false(stale);
	close_p(&p.server);
	assert_true(http_send(p.http, &request, &response, &stale, &err) < 0);
	assert_true(stale);
}

static void an_engine_that_says_nothing_meets_the_deadline(void **state)
{
	auto_pair p = pair_new("");
	const struct http_request request = { .method = "GET", .target = "/x", .timeout_ms = 20 };
	struct http_response response;
	struct error err = {};
	bool stale;

	(void)state;
	assert_int_equal(http_send(p.http, &request, &response, &stale, &err), -ETIMEDOUT);
}

/* Reads what the client sent. */
static void read_request(struct pair *p, struct strbuf *ret)
{
	char data[4096];
	ssize_t n;

	while ((n = recv(p->server, data, sizeof(data), MSG_DONTWAIT)) > 0)
		strbuf_add(ret, data, (size_t)n);
}

static void a_request_is_written_with_its_length(void **state)
{
	auto_pair p = pair_new("");
	const struct http_request request = {
		.method = "POST",
		.target = "/y?z=1",
		.headers = "X-Own: 1\r\n",
		.body = "{}",
		.body_len = 2,
		.upgrade = true,
		.timeout_ms = 20,
	};
	auto_strbuf sent = STRBUF_INIT(65536);
	struct http_response response;
	struct error err = {};
	bool stale;

	(void)state;
	assert_true(http_send(p.http, &request, &response, &stale, &err) < 0);
	read_request(&p, &sent);
	assert_string_equal(strbuf_text(&sent),
			    "POST /y?z=1 HTTP/1.1\r\nHost: test\r\nUser-Agent: berth/" BERTH_VERSION
			    "\r\nX-Own: 1\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
			    "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
}

static int produce(struct http *h, void *arg, struct error *err)
{
	(void)arg;
	int r = http_body(h, "hello ", 6, err);
	return r != 0 ? r : http_body(h, "world", 5, err);
}

static int produce_nothing(struct http *h, void *arg, struct error *err)
{
	(void)h;
	(void)arg;
	return error_say(err, EIO, "no body after all");
}

static void a_body_of_unknown_length_goes_in_chunks(void **state)
{
	auto_pair p = pair_new("");
	const struct http_request request = {
		.method = "PUT", .target = "/", .produce = produce, .timeout_ms = 20
	};
	auto_strbuf sent = STRBUF_INIT(65536);
	struct http_response response;
	struct error err = {};
	bool stale;

	(void)state;
	assert_true(http_send(p.http, &request, &response, &stale, &err) < 0);
	read_request(&p, &sent);
	assert_non_null(strstr(strbuf_text(&sent), "\r\nTransfer-Encoding: chunked\r\n"));
	assert_non_null(strstr(strbuf_text(&sent), "\r\n\r\nb\r\nhello world\r\n0\r\n\r\n"));
}

static void a_body_that_fails_is_never_ended(void **state)
{
	auto_pair p = pair_new("");
	const struct http_request request = { .method = "PUT",
					      .target = "/",
					      .produce = produce_nothing };
	auto_strbuf sent = STRBUF_INIT(65536);
	struct http_response response;
	struct error err = {};
	bool stale;

	(void)state;
	assert_int_equal(http_send(p.http, &request, &response, &stale, &err), -EIO);
	read_request(&p, &sent);
	assert_null(strstr(strbuf_text(&sent), "0\r\n\r\n"));
}

static void an_early_answer_ends_the_sending(void **state)
{
	auto_pair p = pair_new("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
	const struct http_request request = { .method = "PUT", .target = "/", .produce = produce };
	auto_strbuf body = STRBUF_INIT(4096);
	struct http_response response;
	struct error err = {};
	bool stale;

	(void)state;
	assert_int_equal(http_send(p.http, &request, &response, &stale, &err), 0);
	assert_int_equal(response.status, 413);
	assert_int_equal(http_read_all(p.http, &body, &err), 0);
	assert_string_equal(strbuf_text(&body), "no");
	assert_false(http_reusable(p.http));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_are_read_whatever_their_framing),
		cmocka_unit_test(a_preliminary_answer_is_passed_over),
		cmocka_unit_test(answers_that_can_be_read_in_two_ways_are_refused),
		cmocka_unit_test(answers_that_are_cut_off_or_no_http_are_refused),
		cmocka_unit_test(a_head_without_end_is_refused),
		cmocka_unit_test(a_body_above_the_cap_is_refused),
		cmocka_unit_test(two_requests_go_over_one_connection),
		cmocka_unit_test(headers_are_found_without_regard_to_case),
		cmocka_unit_test(an_upgrade_hands_out_the_socket_and_what_was_read),
		cmocka_unit_test(an_idle_connection_that_was_closed_is_told_as_stale),
		cmocka_unit_test(an_engine_that_says_nothing_meets_the_deadline),
		cmocka_unit_test(a_request_is_written_with_its_length),
		cmocka_unit_test(a_body_of_unknown_length_goes_in_chunks),
		cmocka_unit_test(a_body_that_fails_is_never_ended),
		cmocka_unit_test(an_early_answer_ends_the_sending),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
