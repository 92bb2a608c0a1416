/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/vm-watch.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "keeper/vm-process.h"
#include "vm/channel.h"
#include "vm/guest-protocol.h"

#define PING_NS NSEC_PER_SEC
#define PONG_LIMIT_NS (3500 * NSEC_PER_MSEC)
#define START_LIMIT_NS (4500 * NSEC_PER_MSEC)
#define END_LIMIT_NS (4 * NSEC_PER_SEC)
/* A question is first looked at after this time: most are answered by then. */
#define LOOK_NS NSEC_PER_SEC
/* What has come while the keeper itself waited for a processor is taken before a verdict. */
#define SECOND_LOOK_NS (100 * NSEC_PER_MSEC)
#define PERIOD_US 100000

static void ask(struct vm_watch *w, enum vm_watch_kind kind, const char *awaited, int64_t limit_ns)
{
	w->questions[kind] = (struct vm_question){
		.awaited = awaited,
		.asked_ns = clock_monotonic(),
		.limit_ns = limit_ns,
		.starved_ns = -1,
	};
}

static bool is_counted(const struct vm_watch *w, size_t kind)
{
	return w->questions[kind].awaited && (kind == WATCH_END || !w->frozen);
}

/* How long a question may still be open; not above 0 where its time is over. */
static int64_t time_left(const struct vm_watch *w, struct vm_question *q, int64_t now_ns)
{
	int64_t age_ns = now_ns - q->asked_ns;
	if (q->starved_ns < 0) {
		if (age_ns < LOOK_NS)
			return LOOK_NS - age_ns;
		q->starved_ns = vm_process_starved(w->process);
	}
	if (age_ns < q->limit_ns)
		return q->limit_ns - age_ns;
	int64_t starved_ns = vm_process_starved(w->process) - q->starved_ns;
	if (starved_ns > q->limit_ns * WATCH_PATIENCE)
		starved_ns = q->limit_ns * WATCH_PATIENCE;
	return q->limit_ns + starved_ns - age_ns;
}

static void set_timer(struct vm_watch *w, int64_t left_ns)
{
	struct itimerspec at = { .it_value = { .tv_sec = left_ns / NSEC_PER_SEC,
					       .tv_nsec = left_ns % NSEC_PER_SEC } };
	(void)timerfd_settime(w->timer.fd, 0, &at, NULL);
}

/* Sets the timer to what comes first, or to nothing. */
static void arm(struct vm_watch *w)
{
	int64_t now_ns = clock_monotonic(), first_ns = 0;
	for (size_t i = 0; i < WATCH_KINDS; i++) {
		if (!is_counted(w, i))
			continue;
		int64_t left_ns = time_left(w, &w->questions[i], now_ns);
		left_ns = left_ns > 0 ? left_ns : SECOND_LOOK_NS;
		if (first_ns == 0 || left_ns < first_ns)
			first_ns = left_ns;
	}
	if (w->ping_ns && !w->frozen) {
		int64_t left_ns = w->ping_ns > now_ns ? w->ping_ns - now_ns : 1;
		if (first_ns == 0 || left_ns < first_ns)
			first_ns = left_ns;
	}
	set_timer(w, first_ns);
}

static void send_ping(struct vm_watch *w)
{
	const struct guest_ping m = { .realtime_ns = clock_now() };
	auto_strbuf out = STRBUF_INIT(64);
	guest_ping_encode(&m, &out);
	w->ping_ns = 0;
	w->pinged = true;
	ask(w, WATCH_ANSWER, "PONG", PONG_LIMIT_NS);
	(void)!channel_send(w->channel, GUEST_PING, 0, out.data, out.len);
	w->queued(w);
}

static void timer_ready(struct source *source, uint32_t events)
{
	struct vm_watch *w = container_of(source, struct vm_watch, timer);
	int64_t now_ns = clock_monotonic();
	uint64_t count;
	(void)events;
	if (read(source->fd, &count, sizeof(count)) < 0)
		return;
	for (size_t i = 0; i < WATCH_KINDS; i++) {
		struct vm_question *q = &w->questions[i];
		struct error why = { 0 };
		if (!is_counted(w, i) || time_left(w, q, now_ns) > 0)
			continue;
		if (!q->overdue) {
			q->overdue = true;
			continue;
		}
		error_say(&why, ETIMEDOUT, "the guest has been silent: no %s within %lld ms",
			  q->awaited, (long long)((now_ns - q->asked_ns) / NSEC_PER_MSEC));
		vm_watch_end(w);
		w->silent(w, &why);
		return;
	}
	if (w->ping_ns && !w->frozen && w->ping_ns <= now_ns)
		send_ping(w);
	arm(w);
}

int vm_watch_start(struct vm_watch *w, struct loop *loop, struct channel *channel,
		   const struct vm_process *process, int64_t quota, struct error *err)
{
	w->channel = channel;
	w->process = process;
	w->timer.events = EPOLLIN;
	w->timer.ready = timer_ready;
	w->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (w->timer.fd < 0)
		return error_set(err, errno, "make a timer");
	/* A start is work: a machine that gets a part of a processor takes so much longer. */
	bool slow = quota > 0 && quota < PERIOD_US;
	ask(w, WATCH_ANSWER, "STARTED", slow ? START_LIMIT_NS * PERIOD_US / quota : START_LIMIT_NS);
	int rc = loop_add(loop, &w->timer, err);
	if (rc == 0)
		arm(w);
	return rc;
}

void vm_watch_started(struct vm_watch *w)
{
	w->questions[WATCH_ANSWER].awaited = NULL;
	w->ping_ns = clock_monotonic() + PING_NS;
	arm(w);
}

int vm_watch_pong(struct vm_watch *w)
{
	if (!w->pinged)
		return -EBADMSG;
	w->pinged = false;
	vm_watch_started(w);
	return 0;
}

void vm_watch_killed(struct vm_watch *w)
{
	if (w->timer.fd < 0 || w->questions[WATCH_END].awaited)
		return;
	ask(w, WATCH_END, "end of the process that was killed", END_LIMIT_NS);
	arm(w);
}

void vm_watch_freeze(struct vm_watch *w, bool frozen)
{
	struct vm_question *q = &w->questions[WATCH_ANSWER];
	w->frozen = frozen;
	/* An answer that was awaited before is awaited from now on, and then PINGs go on. */
	if (!frozen && q->awaited) {
		q->asked_ns = clock_monotonic();
		q->starved_ns = -1;
		q->overdue = false;
	} else if (!frozen) {
		w->ping_ns = clock_monotonic();
	}
	arm(w);
}

void vm_watch_end(struct vm_watch *w)
{
	loop_remove(&w->timer);
	close_p(&w->timer.fd);
	w->timer.fd = -1;
}
