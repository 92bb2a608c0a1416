/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/manager-internal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/alloc.h"

struct instance_wait {
	struct manager *m;
	struct record *r;
	enum wait_condition condition;
	int event_fd;
	/* guarded by the roster's lock */
	bool done;
	int exit_code;
	char error[ERROR_TEXT];
	struct instance_wait *next;
};

static void note_exit(struct instance_wait *wait, const struct record *r)
{
	wait->exit_code = r->exit_code;
	memcpy(wait->error, r->error, sizeof(wait->error));
}

static void answer(struct instance_wait *wait)
{
	wait->done = true;
	(void)eventfd_write(wait->event_fd, 1);
}

void waits_exit(struct record *r, bool will_restart)
{
	for (struct instance_wait *w = r->waits; w; w = w->next) {
		if (w->done)
			continue;
		note_exit(w, r);
		if (w->condition == WAIT_NEXT_EXIT || w->condition == WAIT_NOT_RUNNING ||
		    (w->condition == WAIT_AT_REST && !will_restart))
			answer(w);
	}
}

void waits_removed(struct record *r)
{
	for (struct instance_wait *w = r->waits; w; w = w->next)
		if (!w->done)
			answer(w);
}

static bool runs(const struct record *r)
{
	return state_has_keeper(r->state) || r->state == STATE_RESTARTING;
}

struct instance_wait *wait_begin(struct manager *m, struct record *r, enum wait_condition condition)
{
	struct instance_wait *wait = xnew(struct instance_wait);

	*wait = (struct instance_wait){
		.m = m,
		.r = record_ref(r),
		.condition = condition,
		.event_fd = eventfd(0, EFD_CLOEXEC),
	};
	auto_roster held = roster_lock(&m->roster);
	note_exit(wait, r);
	bool rests = condition == WAIT_NOT_RUNNING || condition == WAIT_AT_REST;
	if (r->removed || (rests && !runs(r)))
		answer(wait);
	wait->next = r->waits;
	r->waits = wait;
	return wait;
}

int wait_fd(const struct instance_wait *wait)
{
	return wait->event_fd;
}

void wait_free(struct instance_wait *wait)
{
	{
		auto_roster held = roster_lock(&wait->m->roster);
		struct instance_wait **at = &wait->r->waits;
		while (*at && *at != wait)
			at = &(*at)->next;
		if (*at)
			*at = wait->next;
	}
	record_unref(wait->r);
	close_p(&wait->event_fd);
	free(wait);
}

int manager_wait_prepare(struct manager *m, const char *ref, enum wait_condition condition,
			 struct instance_wait **ret, struct error *err)
{
	auto_record *r = NULL;
	int result = roster_find(&m->roster, ref, &r, err);
	if (result < 0)
		return result;

	struct instance_wait *wait = wait_begin(m, r, condition);
	if (wait->event_fd < 0) {
		wait_free(wait);
		return error_set(err, EMFILE, "wait for container %s", r->id);
	}
	*ret = wait;
	return 0;
}

int manager_wait_finish(struct instance_wait *wait, int cancel_fd, char *ret_error)
{
	struct pollfd fds[] = {
		{ .fd = wait->event_fd, .events = POLLIN },
		{ .fd = cancel_fd, .events = POLLRDHUP },
	};
	int n;

	do
		n = poll(fds, ARRAY_SIZE(fds), -1);
	while (n < 0 && errno == EINTR);

	int result = -ECANCELED;
	if (fds[0].revents) {
		auto_roster held = roster_lock(&wait->m->roster);
		result = wait->exit_code;
		if (ret_error)
			memcpy(ret_error, wait->error, ERROR_TEXT);
	}
	wait_free(wait);
	return result;
}
