/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/manager-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "sys/cgroup.h"
#include "sys/process-fd.h"

#define KILL_TIMEOUT_MS 5000
#define CLEAR_TIMEOUT_NS (10 * NSEC_PER_SEC)

/* Ends what a killed keeper left in its control group, and removes the group. */
static void kill_remains(struct manager *m, const struct record *r)
{
	auto_cgroup_layout layout = CGROUP_LAYOUT_NONE;
	auto_free char *path = xasprintf("berth/%s", r->id);
	struct error why = {};

	int result = cgroup_layout_probe(CGROUP_ROOT, &layout, &why);
	if (result == 0)
		result = cgroup_clear(&layout, path, KILL_TIMEOUT_MS, &why);
	instance_complain(m, r, result, &why);
}

/* True with what a keeper wrote before it ended. */
static bool read_exit(struct manager *m, const struct record *r, struct keeper_exit *ret)
{
	char path[INSTANCE_ID_LEN + 16];
	struct keeper_exit exit;

	(void)snprintf(path, sizeof(path), "%s/%s", r->id, KEEPER_EXIT_NAME);
	auto_close int fd = openat(m->run_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || read_full(fd, &exit, sizeof(exit)) != sizeof(exit) ||
	    exit.magic != KEEPER_EXIT_MAGIC)
		return false;
	exit.error.text[ERROR_TEXT - 1] = '\0';
	*ret = exit;
	return true;
}

void instance_lost(struct manager *m, struct record *r, const char *why, int exit_code,
		   struct keeper_exit *ret)
{
	kill_remains(m, r);
	if (read_exit(m, r, ret))
		return;
	*ret = (struct keeper_exit){
		.magic = KEEPER_EXIT_MAGIC,
		.exit_code = exit_code,
		.signal = exit_code == EXIT_BY_KILL ? SIGKILL : 0,
		.finished_ns = clock_now(),
	};
	(void)error_say(&ret->error, ECONNRESET, "%s", why);
}

void remains_of_start(struct manager *m, const struct record *r, const struct keeper *k)
{
	/* what still runs of it could make something more */
	if (k->pidfd >= 0)
		(void)pidfd_wait_end(k->pidfd, KILL_TIMEOUT_MS);
	kill_remains(m, r);
}

/* ---- A keeper that told of the end, and may yet die before everything is gone ----------------- */

/* Takes the keeper that is on its last steps off the record; with @k only that one. */
static struct keeper *take_ending(struct manager *m, struct record *r, const struct keeper *k)
{
	auto_roster held = roster_lock(&m->roster);
	return !k || r->ending == k ? take_ptr(r->ending) : NULL;
}

static bool is_over(const struct keeper *k, const void *unused)
{
	(void)unused;
	return k->cleared || k->closed;
}

void remains_settle(struct manager *m, struct record *r)
{
	auto_keeper *k = take_ending(m, r, NULL);

	if (!k)
		return;
	(void)keeper_await(k, is_over, NULL, false, clock_monotonic() + CLEAR_TIMEOUT_NS);
	if (!keeper_has_cleared(k))
		kill_remains(m, r);
}

void remains_expect(struct manager *m, struct record *r, struct keeper *k)
{
	{
		auto_roster held = roster_lock(&m->roster);
		r->ending = keeper_ref(k);
	}
	/* then nobody tells of it any more */
	if (keeper_has_closed(k))
		remains_settle(m, r);
}

static void settle(struct manager *m, struct record *r, struct keeper *k)
{
	(void)k;
	auto_verbs struct record *held = record_lock(r);
	remains_settle(m, r);
}

void remains_keeper_ended(struct keeper *k, void *owner)
{
	struct record *r = owner;
	struct error why = {};
	int result = 0;

	if (keeper_has_cleared(k)) {
		keeper_unref(take_ending(r->manager, r, k));
		return;
	}
	bool expected;
	{
		auto_roster held = roster_lock(&r->manager->roster);
		expected = r->ending == k;
	}
	if (expected)
		result = manager_spawn(r->manager, r, NULL, settle, &why);
	instance_complain(r->manager, r, result, &why);
}
