/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/test.h"
#include "engine/options.h"

static void a_state_folder_has_one_engine(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	auto_free char *path = xstrdup(test_dir_path(dir));
	auto_close int first = service_lock(path, NULL);
	assert_true(first >= 0);
	struct error err = {};
	assert_int_equal(service_lock(path, &err), -EBUSY);
	assert_non_null(strstr(err.text, "another engine uses"));
	close_p(&first);
	auto_close int second = service_lock(path, NULL);
	assert_true(second >= 0);
}

static void the_socket_is_for_owner_and_group_only(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	auto_engine_options options = { .ready_fd = -1 };
	options.socket = xasprintf("%s/sub/api.sock", test_dir_path(dir));
	bool activated = true;
	auto_close int fd = service_listen(&options, &activated, NULL);
	assert_true(fd >= 0);
	assert_false(activated);
	struct stat st;
	assert_int_equal(stat(options.socket, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	auto_close int client = unix_connect(options.socket, SOCK_STREAM, NULL);
	assert_true(client >= 0);
}

static void a_socket_meant_for_another_process_is_not_taken(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	auto_engine_options options = { .ready_fd = -1 };
	options.socket = xasprintf("%s/api.sock", test_dir_path(dir));
	assert_int_equal(setenv("LISTEN_PID", "1", 1), 0);
	assert_int_equal(setenv("LISTEN_FDS", "1", 1), 0);
	bool activated = true;
	auto_close int fd = service_listen(&options, &activated, NULL);
	assert_true(fd >= 0);
	assert_false(activated);
	assert_null(getenv("LISTEN_FDS"));
}

static void readiness_is_told_to_systemd_and_to_who_waits(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	auto_free char *path = xasprintf("%s/notify", test_dir_path(dir));
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	assert_true(strlen(path) < sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path));
	auto_close int systemd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(systemd, (struct sockaddr *)&address, sizeof(address)), 0);

	int ends[2];
	assert_int_equal(pipe(ends), 0);
	auto_engine_options options = { .ready_fd = ends[1] };
	assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
	service_ready(&options);
	assert_int_equal(options.ready_fd, -1);
	char datagram[16] = "";
	assert_int_equal(recv(systemd, datagram, sizeof(datagram), 0), 7);
	assert_string_equal(datagram, "READY=1");
	char word[16] = "";
	assert_int_equal(read_full(ends[0], word, sizeof(word)), 5);
	assert_string_equal(word, "ready");
	close_p(&ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_state_folder_has_one_engine),
		cmocka_unit_test(the_socket_is_for_owner_and_group_only),
		cmocka_unit_test(a_socket_meant_for_another_process_is_not_taken),
		cmocka_unit_test(readiness_is_told_to_systemd_and_to_who_waits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
