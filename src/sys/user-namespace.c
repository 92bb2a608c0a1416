/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/user-namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/fd.h"
#include "base/macros.h"
#include "base/strbuf.h"

static int write_map(int proc_fd, const char *name, const struct id_range *ranges, size_t count,
		     struct error *err)
{
	if (count == 0 || count > ID_RANGES_MAX)
		return error_say(err, EINVAL, "%s has %zu ranges", name, count);
	auto_strbuf text = STRBUF_INIT(4096);
	for (size_t i = 0; i < count; i++)
		strbuf_addf(&text, "%u %u %u\n", ranges[i].inside, ranges[i].outside,
			    ranges[i].count);
	if (text.overflow)
		return error_set(err, E2BIG, "write %s", name);
	int r = write_text_at(proc_fd, name, strbuf_text(&text));
	return r < 0 ? error_set(err, r, "write %s", name) : 0;
}

int user_namespace_map(pid_t pid, const struct id_range *uids, size_t uid_count,
		       const struct id_range *gids, size_t gid_count, struct error *err)
{
	char path[64];
	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	auto_close int proc_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc_fd < 0)
		return error_set(err, errno, "open %s", path);
	int r = write_map(proc_fd, "uid_map", uids, uid_count, err);
	return r < 0 ? r : write_map(proc_fd, "gid_map", gids, gid_count, err);
}

uint32_t id_map_outside(const struct id_range *ranges, size_t count, uint32_t inside)
{
	for (size_t i = 0; i < count; i++) {
		if (inside >= ranges[i].inside && inside - ranges[i].inside < ranges[i].count)
			return ranges[i].outside + (inside - ranges[i].inside);
	}
	return UINT32_MAX;
}
