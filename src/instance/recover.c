/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/manager-internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/path.h"

#define STATUS_TIMEOUT_NS (5 * NSEC_PER_SEC)

static int take_record(struct record *r, void *arg)
{
	struct manager *m = arg;
	auto_record *owned = r;

	owned->manager = m;
	return roster_add(&m->roster, owned, NULL);
}

/* A row that cannot be read stays where it is, and so do the instance's files. */
static void keep_damaged(const char *id, const struct error *err, void *arg)
{
	struct manager *m = arg;

	map_set(m->damaged, id, m);
	if (m->options.complain)
		m->options.complain(id, err, m->options.complain_arg);
}

/* ---- Files that no record names ------------------------------------------------------------- */

static int remove_unowned(struct manager *m, int dir_fd, struct error *err)
{
	auto_close int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	int result = 0;

	if (!dir)
		return error_set(err, errno, "list the instances' folders");
	(void)take_fd(fd);
	for (const struct dirent *entry; result == 0 && (entry = readdir(dir));) {
		const char *name = entry->d_name;
		if (name[0] == '.' || map_get(m->roster.by_id, name) || map_get(m->damaged, name))
			continue;
		result = path_remove_tree_at(dir_fd, name, err);
	}
	(void)closedir(dir);
	return result;
}

/* ---- What became of a running instance ------------------------------------------------------ */

/* True with the keeper's last word. */
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

static bool was_told(const struct keeper *k, const void *unused)
{
	(void)unused;
	return k->exited || k->state.running;
}

/* Takes a keeper back that answers; false where none does. */
static bool take_back(struct manager *m, struct record *r)
{
	auto_free char *path = xasprintf("%s/%s/%s", m->run_dir, r->id, KEEPER_SOCKET_NAME);
	int fd = unix_connect(path, SOCK_SEQPACKET, NULL);
	if (fd < 0)
		return false;

	auto_keeper *k = keeper_new(fd, &instance_callbacks, record_ref(r));
	k->foreground = true; /* until it is known what it has to say */
	k->start = KEEPER_START_DONE;
	if (keeper_send(k, KEEPER_STATUS, 0, NULL, 0, NULL, 0, NULL, 0, NULL) < 0 ||
	    keeper_await(k, was_told, NULL, true, clock_monotonic() + STATUS_TIMEOUT_NS) < 0 ||
	    k->lost)
		return false;

	{
		auto_roster held = roster_lock(&m->roster);
		r->state = k->state.paused ? STATE_PAUSED : STATE_RUNNING;
		r->pid = k->state.pid;
		if (k->state.started_ns)
			r->started_ns = k->state.started_ns;
		r->keeper = keeper_ref(k);
	}
	k->foreground = false;
	if (k->exited)
		instance_finish(m, r, k);
	return watcher_add(m->watcher, k, NULL) == 0;
}

static void settle_ended(struct manager *m, struct record *r)
{
	struct keeper_exit exit;

	if (!read_exit(m, r, &exit))
		instance_lost(
			m, r,
			r->state == STATE_STARTING
				? "the engine ended while it started this instance"
				: "the keeper of this instance was gone when the engine came back",
			&exit);
	instance_ended(m, r, &exit);
}

static bool starts_with_engine(const struct record *r)
{
	const char *policy = r->request.restart.name;

	if (!policy || r->state != STATE_EXITED)
		return false;
	return strcmp(policy, "always") == 0 ||
	       (strcmp(policy, "unless-stopped") == 0 && !r->restart.by_user);
}

static void settle(struct manager *m, struct record *r)
{
	bool ran = state_has_keeper(r->state);

	if (ran && take_back(m, r))
		return;
	auto_verbs struct record *held = record_lock(r);
	if (ran)
		settle_ended(m, r);
	if (starts_with_engine(r)) {
		record_enter(m, r, STATE_RESTARTING);
		r->restart.delay_ns = 0;
	}
	struct error why = {};
	int result = 0;
	if (r->state == STATE_REMOVING || (ran && r->request.auto_remove))
		result = instance_remove(m, r, &why);
	else if (ran)
		result = record_update(m->options.db, r, &why);
	if (result == 0 && r->state == STATE_RESTARTING)
		result = manager_spawn(m, r, NULL, instance_restart, &why);
	instance_complain(m, r, result, &why);
}

int manager_recover(struct manager *m, struct error *err)
{
	m->damaged = map_new(NULL);
	int result = record_load(m->options.db, take_record, keep_damaged, m, err);
	if (result == 0)
		result = remove_unowned(m, m->state_fd, err);
	if (result == 0)
		result = remove_unowned(m, m->run_fd, err);
	if (result == 0)
		result = manager_sweep(m, err);
	if (result < 0)
		return result;

	auto_record_list list = {};
	roster_snapshot(&m->roster, &list);
	for (size_t i = 0; i < list.count; i++)
		settle(m, list.items[i]);
	return 0;
}
