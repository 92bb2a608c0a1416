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

#define ANSWER_TIMEOUT_NS (5 * NSEC_PER_SEC)

#define BOOT_ID_SOURCE "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_MAX 64

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

static bool has_answered(const struct keeper *k, const void *unused)
{
	(void)unused;
	return k->state_known || k->exited;
}

static bool is_decided(const struct keeper *k, const void *unused)
{
	(void)unused;
	return k->exited || k->state.running || k->start != KEEPER_START_PENDING;
}

/* Asks a keeper what became of the instance; one that starts it just now is waited for. */
static bool ask_keeper(struct keeper *k, int start_timeout_ms)
{
	int64_t now = clock_monotonic();

	return keeper_send(k, KEEPER_HELLO, 0, NULL, 0, NULL, 0, NULL, 0, NULL) == 0 &&
	       keeper_await(k, has_answered, NULL, true, now + ANSWER_TIMEOUT_NS) == 0 &&
	       keeper_await(k, is_decided, NULL, true, now + start_timeout_ms * NSEC_PER_MSEC) ==
		       0 &&
	       !k->lost && k->start != KEEPER_START_FAILED;
}

/* The record of an instance as its keeper tells it. */
static void note_taken_back(struct manager *m, struct record *r, struct keeper *k)
{
	auto_roster held = roster_lock(&m->roster);
	bool known = k->state.running;
	int64_t started_ns = known ? k->state.started_ns : k->started.started_ns;

	record_become(m, r, k->state.paused ? STATE_PAUSED : STATE_RUNNING);
	r->pid = known ? k->state.pid : k->started.pid;
	if (started_ns)
		r->started_ns = started_ns;
	r->keeper = keeper_ref(k);
}

/* Takes a keeper back that answers; false where none does. */
static bool take_back(struct manager *m, struct record *r)
{
	auto_free char *path = keeper_path(m, r);
	int fd = unix_connect(path, SOCK_SEQPACKET, NULL);
	if (fd < 0)
		return false;

	auto_keeper *k = keeper_new(fd, &instance_callbacks, record_ref(r));
	k->foreground = true; /* until it is known what it has to say */
	if (!ask_keeper(k, isolation_of(r)->start_timeout_ms))
		return false;
	k->start = KEEPER_START_DONE;
	k->path = take_ptr(path);
	note_taken_back(m, r, k);
	k->foreground = false;
	if (k->exited)
		instance_finish(m, r, k);
	return watcher_add(m->watcher, k, NULL) == 0;
}

/* ---- Whether the host is still the one that the last engine ran on -------------------------- */

static int read_boot_id(const char *path, struct strbuf *ret, struct error *err)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, errno, "open %s", path);
	return read_file_fd(fd, path, BOOT_ID_MAX, ret, err);
}

/* Compares the kernel's identity with the one noted before, and notes it. */
static int note_boot(struct manager *m, bool *ret_rebooted, struct error *err)
{
	auto_strbuf now = STRBUF_INIT(BOOT_ID_MAX);
	auto_strbuf before = STRBUF_INIT(BOOT_ID_MAX);
	auto_free char *path = xasprintf("%s/boot-id", m->options.state_dir);

	int result = read_boot_id(BOOT_ID_SOURCE, &now, err);
	if (result < 0)
		return result;
	bool known = read_boot_id(path, &before, NULL) == 0;
	bool same = known && before.len == now.len && memcmp(before.data, now.data, now.len) == 0;
	*ret_rebooted = known && !same;
	return same ? 0 : write_file_at(AT_FDCWD, path, now.data, now.len, 0600, false, err);
}

/* ---- What follows --------------------------------------------------------------------------- */

static void settle_ended(struct manager *m, struct record *r, bool rebooted)
{
	struct keeper_exit exit;

	if (rebooted)
		instance_lost(m, r, "the host was restarted while this instance ran",
			      EXIT_BY_REBOOT, &exit);
	else if (r->state == STATE_STARTING)
		instance_lost(m, r, "the engine ended while it started this instance", EXIT_BY_KILL,
			      &exit);
	else
		instance_lost(m, r,
			      "the keeper of this instance was gone when the engine came back",
			      EXIT_BY_KILL, &exit);
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

static void settle(struct manager *m, struct record *r, bool rebooted)
{
	bool ran = state_has_keeper(r->state);

	if (ran && take_back(m, r))
		return;
	auto_verbs struct record *held = record_lock(r);
	if (ran)
		settle_ended(m, r, rebooted);
	if (starts_with_engine(r)) {
		record_enter(m, r, STATE_RESTARTING);
		r->restart.delay_ns = 0;
	}
	struct error why = {};
	int result = 0;
	if (r->state == STATE_REMOVING || r->state == STATE_DEAD || (ran && r->request.auto_remove))
		result = instance_remove(m, r, &why);
	else if (ran)
		result = record_update(m->options.db, r, &why);
	if (result == 0 && r->state == STATE_RESTARTING)
		result = manager_spawn(m, r, NULL, instance_restart, &why);
	instance_complain(m, r, result, &why);
}

int manager_recover(struct manager *m, struct error *err)
{
	bool rebooted = false;

	m->damaged = map_new(NULL);
	int result = record_load(m->options.db, take_record, keep_damaged, m, err);
	if (result == 0)
		result = remove_unowned(m, m->state_fd, err);
	if (result == 0)
		result = remove_unowned(m, m->run_fd, err);
	if (result == 0)
		result = note_boot(m, &rebooted, err);
	if (result == 0)
		result = manager_sweep(m, err);
	if (result < 0)
		return result;

	auto_record_list list = {};
	roster_snapshot(&m->roster, &list);
	for (size_t i = 0; i < list.count; i++)
		settle(m, list.items[i], rebooted);
	return 0;
}
