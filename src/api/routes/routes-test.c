/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "api/fake/fake.h"
#include "api/frames.h"
#include "base/alloc.h"
#include "base/fd.h"
#include "base/test.h"

/* ---- The API under test --------------------------------------------------------------------- */

static struct {
	int dir;
	char *path;
	struct api *api;
} fixture;

static int begin(void **state)
{
	struct error err = { 0 };

	(void)state;
	fixture.dir = test_dir();
	fixture.path = xasprintf("%s/s", test_dir_path(fixture.dir));
	auto_close int fd = unix_listen(fixture.path, SOCK_STREAM, 0600, &err);
	const struct api_options options = { .listen_fd = fd, .state_dir = "/state" };
	return api_start(&options, &fixture.api, &err);
}

static int end(void **state)
{
	(void)state;
	assert_true(api_stop(fixture.api, 5000));
	free(fixture.path);
	test_dir_done(&fixture.dir);
	return 0;
}

/* Sends @head with what every request needs, and @body; the socket. */
static int ask(const char *head, const char *headers, const char *body)
{
	struct error err;
	int fd = unix_connect(fixture.path, SOCK_STREAM, &err);
	auto_free char *request = xasprintf(
		"%s HTTP/1.1\r\nHost: d\r\nConnection: %s\r\n%sContent-Length: %zu\r\n\r\n%s", head,
		headers && strstr(headers, "Upgrade:") ? "Upgrade" : "close",
		headers ? headers : "", strlen(body), body);

	assert_true(fd >= 0);
	assert_int_equal(write_full(fd, request, strlen(request)), 0);
	/* what asked to upgrade and was refused is kept open otherwise */
	if (headers && strstr(headers, "Upgrade:"))
		assert_int_equal(shutdown(fd, SHUT_WR), 0);
	return fd;
}

/* The whole answer, zero bytes shown as '~'; valid until the next call. */
static const char *answer_of(int fd)
{
	static char text[65536];
	ssize_t n = read_full(fd, text, sizeof(text) - 1);

	assert_true(n >= 0);
	for (ssize_t i = 0; i < n; i++)
		if (!text[i])
			text[i] = '~';
	text[n] = '\0';
	return text;
}

static void expect_of(int fd, const char *what, int status, const char *part)
{
	char start[32];
	const char *answer = answer_of(fd);

	snprintf(start, sizeof(start), "HTTP/1.1 %d ", status);
	if (strncmp(answer, start, strlen(start)) != 0 || !strstr(answer, part))
		fail_msg("%s: not %d with %s, but\n%s", what, status, part, answer);
}

/* One request without a body (or with @body) has the answer's status and text. */
static void expect(const char *head, const char *body, int status, const char *part)
{
	auto_close int fd = ask(head, NULL, body);

	expect_of(fd, head, status, part);
}

/* ---- System --------------------------------------------------------------------------------- */

static void a_client_learns_the_version_by_a_ping(void **state)
{
	(void)state;
	expect("HEAD /_ping", "", 200, "Api-Version: 1.47");
	expect("GET /_ping", "", 200, "\r\n\r\nOK");
	expect("GET /v1.24/version", "", 200, "\"MinAPIVersion\":\"1.24\"");
	expect("GET /v1.47/info", "", 200, "\"ContainersRunning\":1");
	expect("GET /info", "", 200, "[[\"Reason\",\"the test says so\"]]");
	expect("GET /berth/info", "", 200, "\"mode\":\"folder\"");
}

/* ---- Files ---------------------------------------------------------------------------------- */

static void files_are_told_by_a_header_and_sent_as_they_come(void **state)
{
	(void)state;
	/* {"name":"motd","size":5,"mode":8389028,... */
	expect("HEAD /containers/web/archive?path=/etc/motd", "", 200,
	       "Container-Path-Stat: eyJuYW1lIjoibW90ZCIsInNpemUiOjUsIm1vZGUiOjgzODkwMjgs");
	expect("GET /containers/web/archive?path=/etc/motd", "", 200, "hello");
	expect("GET /containers/web/archive?path=/none", "", 404, "Could not find the file /none");
	expect("GET /containers/web/archive", "", 400, "cannot be empty");
	expect("PUT /containers/web/archive?path=/etc", "a tar", 200, "Content-Length: 0");
	assert_int_equal(fake_asked.body_bytes, strlen("a tar"));
	expect("PUT /containers/web/archive?path=/none", "a tar", 404, "Could not find the file");
	expect("GET /containers/web/export", "", 200, "Content-Type: application/x-tar");
	expect("GET /containers/none/export", "", 404, "No such container");
}

static void a_commit_takes_its_body_and_then_its_changes(void **state)
{
	(void)state;
	expect("GET /containers/web/changes", "", 200, "[{\"Path\":\"/etc/motd\",\"Kind\":1}]");
	expect("POST /commit?container=web", "", 201, "{\"Id\":\"sha256:");
	expect("POST /commit?container=web", "{\"Cmd\":[\"sh\"]}", 201, "Id");
	assert_string_equal(fake_asked.name, "sh");
	expect("POST /commit?container=web&changes=CMD%20%5B%22ls%22%5D", "{\"Cmd\":[\"sh\"]}", 201,
	       "Id");
	assert_string_equal(fake_asked.name, "ls");
	expect("POST /commit?container=web&changes=NONE%20x", "", 400, "not a valid change");
	expect("POST /commit", "", 400, "'container' is missing");
}

static void use_is_told_in_dockers_shapes(void **state)
{
	(void)state;
	expect("GET /containers/web/top", "", 200,
	       "{\"Titles\":[\"PID\"],\"Processes\":[[\"17\"]]}");
	expect("GET /containers/web/stats?stream=0&one-shot=1", "", 200,
	       "\"total_usage\":1000000000");
	expect("GET /containers/web/stats?stream=0&one-shot=1", "", 200, "\"limit\":1000}");
	expect("GET /containers/none/stats", "", 404, "No such container");
	expect("POST /containers/web/update", "{\"Memory\":4096}", 200, "{\"Warnings\":[]}");
	assert_int_equal(fake_asked.body_bytes, 4096);
	expect("GET /system/df", "", 200, "{\"LayersSize\":5000,\"Images\":[{");
	expect("GET /system/df", "", 200, "\"SizeRw\":1000");
}

/* ---- Containers ----------------------------------------------------------------------------- */

static void verbs_answer_with_dockers_statuses(void **state)
{
	(void)state;
	expect("POST /containers/web/start", "", 304, "");
	expect("POST /containers/old/start", "", 204, "");
	expect("POST /containers/web/stop?t=3&signal=INT", "", 204, "");
	assert_int_equal(fake_asked.timeout_s, 3);
	assert_int_equal(fake_asked.signal, SIGINT);
	expect("POST /containers/web/stop", "", 204, "");
	assert_int_equal(fake_asked.timeout_s, -1);
	assert_int_equal(fake_asked.signal, 0);
	expect("POST /containers/web/restart?t=-1", "", 204, "");
	assert_int_equal(fake_asked.timeout_s, INT32_MAX);
	expect("POST /containers/none/stop", "", 404, "{\"message\":\"No such container: none\"}");
	expect("POST /containers/web/stop?t=soon", "", 400, "query parameter 't'");
	expect("POST /containers/web/kill", "", 204, "");
	assert_int_equal(fake_asked.signal, SIGKILL);
	expect("POST /containers/web/kill?signal=SIGHUP", "", 204, "");
	assert_int_equal(fake_asked.signal, SIGHUP);
	expect("POST /containers/web/kill?signal=SIGNOPE", "", 400, "Invalid signal: SIGNOPE");
	expect("POST /containers/old/kill", "", 409, "is not running");
	expect("POST /containers/web/pause", "", 501, "not here");
	expect("POST /containers/web/rename?name=/other", "", 204, "");
	assert_string_equal(fake_asked.name, "other");
	expect("POST /containers/web/rename", "", 400, "may be empty");
	expect("POST /containers/web/resize?h=24&w=80", "", 200, "");
	assert_int_equal(fake_asked.rows, 24);
	expect("POST /containers/web/resize?h=24&w=70000", "", 400, "terminal's size");
	expect("DELETE /containers/web", "", 409, "by force");
	expect("DELETE /containers/web?force=1", "", 204, "");
}

static void a_create_request_is_answered_by_an_id(void **state)
{
	(void)state;
	expect("POST /containers/create?name=/x", "{\"Image\":\"debian:13\"}", 201,
	       "{\"Id\":\"" FAKE_WEB "\",\"Warnings\":[]}");
	assert_string_equal(fake_asked.name, "x");
	expect("POST /containers/create", "{\"Image\":\"none\"}", 404, "No such image: none");
	expect("POST /containers/create?name=web", "{\"Image\":\"debian:13\"}", 409,
	       "is already in use");
	expect("POST /containers/create", "", 400, "the body is empty");
	expect("POST /containers/create", "{\"Image\":", 400, "parse create request");
	expect("POST /containers/create", "{\"Image\":\"a\",\"Image\":\"b\"}", 400,
	       "create request");
	expect("POST /containers/create", "{\"Image\":7}", 400, "Image");
}

static void lists_are_filtered(void **state)
{
	(void)state;
	expect("GET /containers/json", "", 200, "\"Names\":[\"/web\"]");
	expect("GET /containers/json?all=1&filters=%7B%22status%22%3A%5B%22exited%22%5D%7D", "",
	       200, "[{\"Id\":\"" FAKE_OLD "\"");
	expect("GET /containers/json?limit=1", "", 200, FAKE_WEB);
	expect("GET /containers/json?filters=%7B%22name%22%3A%5B%22%5Ewe%22%5D%7D", "", 200,
	       FAKE_WEB);
	expect("GET /containers/json?filters=%7B%22name%22%3A%5B%22%5Eeb%22%5D%7D", "", 200,
	       "\r\n\r\n[]");
	expect("GET /containers/json?filters=%7B%22label%22%3A%5B%22role%3Dold%22%5D%7D", "", 200,
	       "\r\n\r\n[]");
	expect("GET /containers/json?filters=%7B%22colour%22%3A%5B%22red%22%5D%7D", "", 400,
	       "invalid filter 'colour'");
	expect("GET /containers/json?all=1&filters=%7B%22ancestor%22%3A%5B%22debian%3A13%22%5D%7D",
	       "", 200, FAKE_OLD);
	expect("POST /containers/prune", "", 200,
	       "{\"ContainersDeleted\":[\"" FAKE_OLD "\"],\"SpaceReclaimed\":1000");
	expect("GET /containers/web/json", "", 200, "\"role\":\"base\"");
	expect("GET /containers/none/json", "", 404, "No such container: none");
}

static void a_wait_sends_its_head_first_and_ends_with_its_client(void **state)
{
	char byte[12];

	(void)state;
	expect("POST /containers/web/wait", "", 200, "{\"StatusCode\":5}");
	expect("POST /containers/web/wait?condition=soon", "", 400, "invalid condition");
	expect("POST /containers/none/wait", "", 404, "No such container");
	/* the fixture could not stop if the hang-up did not end it */
	auto_close int fd = ask("POST /containers/web/wait?condition=next-exit", NULL, "");
	assert_int_equal(read_full(fd, byte, sizeof(byte)), sizeof(byte));
	assert_memory_equal(byte, "HTTP/1.1 200", sizeof(byte));
}

static void logs_are_framed_and_stamped_line_by_line(void **state)
{
	(void)state;
	expect("GET /containers/web/logs?stdout=1&stderr=1", "", 200, "\1~~~~~~\4one ");
	expect("GET /containers/web/logs?stdout=1&stderr=1", "", 200, "\2~~~~~~\4bad\n");
	expect("GET /containers/web/logs?stdout=1&timestamps=1", "", 200,
	       "2023-11-14T22:13:20.000000000Z one ");
	expect("GET /containers/web/logs?stdout=1&timestamps=1", "", 200, "\1~~~~~~\5line\n");
	expect("GET /containers/web/logs?stderr=1&tail=3&since=17&follow=1", "", 200,
	       "vnd.docker.multiplexed-stream");
	assert_int_equal(fake_asked.query.tail, 3);
	assert_int_equal(fake_asked.query.since_ns, 17000000000);
	assert_true(fake_asked.query.follow && fake_asked.query.std_err &&
		    !fake_asked.query.std_out);
	expect("GET /containers/web/logs?stdout=1&tail=all", "", 200, "");
	expect("GET /containers/web/logs?stderr=1&details=1&timestamps=1", "", 200,
	       "2023-11-14T22:13:21.000000000Z owner=the+team,tag=a%2Fb bad\n");
	assert_int_equal(fake_asked.query.tail, -1);
	expect("GET /containers/web/logs", "", 400, "at least one stream");
	expect("GET /containers/web/logs?stdout=1&tail=x", "", 400, "'tail'");
	expect("GET /containers/web/logs?stdout=1&since=x", "", 400, "'since'");
	expect("GET /v1.41/containers/web/logs?stdout=1", "", 200, "vnd.docker.raw-stream");
}

/* ---- Streams -------------------------------------------------------------------------------- */

#define UPGRADE "Upgrade: tcp\r\n"

static void attaching_upgrades_or_streams_the_output(void **state)
{
	(void)state;
	auto_close int upgraded =
		ask("POST /containers/web/attach?stream=1&stdin=1&stdout=1", UPGRADE, "");
	expect_of(upgraded, "attach", 101, "\r\n\r\n\1~~~~~~\5hello");
	expect("POST /containers/web/attach?stream=1&stdout=1", "", 200, "\1~~~~~~\5hello");
	expect("POST /containers/web/attach?stream=1&stdin=1&stdout=1", "", 200,
	       "multiplexed-stream\r\n\r\n\1~~~~~~\5hello");
	auto_close int keys =
		ask("POST /containers/web/attach?stream=1&detachKeys=bogus", UPGRADE, "");
	expect_of(keys, "attach", 400, "Invalid escape keys (bogus) provided");
	auto_close int none = ask("POST /containers/none/attach?stream=1", UPGRADE, "");
	expect_of(none, "attach", 404, "No such container: none");
}

static void exec_sessions_are_created_started_and_inspected(void **state)
{
	(void)state;
	expect("POST /containers/web/exec", "{\"Cmd\":[\"sh\"]}", 201, "{\"Id\":\"" FAKE_OLD "\"}");
	expect("POST /containers/none/exec", "{\"Cmd\":[\"sh\"]}", 404, "No such container");
	auto_close int fd = ask("POST /exec/" FAKE_OLD "/start", UPGRADE, "{\"Detach\":false}");
	expect_of(fd, "exec start", 101, "\5hello");
	expect("POST /exec/" FAKE_OLD "/start", "{\"Detach\":true}", 200, "");
	expect("POST /exec/none/start", "{}", 404, "No such exec instance: none");
	expect("POST /exec/" FAKE_OLD "/start", "{\"Detach\":7}", 400, "Detach");
	expect("GET /exec/" FAKE_OLD "/json", "", 200, "\"ContainerID\":\"" FAKE_WEB "\"");
	expect("POST /exec/" FAKE_OLD "/resize?h=1&w=2", "", 200, "");
}

static void a_compound_run_tells_each_step(void **state)
{
	(void)state;
	auto_close int run = ask("POST /berth/run?name=x", UPGRADE,
				 "{\"Image\":\"debian:13\",\"AttachStdout\":true}");
	const char *answer = answer_of(run);
	const char *created = strstr(answer, "{\"created\":\"" FAKE_WEB "\"}");
	const char *output = strstr(answer, "\1~~~~~~\5hello");
	const char *started = strstr(answer, "{\"started\":\"" FAKE_WEB
					     "\",\"timing\":[{\"phase\":\"init\",\"ns\":1000}]}");
	const char *exited = strstr(answer, "\3~~~~~~\n{\"exit\":4}");
	assert_true(created && output && started && exited);
	assert_true(created < output && output < started && started < exited);

	auto_close int exec = ask("POST /berth/instances/web/exec", UPGRADE, "{\"Cmd\":[\"x\"]}");
	expect_of(exec, "exec", 101, "{\"exit\":127,\"error\":\"web: not found\"}");
	expect("POST /berth/run", "{}", 400, "needs the headers");
	auto_close int bad = ask("POST /berth/run", UPGRADE, "{\"AttachStdin\":1}");
	expect_of(bad, "run", 400, "AttachStdin");
}

/* ---- Images --------------------------------------------------------------------------------- */

static void images_are_listed_tagged_and_removed(void **state)
{
	(void)state;
	expect("GET /images/json", "", 200, "\"RepoTags\":[\"debian:13\"]");
	expect("GET /images/json?filters=%7B%22reference%22%3A%5B%22deb*%22%5D%7D", "", 200,
	       FAKE_IMAGE);
	expect("GET /images/json?filters=%7B%22dangling%22%3A%5B%22true%22%5D%7D", "", 200,
	       "\r\n\r\n[]");
	expect("GET /images/debian:13/json", "", 200, "\"Id\":\"" FAKE_IMAGE "\"");
	expect("GET /images/docker.io/me/none:1/json", "", 404,
	       "No such image: docker.io/me/none:1");
	expect("GET /images/debian:13/history", "", 200, "\r\n\r\n[]");
	expect("POST /images/debian:13/tag?repo=me/app&tag=2", "", 201, "");
	assert_string_equal(fake_asked.name, "me/app:2");
	expect("POST /images/debian:13/tag", "", 400, "'repo'");
	expect("DELETE /images/debian:13", "", 409, "conflict");
	expect("DELETE /images/debian:13?force=1", "", 200,
	       "[{\"Untagged\":\"debian:13\"},{\"Deleted\":\"" FAKE_IMAGE "\"}]");
	expect("POST /images/prune", "", 200, "{\"ImagesDeleted\":null,\"SpaceReclaimed\":0}");
	expect("POST /images/prune?filters=%7B%22dangling%22%3A%5B%22false%22%5D%7D", "", 200,
	       "\"SpaceReclaimed\":1000");
}

static void archives_come_and_go_as_streams(void **state)
{
	(void)state;
	expect("POST /images/load", "some bytes", 200,
	       "{\"stream\":\"Loaded image: debian:13\\n\"}");
	assert_int_equal(fake_asked.body_bytes, 10);
	expect("POST /images/load", "bad!", 200, "\"error\":\"");
	expect("GET /images/debian:13/get", "", 200, "archive");
	expect("GET /images/get?names=debian:13&names=" FAKE_IMAGE, "", 200, "archive");
	assert_int_equal(fake_asked.saved, 2);
	expect("GET /images/get?names=none", "", 404, "No such image: none");
	expect("GET /images/get", "", 400, "'names'");
	expect("POST /images/create?fromSrc=-&repo=me/app&tag=1&changes=USER%20www", "tar", 200,
	       "{\"status\":\"" FAKE_IMAGE "\"}");
	assert_string_equal(fake_asked.name, "me/app:1 www");
	expect("POST /images/create?fromSrc=-&changes=RUN%20x", "tar", 400, "valid change");
	expect("POST /images/create?fromSrc=http://x/", "", 400, "fromSrc");
}

static void a_pull_that_fails_early_has_a_status_and_later_a_message(void **state)
{
	(void)state;
	expect("POST /images/create?fromImage=debian&tag=13", "", 200,
	       "{\"status\":\"Pulling from library/debian\",\"id\":\"13\"}");
	expect("POST /images/create?fromImage=debian&tag=13", "", 200,
	       "\"progressDetail\":{\"current\":500000,\"total\":1000000}");
	expect("POST /images/create?fromImage=debian&tag=13", "", 200,
	       "Status: Downloaded newer image for debian:13");
	expect("POST /images/create?fromImage=debian", "", 200, "image for debian:12");
	expect("POST /images/create?fromImage=missing&tag=1", "", 404, "manifest unknown");
	expect("POST /images/create?fromImage=private&tag=1", "", 404,
	       "pull access denied for private, repository does not exist or may require");
	expect("POST /images/create?fromImage=broken&tag=1", "", 200,
	       "\"error\":\"the connection broke\"");
	expect("POST /images/create?fromImage=Bad&tag=1", "", 400, "");
	auto_close int fd =
		ask("POST /images/create?fromImage=debian&tag=13", "X-Registry-Auth: %%%\r\n", "");
	expect_of(fd, "pull", 400, "");
}

static void a_push_tells_everything_by_messages(void **state)
{
	(void)state;
	expect("POST /images/debian/push?tag=13", "", 200,
	       "\"aux\":{\"Tag\":\"13\",\"Digest\":\"" FAKE_IMAGE "\",\"Size\":528}");
	expect("POST /images/debian/push", "", 200, "13: digest: " FAKE_IMAGE " size: 528");
	expect("POST /images/other/push?tag=1", "", 200,
	       "\"error\":\"An image does not exist locally");
}

static void a_login_is_accepted_or_refused(void **state)
{
	(void)state;
	expect("POST /auth", "{\"username\":\"me\",\"password\":\"right\"}", 200,
	       "Login Succeeded");
	expect("POST /auth", "{\"username\":\"me\",\"password\":\"wrong\"}", 401, "incorrect");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_client_learns_the_version_by_a_ping),
		TEST(files_are_told_by_a_header_and_sent_as_they_come),
		TEST(a_commit_takes_its_body_and_then_its_changes),
		TEST(use_is_told_in_dockers_shapes),
		TEST(verbs_answer_with_dockers_statuses),
		TEST(a_create_request_is_answered_by_an_id),
		TEST(lists_are_filtered),
		TEST(a_wait_sends_its_head_first_and_ends_with_its_client),
		TEST(logs_are_framed_and_stamped_line_by_line),
		TEST(attaching_upgrades_or_streams_the_output),
		TEST(exec_sessions_are_created_started_and_inspected),
		TEST(a_compound_run_tells_each_step),
		TEST(images_are_listed_tagged_and_removed),
		TEST(archives_come_and_go_as_streams),
		TEST(a_pull_that_fails_early_has_a_status_and_later_a_message),
		TEST(a_push_tells_everything_by_messages),
		TEST(a_login_is_accepted_or_refused),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
