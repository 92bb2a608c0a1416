/* SPDX-License-Identifier: Apache-2.0 */
#include "files/copy-path.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"

/* Appends one part to a clean absolute path; ".." takes one away. */
static int add_part(char path[ROOTFS_PATH_MAX], const char *part, size_t len)
{
	size_t at = strlen(path);

	if (len == 0 || (len == 1 && part[0] == '.'))
		return 0;
	if (len == 2 && memcmp(part, "..", 2) == 0) {
		char *slash = strrchr(path, '/');
		if (slash)
			*slash = '\0';
		return 0;
	}
	if (at + 1 + len >= ROOTFS_PATH_MAX)
		return -ENAMETOOLONG;
	path[at] = '/';
	memcpy(path + at + 1, part, len);
	path[at + 1 + len] = '\0';
	return 0;
}

static bool ends_as_folder(const char *path)
{
	size_t len = strlen(path);

	return path[len - 1] == '/' || strcmp(path, ".") == 0 ||
	       (len > 1 && strcmp(path + len - 2, "/.") == 0);
}

int copy_path_split(const char *path, struct copy_path *ret, struct error *err)
{
	int r = 0;

	if (!path || !*path)
		return error_say(err, EINVAL, "the path must not be empty");
	ret->path[0] = '\0';
	for (const char *at = path; *at && r == 0;) {
		size_t len = strcspn(at, "/");
		r = add_part(ret->path, at, len);
		at += len + (at[len] == '/');
	}
	if (r < 0)
		return error_set(err, r, "the path");
	ret->folder = ends_as_folder(path);
	if (ret->path[0] == '\0')
		memcpy(ret->path, "/", sizeof("/"));
	ret->name = ret->path[1] ? strrchr(ret->path, '/') + 1 : ret->path;
	return 0;
}

char *copy_path_archive_name(const char *path)
{
	struct copy_path parts;
	size_t len = strlen(path);

	if (copy_path_split(path, &parts, NULL) < 0 || strcmp(parts.name, "/") == 0)
		return xstrdup("");
	if (strcmp(path, ".") == 0 || (len > 1 && strcmp(path + len - 2, "/.") == 0))
		return xstrdup(".");
	return xstrdup(parts.name);
}
