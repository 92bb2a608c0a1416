/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/vm-watch.h"

#include <errno.h>

#include "base/clock.h"
#include "base/test.h"
#include "keeper/vm-process.h"
#include "vm/channel.h"

#define PING_MS 1000
#define LATE_MS 10000

struct world {
	struct loop *loop;
	struct channel channel;
	struct vm_process process;
	struct vm_watch watch;
	int pings;
	int silences;
};

static void ping_queued(struct vm_watch *w)
{
	container_of(w, struct world, watch)->pings++;
}

static void guest_silent(struct vm_watch *w, const struct error *why)
{
	assert_int_equal(why->code, -ETIMEDOUT);
	container_of(w, struct world, watch)->silences++;
}

static void world_init(struct world *w)
{
	struct error err = { 0 };
	*w = (struct world){
		.process = VM_PROCESS_NONE,
		.watch = { .timer.fd = -1, .queued = ping_queued, .silent = guest_silent }
	};
	w->loop = loop_new(&err);
	assert_non_null(w->loop);
	channel_init(&w->channel, -1, 1 << 20);
	assert_int_equal(vm_watch_start(&w->watch, w->loop, &w->channel, &w->process, 0, &err), 0);
}

static void world_done(struct world *w)
{
	vm_watch_end(&w->watch);
	vm_watch_end(&w->watch);
	channel_done(&w->channel);
	loop_free(w->loop);
}
#define auto_world auto_(world_done) struct world

/* Turns the loop until a PING or a silence came, or the time is over. */
static void wait_for_news(struct world *w, int timeout_ms)
{
	struct error err;
	int64_t end_ns = clock_monotonic() + timeout_ms * NSEC_PER_MSEC;
	int before = w->pings + w->silences;
	while (w->pings + w->silences == before) {
		int64_t left_ms = (end_ns - clock_monotonic()) / NSEC_PER_MSEC;
		if (left_ms <= 0)
			return;
		assert_int_equal(loop_turn(w->loop, (int)left_ms + 1, &err), 0);
	}
}

static void a_pong_is_taken_once_for_each_ping(void **state)
{
	(void)state;
	auto_world w;
	world_init(&w);
	assert_int_equal(vm_watch_pong(&w.watch), -EBADMSG);
	vm_watch_started(&w.watch);
	assert_int_equal(vm_watch_pong(&w.watch), -EBADMSG);
	wait_for_news(&w, LATE_MS);
	assert_int_equal(w.pings, 1);
	assert_true(channel_queued(&w.channel) > 0);
	assert_int_equal(vm_watch_pong(&w.watch), 0);
	assert_int_equal(vm_watch_pong(&w.watch), -EBADMSG);
}

static void a_paused_machine_is_asked_nothing_until_it_goes_on(void **state)
{
	(void)state;
	auto_world w;
	world_init(&w);
	vm_watch_started(&w.watch);
	vm_watch_freeze(&w.watch, true);
	wait_for_news(&w, PING_MS + 100);
	assert_int_equal(w.pings, 0);
	vm_watch_freeze(&w.watch, false);
	wait_for_news(&w, LATE_MS);
	assert_int_equal(w.pings, 1);
	assert_int_equal(w.silences, 0);
}

static void a_start_that_is_not_answered_is_silence(void **state)
{
	(void)state;
	auto_world w;
	world_init(&w);
	wait_for_news(&w, LATE_MS);
	assert_int_equal(w.pings, 0);
	assert_int_equal(w.silences, 1);
	assert_int_equal(w.watch.timer.fd, -1);
	/* What comes later finds nothing that watches. */
	vm_watch_killed(&w.watch);
	vm_watch_freeze(&w.watch, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pong_is_taken_once_for_each_ping),
		cmocka_unit_test(a_paused_machine_is_asked_nothing_until_it_goes_on),
		cmocka_unit_test(a_start_that_is_not_answered_is_silence),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
