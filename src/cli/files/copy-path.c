/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/files/copy-path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "base/strv.h"

bool copy_names_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *last = slash ? slash + 1 : path;

	return !*last || strcmp(last, ".") == 0 || strcmp(last, "..") == 0;
}

/* Its last part is ".": the folder's content is meant. */
static bool means_content(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash ? slash + 1 : path, ".") == 0;
}

char *copy_clean(const char *path)
{
	auto_strv parts = {};
	auto_strv kept = {};
	auto_strbuf out = STRBUF_INIT(65536);

	strv_split(&parts, path, '/');
	for (size_t i = 0; i < parts.count; i++) {
		if (strcmp(parts.items[i], "..") == 0) {
			if (kept.count > 0)
				strv_remove(&kept, kept.count - 1);
		} else if (*parts.items[i] && strcmp(parts.items[i], ".") != 0) {
			strv_add(&kept, parts.items[i]);
		}
	}
	for (size_t i = 0; i < kept.count; i++)
		strbuf_addf(&out, "/%s", kept.items[i]);
	if (kept.count == 0)
		strbuf_addc(&out, '/');
	if (means_content(path) && kept.count > 0)
		strbuf_adds(&out, "/.");
	else if (copy_names_folder(path) && kept.count > 0)
		strbuf_addc(&out, '/');
	return strbuf_take(&out);
}

/* Length of @path without slashes at its end; 1 for the root. */
static size_t trimmed(const char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	return len;
}

char *copy_base(const char *path)
{
	size_t len = trimmed(path);
	size_t from = len;

	if (means_content(path) || (len == 1 && path[0] == '/'))
		return xstrdup("");
	while (from > 0 && path[from - 1] != '/')
		from--;
	if (strncmp(path + from, "..", len - from) == 0)
		return xstrdup("");
	return xstrndup(path + from, len - from);
}

/* The folder that holds the last part of a path. */
static char *parent_of(const char *path)
{
	size_t len = trimmed(path);

	while (len > 0 && path[len - 1] != '/')
		len--;
	while (len > 1 && path[len - 1] == '/')
		len--;
	return len == 0 ? xstrdup(".") : xstrndup(path, len);
}

int copy_place(const char *target, bool exists, bool target_dir, const char *base, bool source_dir,
	       char **ret_parent, char **ret_name, struct error *err)
{
	if (target_dir) {
		*ret_parent = xstrdup(target);
		*ret_name = xstrdup(base);
		return 0;
	}
	if (exists && source_dir)
		return error_say(err, ENOTDIR, "cannot copy directory to file %s", target);
	if (!source_dir && copy_names_folder(target))
		return error_say(err, ENOENT, "destination directory %s does not exist", target);
	*ret_parent = parent_of(target);
	*ret_name = copy_base(target);
	if (!**ret_name) {
		free(*ret_parent);
		free(*ret_name);
		return error_say(err, ENOENT, "destination directory %s does not exist", target);
	}
	return 0;
}
