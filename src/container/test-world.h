/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strbuf.h"
#include "base/test.h"
#include "container/plan/plan.h"

/**
 * DOC: Worlds for tests that start real containers, without an engine
 *
 * A world is a private folder with an upper layer (passwd and group), a state folder, and a plan of
 * `sh -c SCRIPT` under the usual sandbox: user namespace, overlay, masked paths, a control group.
 * Below lies a layer with nothing but a static busybox, made once by a group's setup. Tests change
 * the plan as they like. They need root and busybox-static; without them the program is skipped.
 */

#define WORLD_ID_BASE 0x71000000u

struct world {
	int dir;    /* private folder of the test */
	int fds[4]; /* 0: upper layer, 1: state folder, 2: layer with busybox, 3: for the test */
	struct plan *plan;
	char cgroup[64];
};

/* What became of a plan. */
struct result {
	int r;         /* of the start */
	int exit_code; /* of the program, or of the failed start */
	int signal;
	struct error err;
	struct strbuf output; /* of both streams together */
};

void result_done(struct result *res);
#define auto_result auto_(result_done) struct result

/* Runs the plan to its end. */
void world_run(struct world *w, struct result *res);
/* The same for what must start; fails the test with the reason where it does not. */
void world_run_well(struct world *w, struct result *res);

#define assert_output(res, text) assert_string_equal(strbuf_text(&(res)->output), text)

/* For cmocka_run_group_tests(). */
int world_group_setup(void **state);
int world_group_teardown(void **state);

void world_init(struct world *w, const char *script);
void world_done(struct world *w);
#define auto_world auto_(world_done) struct world

/* A plan of `sh -c SCRIPT` without a root, for an exec. */
struct plan *world_exec_plan(const char *script);
/* Replaces the program and its arguments; NULL ends them early. */
void world_args(struct plan *p, const char *a, const char *b, const char *c);
/* userns=host: everything else as it was. */
void world_host_user(struct world *w);
/* Adds options, separated by commas, to a mount. */
void world_options(struct plan *p, struct plan_mount *m, const char *text);

/* True where a control group of this path is left in any hierarchy. */
bool world_cgroup_left(const char *path);
