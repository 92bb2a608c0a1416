/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/mount-namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>

#include "sys/mounts.h"

#define STACK_BYTES (128 * 1024)

struct visit {
	int pidfd;
	bool alone;
	int result; /* descriptor or negative errno */
	struct error err;
};

static int look(struct visit *v)
{
	/* setns(2) wants a root and working folder that no other thread shares. */
	if (unshare(CLONE_FS) < 0)
		return error_set(&v->err, errno, "leave the shared working folder");
	if (setns(v->pidfd, CLONE_NEWNS) < 0)
		return error_set(&v->err, errno, "enter a mount namespace");
	if (v->alone)
		return mount_clone(AT_FDCWD, "/", false, &v->err);
	int fd = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_set(&v->err, errno, "open the root of a mount namespace") : fd;
}

static void *run(void *arg)
{
	struct visit *v = arg;

	v->result = look(v);
	return NULL;
}

int mount_namespace_root(int pidfd, bool alone, struct error *err)
{
	struct visit v = { .pidfd = pidfd, .alone = alone };
	pthread_attr_t attributes;
	pthread_t thread;

	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
	int r = pthread_create(&thread, &attributes, run, &v);
	(void)pthread_attr_destroy(&attributes);
	if (r != 0)
		return error_set(err, r, "start a thread");
	(void)pthread_join(thread, NULL);
	if (v.result < 0 && err)
		*err = v.err;
	return v.result;
}
