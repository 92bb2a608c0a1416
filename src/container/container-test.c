/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/strbuf.h"
#include "base/strv.h"
#include "base/test.h"
#include "container/plan.h"
#include "container/test-world.h"
#include "sys/cgroup.h"
#include "sys/process-fd.h"

/*
 * Starts real containers from a folder that holds nothing but a static busybox, without an engine.
 * Needs root and busybox-static; without them every test is skipped by name.
 */

#define OUTPUT_MAX 65536

struct result {
	int r;         /* of the start */
	int exit_code; /* of the program, or of the failed start */
	int signal;
	struct error err;
	struct strbuf output;
};

static void result_done(struct result *res)
{
	strbuf_done(&res->output);
}
#define auto_result auto_(result_done) struct result

/* Waits for the end of a process, then takes its status. */
static void await(int pidfd, struct result *res)
{
	assert_int_equal(pidfd_wait_end(pidfd, 10000), 0);
	assert_int_equal(pidfd_reap(pidfd, &res->exit_code, &res->signal), 0);
}

/* Runs the plan to its end; the output of both streams comes together. */
static void run(struct world *w, struct result *res)
{
	*res = (struct result){ .output = STRBUF_INIT(OUTPUT_MAX) };
	int out[2];
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	struct container_streams streams = { { -1, out[1], out[1] } };
	auto_container_process p = CONTAINER_PROCESS_NONE;
	auto_container *c = NULL;
	assert_int_equal(fchown(out[1], WORLD_ID_BASE, WORLD_ID_BASE), 0);
	res->r = container_start(w->plan, w->fds, &streams, &p, &c, &res->err);
	(void)close(out[1]);
	res->exit_code = p.exit_code;
	if (res->r == 0) {
		struct error err;
		assert_int_equal(read_file_fd(out[0], "output", OUTPUT_MAX, &res->output, &err), 0);
		await(p.pidfd, res);
		if (container_end(c, &err) < 0)
			fail_msg("%s", err.text);
	}
	(void)close(out[0]);
}

/* As run(), for what must have started; shows why where it did not. */
static void run_well(struct world *w, struct result *res)
{
	run(w, res);
	if (res->r < 0)
		fail_msg("%s", res->err.text);
}

#define assert_output(res, text) assert_string_equal(strbuf_text(&(res)->output), text)

static void a_program_runs_and_its_status_comes_back(void **state)
{
	(void)state;
	auto_world w;
	auto_result res;
	world_init(&w, "echo hello; exit 7");
	run_well(&w, &res);
	assert_output(&res, "hello\n");
	assert_int_equal(res.exit_code, 7);
}

static void no_control_group_is_left(void **state)
{
	(void)state;
	auto_world w;
	auto_result res;
	world_init(&w, "true");
	run_well(&w, &res);
	assert_false(world_cgroup_left(w.cgroup));
	w.plan->cwd = "/etc/passwd";
	run(&w, &res);
	assert_int_not_equal(res.r, 0);
	assert_false(world_cgroup_left(w.cgroup));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_runs_and_its_status_comes_back),
		cmocka_unit_test(no_control_group_is_left),
	};
	return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
