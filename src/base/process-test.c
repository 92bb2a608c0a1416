/* SPDX-License-Identifier: Apache-2.0 */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/test.h"

static void output_and_status_are_collected(void **state)
{
	(void)state;
	char *argv[] = { "/bin/sh", "-c", "echo out; echo err >&2; exit 7", NULL };
	auto_strbuf output = STRBUF_INIT(1000);
	struct error err = {};

	assert_int_equal(process_run(argv, 10000, &output, &err), 7);
	assert_string_equal(strbuf_text(&output), "out\nerr\n");
	char *killed[] = { "/bin/sh", "-c", "kill -9 $$", NULL };
	assert_int_equal(process_run(killed, 10000, NULL, &err), 128 + 9);
}

static void a_program_past_its_deadline_is_killed(void **state)
{
	(void)state;
	struct error err = {};
	char *sleeper[] = { "/bin/sleep", "100", NULL };
	/* closing the output does not escape the deadline */
	char *quiet[] = { "/bin/sh", "-c", "exec >/dev/null 2>&1 sleep 100", NULL };
	int64_t start = clock_monotonic();

	assert_int_equal(process_run(sleeper, 50, NULL, &err), -ETIMEDOUT);
	assert_int_equal(process_run(quiet, 50, NULL, &err), -ETIMEDOUT);
	assert_true(clock_monotonic() - start < 10 * NSEC_PER_SEC);
}

static void a_missing_program_is_named(void **state)
{
	(void)state;
	char *argv[] = { "/no/such/program", NULL };
	struct error err = {};

	assert_int_equal(process_run(argv, 1000, NULL, &err), -ENOENT);
	assert_string_equal(err.text, "run /no/such/program: No such file or directory");
}

static void a_child_gets_the_named_descriptors_and_no_other(void **state)
{
	(void)state;
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	auto_close int leaked = fcntl(ends[0], F_DUPFD, 50);
	assert_true(leaked >= 0);
	auto_close int reader = ends[0];
	auto_close int writer = ends[1];

	/* numbers that cross each other: 3 and 4 are sources and targets at once */
	const struct process_fd fds[] = { { writer, reader }, { reader, writer }, { writer, 1 } };
	char *argv[] = { "/bin/sh", "-c", "for f in /proc/self/fd/*; do echo ${f##*/}; done",
			 NULL };
	pid_t pid;
	struct error err = {};
	assert_int_equal(process_spawn(argv[0], argv, NULL, fds, ARRAY_SIZE(fds), &pid, &err), 0);
	close_p(&writer);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);

	char text[256];
	ssize_t n = read_full(reader, text, sizeof(text) - 1);
	assert_true(n > 0);
	text[n] = '\0';
	char unwanted[16];
	(void)snprintf(unwanted, sizeof(unwanted), "\n%d\n", leaked);
	assert_null(strstr(text, unwanted));
	assert_non_null(strstr(text, "0\n1\n2\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_and_status_are_collected),
		cmocka_unit_test(a_program_past_its_deadline_is_killed),
		cmocka_unit_test(a_missing_program_is_named),
		cmocka_unit_test(a_child_gets_the_named_descriptors_and_no_other),
	};

	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
