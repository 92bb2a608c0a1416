/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/spares.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/ident.h"
#include "base/path.h"

int spares_init(struct spares *spares, const char *state_dir, struct error *err)
{
	auto_free char *path = xasprintf("%s/spare", state_dir);
	int r = path_remove_tree_at(AT_FDCWD, path, err);

	*spares = (struct spares){ .fd = -1 };
	(void)pthread_mutex_init(&spares->lock, NULL);
	if (r == 0)
		spares->fd = path_open_dir(path, 0700, err);
	return r < 0 ? r : spares->fd < 0 ? spares->fd : 0;
}

void spares_done(struct spares *spares)
{
	close_p(&spares->fd);
	(void)pthread_mutex_destroy(&spares->lock);
}

int spares_take(struct spares *spares, int dir_fd, const char *name)
{
	char spare[SPARE_NAME] = "";

	(void)pthread_mutex_lock(&spares->lock);
	if (spares->count > 0)
		memcpy(spare, spares->names[--spares->count], sizeof(spare));
	(void)pthread_mutex_unlock(&spares->lock);
	if (!*spare)
		return -ENOENT;
	return renameat2(spares->fd, spare, dir_fd, name, RENAME_NOREPLACE) < 0 ? -errno : 0;
}

static int make_one(struct spares *spares, char name[SPARE_NAME], struct error *err)
{
	char path[SPARE_NAME + 16];

	ident_random_hex(name, SPARE_NAME - 1);
	int r = mkdirat(spares->fd, name, 0700);
	(void)snprintf(path, sizeof(path), "%s/upper", name);
	if (r == 0)
		r = mkdirat(spares->fd, path, 0755);
	(void)snprintf(path, sizeof(path), "%s/work", name);
	if (r == 0)
		r = mkdirat(spares->fd, path, 0755);
	return r < 0 ? error_set(err, errno, "make a spare folder") : 0;
}

int spares_refill(struct spares *spares, struct error *err)
{
	for (;;) {
		char name[SPARE_NAME];
		(void)pthread_mutex_lock(&spares->lock);
		bool full = spares->count == SPARES_MAX;
		(void)pthread_mutex_unlock(&spares->lock);
		if (full)
			return 0;

		int r = make_one(spares, name, err);
		if (r < 0)
			return r;
		(void)pthread_mutex_lock(&spares->lock);
		memcpy(spares->names[spares->count++], name, sizeof(name));
		(void)pthread_mutex_unlock(&spares->lock);
	}
}
