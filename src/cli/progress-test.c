/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/test.h"

/* Shows an answer with the body @body, written to a file whose content goes to @ret. */
static int show(const char *body, struct strbuf *ret, struct error *err)
{
	auto_test_dir int dir = test_dir();
	auto_close int out = openat(dir, "out", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	const struct http_request request = { .method = "POST", .target = "/images/create" };
	const struct progress progress = { .fd = out };
	struct http_response response;
	struct error ignored;
	char head[128];
	int ends[2];
	bool stale;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	auto_http *http = http_new(ends[0], "test");
	auto_close int server = ends[1];
	int len = snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
			   strlen(body));
	assert_int_equal(write_full(server, head, (size_t)len), 0);
	assert_int_equal(write_full(server, body, strlen(body)), 0);
	assert_int_equal(http_send(http, &request, &response, &stale, err), 0);
	int r = progress_show(&progress, http, err);
	assert_int_equal(read_file_at(dir, "out", 65536, ret, &ignored), 0);
	return r;
}

static void without_a_terminal_only_what_ends_a_step_is_printed(void **state)
{
	auto_strbuf out = STRBUF_INIT(65536);
	struct error err = {};

	(void)state;
	assert_int_equal(
		show("{\"status\":\"Pulling from x\",\"id\":\"latest\"}\r\n"
		     "{\"status\":\"Downloading\",\"id\":\"a\",\"progressDetail\":{\"current\":5,"
		     "\"total\":10}}\r\n"
		     "{\"status\":\"Pull complete\",\"id\":\"a\",\"progressDetail\":{}}\r\n"
		     "{\"stream\":\"Loaded image: x\\n\"}\r\n"
		     "{\"status\":\"Digest: sha256:abc\"}",
		     &out, &err),
		0);
	assert_string_equal(strbuf_text(&out), "latest: Pulling from x\n"
					       "a: Pull complete\n"
					       "Loaded image: x\n"
					       "Digest: sha256:abc\n");
}

static void a_failure_in_the_stream_is_a_failure(void **state)
{
	auto_strbuf out = STRBUF_INIT(65536);
	struct error err = {};

	(void)state;
	assert_int_equal(
		show("{\"status\":\"one\"}\n"
		     "{\"errorDetail\":{\"message\":\"manifest unknown\"},\"error\":\"x\"}\n"
		     "{\"status\":\"two\"}\n",
		     &out, &err),
		-EIO);
	assert_string_equal(err.text, "manifest unknown");
	assert_string_equal(strbuf_text(&out), "one\n");
}

static void what_is_no_json_is_a_failure(void **state)
{
	auto_strbuf out = STRBUF_INIT(65536);
	struct error err = {};

	(void)state;
	assert_true(show("{\"status\":\n", &out, &err) < 0);
	assert_true(show("<html>\n", &out, &err) < 0);
}

static void assert_bar(int64_t current, int64_t total, int width, const char *expected)
{
	char bar[160];

	progress_bar(current, total, width, bar, sizeof(bar));
	assert_string_equal(bar, expected);
}

static void a_bar_fills_and_fits_its_terminal(void **state)
{
	(void)state;
	assert_bar(0, 0, 200, "");
	assert_bar(1500, 0, 200, "   1.5kB");
	assert_bar(50, 100, 200,
		   "[=========================>                         ]      50B/100B");
	assert_bar(100, 100, 200,
		   "[==================================================>]     100B/100B");
	assert_bar(5, 10, 60, "[=====>     ]       5B/10B");
	assert_bar(5, 10, 40, "      5B/10B");
	assert_bar(11, 10, 40, "     11B");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_terminal_only_what_ends_a_step_is_printed),
		cmocka_unit_test(a_failure_in_the_stream_is_a_failure),
		cmocka_unit_test(what_is_no_json_is_a_failure),
		cmocka_unit_test(a_bar_fills_and_fits_its_terminal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
