/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/manager-internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/path.h"

/* ---- What is removed goes out of sight at once, and off the disk behind the caller's back ------ */

static bool sweep_again(struct manager *m)
{
	(void)pthread_mutex_lock(&m->threads_lock);
	bool again = m->sweep_wanted && !m->stopping;
	m->sweep_wanted = false;
	m->sweeping = again;
	(void)pthread_mutex_unlock(&m->threads_lock);
	return again;
}

static void closedir_p(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

static int sweep_once(struct manager *m, struct error *err)
{
	int fd = openat(m->removed_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_(closedir_p) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	int result = 0;

	if (!dir)
		return error_set(err, errno, "list the removed instances");
	for (const struct dirent *entry; result == 0 && !m->stopping && (entry = readdir(dir));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			result = path_remove_tree_at(m->removed_fd, entry->d_name, err);
	return result;
}

static void complain(struct manager *m, int result, const struct error *why)
{
	if (result < 0 && m->options.complain)
		m->options.complain("", why, m->options.complain_arg);
}

static void sweep(struct manager *m, struct record *r, struct keeper *k)
{
	struct error why = {};

	(void)r;
	(void)k;
	while (sweep_again(m)) {
		complain(m, spares_refill(&m->spares, &why), &why);
		/* makes room, if that was what was missing */
		complain(m, sweep_once(m, &why), &why);
	}
}

int manager_sweep(struct manager *m, struct error *err)
{
	(void)pthread_mutex_lock(&m->threads_lock);
	bool runs = m->sweeping;
	m->sweeping = m->sweep_wanted = true;
	(void)pthread_mutex_unlock(&m->threads_lock);
	return runs ? 0 : manager_spawn(m, NULL, NULL, sweep, err);
}

static int remove_files(struct manager *m, struct record *r, struct error *err)
{
	int result = path_remove_tree_at(m->run_fd, r->id, err);
	if (result < 0)
		return result;
	if (renameat(m->state_fd, r->id, m->removed_fd, r->id) == 0)
		return manager_sweep(m, err);
	return errno == ENOENT ? 0 : path_remove_tree_at(m->state_fd, r->id, err);
}

static void note_dead(struct manager *m, struct record *r, const struct error *why)
{
	{
		auto_roster held = roster_lock(&m->roster);
		record_become(m, r, STATE_DEAD);
		memcpy(r->error, why->text, sizeof(r->error));
	}
	struct error cause = {};
	instance_complain(m, r, record_update(m->options.db, r, &cause), &cause);
}

/*
 * The files go before the row: a crash in between leaves a row that says "removing" (or one of an
 * instance that is to be removed at its end anyway), which the next engine finishes.
 */
int instance_remove(struct manager *m, struct record *r, struct error *err)
{
	struct error why = {};

	record_enter(m, r, STATE_REMOVING);
	/* on a full disk, a removal is what makes room: it is begun without the word, too */
	if (!r->request.auto_remove)
		instance_complain(m, r, record_update(m->options.db, r, &why), &why);
	int result = remove_files(m, r, &why);
	if (result == 0)
		result = record_delete(m->options.db, r, &why);
	if (result < 0) {
		note_dead(m, r, &why);
		if (err)
			*err = why;
		return error_prefix(err, "remove container %s", r->name);
	}

	attaches_deliver(m, r, NULL);
	execs_drop(m, r);
	roster_remove(&m->roster, r);
	{
		auto_roster held = roster_lock(&m->roster);
		waits_removed(r);
	}
	manager_tell(m, r, "destroy", 0, 0, NULL);
	return 0;
}

static bool is_removed(struct manager *m, const struct record *r)
{
	auto_roster held = roster_lock(&m->roster);
	return r->removed;
}

int manager_remove(struct manager *m, const char *ref, const struct remove_options *options,
		   struct error *err)
{
	auto_record *r = NULL;
	int result = roster_find(&m->roster, ref, &r, err);
	if (result < 0)
		return result;
	bool killed = options->force && verb_check(m, r, VERB_REMOVE, NULL) < 0;
	if (killed)
		result = instance_kill(m, r, err);

	auto_verbs struct record *held = record_lock(r);
	if (killed && is_removed(m, r)) /* by itself, as was asked for at its creation */
		return 0;
	if (result < 0)
		return result;
	result = verb_check(m, r, VERB_REMOVE, err);
	return result < 0 ? result : instance_remove(m, r, err);
}
