/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>

static const char *name_of(int flag)
{
	switch (flag) {
	case CLONE_NEWUSER:
		return "user";
	case CLONE_NEWNS:
		return "mnt";
	case CLONE_NEWPID:
		return "pid";
	case CLONE_NEWNET:
		return "net";
	case CLONE_NEWIPC:
		return "ipc";
	case CLONE_NEWUTS:
		return "uts";
	case CLONE_NEWCGROUP:
		return "cgroup";
	default:
		return "?";
	}
}

static int open_namespace(const char *process, int flag, struct error *err)
{
	char path[64];
	(void)snprintf(path, sizeof(path), "/proc/%s/ns/%s", process, name_of(flag));
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? error_set(err, errno, "open %s", path) : fd;
}

int namespace_own(int flag, struct error *err)
{
	return open_namespace("self", flag, err);
}

int namespace_of(pid_t pid, int flag, struct error *err)
{
	char process[16];
	(void)snprintf(process, sizeof(process), "%d", (int)pid);
	return open_namespace(process, flag, err);
}

int namespace_join(int fd, int flag, struct error *err)
{
	if (setns(fd, flag) < 0)
		return error_set(err, errno, "join a %s namespace", name_of(flag));
	return 0;
}
