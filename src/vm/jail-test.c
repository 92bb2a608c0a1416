/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/jail.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/strbuf.h"
#include "base/test.h"

#define UID 0x6f00abcdu
#define OUTPUT_MAX 65536

static pid_t start(const char *program, char *const *argv, int *ret_pidfd, int log_fd,
		   struct error *err)
{
	const struct jail jail = { .program = program, .argv = argv, .uid = UID, .log_fd = log_fd };
	return jail_start(&jail, ret_pidfd, err);
}

static void reap(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void what_has_no_seccomp_filter_is_not_locked_in(void **state)
{
	(void)state;
	char *const argv[] = { (char *)"sleep", (char *)"100", NULL };
	auto_close int pidfd = -1;
	struct error err = { 0 };
	pid_t pid = start("/usr/bin/sleep", argv, &pidfd, -1, &err);
	assert_true(pid > 0);
	assert_int_equal(jail_verify(pid, UID, &err), -EPERM);
	assert_string_equal(err.text, "the program runs without a seccomp sandbox");
	assert_int_equal(jail_verify(pid, UID + 1, &err), -EPERM);
	assert_string_equal(err.text, "the program runs without a user of its own");
	reap(pid);
	assert_int_equal(jail_verify(getpid(), 0, &err), -EPERM);
}

static void a_program_sees_an_empty_root_and_no_environment(void **state)
{
	(void)state;
	char *const argv[] = { (char *)"sh", (char *)"-c",
			       (char *)"{ ls -A / /dev /etc; env; cat /etc/shadow; touch /x; } >&2",
			       NULL };
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	auto_close int pidfd = -1;
	struct error err = { 0 };
	pid_t pid = start("/usr/bin/sh", argv, &pidfd, ends[1], &err);
	assert_true(pid > 0);
	assert_int_equal(close(ends[1]), 0);
	auto_strbuf seen = STRBUF_INIT(OUTPUT_MAX);
	assert_int_equal(read_file_fd(ends[0], "pipe", OUTPUT_MAX, &seen, &err), 0);
	assert_int_equal(close(ends[0]), 0);
	const char *text = strbuf_text(&seen);
	assert_null(strstr(text, "root\n"));
	assert_null(strstr(text, "HOME="));
	assert_non_null(strstr(text, "/dev:\nnull\n"));
	assert_non_null(strstr(text, "/etc:\nld.so.cache\n"));
	assert_non_null(strstr(text, "/etc/shadow: No such file"));
	assert_non_null(strstr(text, "Read-only file system"));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_program_that_is_not_there_is_named(void **state)
{
	(void)state;
	char *const argv[] = { (char *)"none", NULL };
	auto_close int pidfd = -1;
	struct error err = { 0 };
	assert_int_equal(start("/usr/bin/no-such-qemu", argv, &pidfd, -1, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/usr/bin/no-such-qemu"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_has_no_seccomp_filter_is_not_locked_in),
		cmocka_unit_test(a_program_sees_an_empty_root_and_no_environment),
		cmocka_unit_test(a_program_that_is_not_there_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
