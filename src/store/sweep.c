/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/path.h"
#include "store/store-internal.h"

/* How long the beginning of a blob waits to be continued. */
#define PARTIAL_SEC (24 * 3600)

static DIR *open_list(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	DIR *dir = fdopendir(fd);
	if (!dir)
		close(fd);
	return dir;
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool may_be_resumed(int dir_fd, const char *name)
{
	struct stat st;

	return strncmp(name, "partial-", strlen("partial-")) == 0 &&
	       fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	       time(NULL) - st.st_mtim.tv_sec < PARTIAL_SEC;
}

static void sweep_tmp(struct store *store)
{
	DIR *dir = open_list(store->tmp_fd, ".");
	struct dirent *d;

	while (dir && (d = readdir(dir)) != NULL) {
		if (is_dots(d->d_name) || may_be_resumed(store->tmp_fd, d->d_name))
			continue;
		if (path_remove_tree_at(store->tmp_fd, d->d_name, NULL) < 0)
			break; /* a read-only disk: nothing else can be removed either */
	}
	if (dir)
		closedir(dir);
}

/* Removes what the records do not name from one folder of files named by digests. */
static void sweep_names(int parent, const char *name, struct map *wanted)
{
	DIR *dir = open_list(parent, name);
	struct dirent *d;

	while (dir && (d = readdir(dir)) != NULL) {
		if (is_dots(d->d_name) || map_get(wanted, d->d_name))
			continue;
		if (path_remove_tree_at(dirfd(dir), d->d_name, NULL) < 0)
			break;
	}
	if (dir)
		closedir(dir);
}

/* The hexadecimal digits of all digests that a query gives. */
static int collect(struct db *db, const char *sql, struct map *ret)
{
	auto_db_stmt *stmt = NULL;

	int r = db_prepare(db, sql, &stmt, NULL);
	if (r < 0)
		return r;
	while ((r = db_step(stmt, NULL)) > 0) {
		struct digest digest;
		if (digest_from_db(db_text(stmt, 0), &digest, NULL) == 0)
			map_set(ret, digest_hex(&digest), ret);
	}
	return r;
}

/* Called while the store is opened: nobody holds anything yet. */
void store_sweep(struct store *store)
{
	auto_map *layers = map_new(NULL);
	auto_map *blobs = map_new(NULL);

	sweep_tmp(store);
	int r = collect(store->db, "SELECT DISTINCT diff_id FROM image_layer", layers);
	if (r == 0)
		r = collect(store->db,
			    "SELECT id FROM image UNION SELECT digest FROM manifest"
			    " UNION SELECT digest FROM manifest_blob"
			    " UNION SELECT diff_id FROM image_layer",
			    blobs);
	if (r < 0)
		return;
	sweep_names(store->dir_fd, "layers", layers);
	sweep_names(store->blobs_fd, "sha256", blobs);
	sweep_names(store->blobs_fd, "sha512", blobs);
	if (db_exec(store->db,
		    "DELETE FROM layer WHERE diff_id NOT IN (SELECT diff_id FROM image_layer);"
		    "DELETE FROM blob WHERE digest NOT IN (SELECT id FROM image"
		    " UNION SELECT digest FROM manifest UNION SELECT digest FROM manifest_blob"
		    " UNION SELECT diff_id FROM image_layer);"
		    "DELETE FROM unpacked WHERE blob NOT IN (SELECT digest FROM blob);",
		    NULL) < 0)
		return; /* rows without a file do no harm */
}
