/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/log-files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void closedir_p(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

void log_file_name(uint64_t number, char ret[LOG_FILE_NAME_ROOM])
{
	(void)snprintf(ret, LOG_FILE_NAME_ROOM, LOG_PRESENT_NAME ".%" PRIu64, number);
}

/* The number in a name, or 0 where it is no rotated file's. */
static uint64_t number_of(const char *name)
{
	size_t len = strlen(LOG_PRESENT_NAME ".");
	char *end;

	if (strncmp(name, LOG_PRESENT_NAME ".", len) != 0 || name[len] < '1' || name[len] > '9')
		return 0;
	unsigned long long number = strtoull(name + len, &end, 10);
	return *end ? 0 : number;
}

int log_files_find(int dir_fd, uint64_t above, uint64_t below, struct log_range *ret,
		   struct error *err)
{
	auto_close int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_(closedir_p) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return error_set(err, errno, "look for the files of the log");
	(void)take_fd(fd);

	struct log_range range = {};
	const struct dirent *entry;
	while ((entry = readdir(dir))) {
		uint64_t number = number_of(entry->d_name);
		if (!number || number <= above || (below && number >= below))
			continue;
		if (!range.first || number < range.first)
			range.first = number;
		if (number > range.last)
			range.last = number;
	}
	*ret = range;
	return 0;
}
