/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/test.h"

static void a_file_is_replaced_whole_and_read_back(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	struct error err = {};
	auto_strbuf text = STRBUF_INIT(100);

	test_write(dir, "f", "old content");
	assert_int_equal(write_file_at(dir, "f", "new", 3, 0600, true, &err), 0);
	assert_int_equal(read_file_at(dir, "f", 3, &text, &err), 0);
	assert_string_equal(strbuf_text(&text), "new");
	struct stat st;
	assert_int_equal(fstatat(dir, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_file_longer_than_allowed_is_refused(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	struct error err = {};
	auto_strbuf text = STRBUF_INIT(100);

	test_write(dir, "f", "12345");
	assert_int_equal(read_file_at(dir, "f", 4, &text, &err), -EFBIG);
	assert_int_equal(read_file_at(dir, "none", 4, &text, &err), -ENOENT);
	assert_string_equal(err.text, "open none: No such file or directory");
}

static void descriptors_cross_a_socket(void **state)
{
	(void)state;
	int pair[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	auto_close int a = pair[0];
	auto_close int b = pair[1];
	auto_close int memory = fd_memory("test", "content", 7);
	assert_true(memory >= 0);

	assert_int_equal(fd_send(a, "x", 1, &memory, 1), 1);
	char data[8];
	int fds[2] = { -1, -1 };
	size_t count = 0;
	assert_int_equal(fd_recv(b, data, sizeof(data), fds, 2, &count), 1);
	assert_int_equal(count, 1);
	auto_close int got = fds[0];
	assert_true(fcntl(got, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(read(got, data, sizeof(data)), 7);
	assert_memory_equal(data, "content", 7);
	assert_true(write(got, "y", 1) < 0);
}

static void more_descriptors_than_expected_are_closed_and_refused(void **state)
{
	(void)state;
	int pair[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	auto_close int a = pair[0];
	auto_close int b = pair[1];
	int two[2] = { a, b };
	char data[8];
	int fds[1] = { -1 };
	size_t count = 0;

	auto_close int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fd_send(a, "x", 1, two, 2), 1);
	assert_int_equal(fd_recv(b, data, sizeof(data), fds, 1, &count), -EMSGSIZE);
	auto_close int after = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(after, next + 1);
	/* a message that is longer than the buffer is no message either */
	assert_int_equal(fd_send(a, "123456789", 9, NULL, 0), 9);
	assert_int_equal(fd_recv(b, data, sizeof(data), fds, 1, &count), -EMSGSIZE);
}

static void a_socket_path_may_be_longer_than_sun_path(void **state)
{
	(void)state;
	auto_test_dir int dir = test_dir();
	struct error err = {};
	char name[150];
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(mkdirat(dir, name, 0700), 0);
	auto_free char *path = xasprintf("%s/%s/sock", test_dir_path(dir), name);

	for (int i = 0; i < 2; i++) {
		auto_close int listener = unix_listen(path, SOCK_STREAM, 0660, &err);
		assert_true(listener >= 0);
		struct stat st;
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0660);
		auto_close int client = unix_connect(path, SOCK_STREAM, &err);
		assert_true(client >= 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_replaced_whole_and_read_back),
		cmocka_unit_test(a_file_longer_than_allowed_is_refused),
		cmocka_unit_test(descriptors_cross_a_socket),
		cmocka_unit_test(more_descriptors_than_expected_are_closed_and_refused),
		cmocka_unit_test(a_socket_path_may_be_longer_than_sun_path),
	};

	return cmocka_run_group_tests_name("fd", tests, NULL, NULL);
}
