/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "sys/mount-context.h"
#include "sys/mounts.h"

/* How a kernel is told of the folders, the newest way first. */
enum way { WAY_DESCRIPTORS, WAY_PATHS, WAY_ONE_TEXT };

/* Longest value of an option, with its NUL. */
#define VALUE_MAX 256

static int fail(int context_fd, const char *key, struct error *err)
{
	char act[64];
	int errnum = errno;
	(void)snprintf(act, sizeof(act), "set %s of an overlay", key);
	return mount_context_fail(context_fd, errnum, act, err);
}

static int set_text(int context_fd, const char *key, const char *value, struct error *err)
{
	int r = value ? fsconfig(context_fd, FSCONFIG_SET_STRING, key, value, 0)
		      : fsconfig(context_fd, FSCONFIG_SET_FLAG, key, NULL, 0);
	return r < 0 ? fail(context_fd, key, err) : 0;
}

static int set_folder(int context_fd, const char *key, int fd, enum way way, struct error *err)
{
	char path[64];
	if (way == WAY_DESCRIPTORS)
		return fsconfig(context_fd, FSCONFIG_SET_FD, key, NULL, fd) < 0
			       ? fail(context_fd, key, err)
			       : 0;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return set_text(context_fd, key, path, err);
}

/*
 * All layers in one text, which must be short: names relative to /proc/self/fd, where the caller
 * stands meanwhile.
 */
static int set_one_text(int context_fd, const struct overlay *o, struct error *err)
{
	auto_strbuf text = STRBUF_INIT(VALUE_MAX - 1);
	for (size_t i = 0; i < o->layer_count; i++)
		strbuf_addf(&text, "%s%d", i ? ":" : "", o->layers[i]);
	if (text.overflow)
		return error_say(err, E2BIG, "%zu layers are too many for this kernel's overlay",
				 o->layer_count);
	return set_text(context_fd, "lowerdir", strbuf_text(&text), err);
}

static int set_layers(int context_fd, const struct overlay *o, enum way way, struct error *err)
{
	if (way == WAY_ONE_TEXT)
		return set_one_text(context_fd, o, err);
	int r = 0;
	for (size_t i = 0; r == 0 && i < o->layer_count; i++)
		r = set_folder(context_fd, "lowerdir+", o->layers[i], way, err);
	return r;
}

static int try_way(const struct overlay *o, enum way way, struct error *err)
{
	auto_close int context_fd = fsopen("overlay", FSOPEN_CLOEXEC);
	if (context_fd < 0)
		return error_set(err, errno, "open file system overlay");
	int r = set_text(context_fd, "source", "berth", err);
	if (r == 0)
		r = set_layers(context_fd, o, way, err);
	if (r == 0 && o->upper_fd >= 0) {
		r = set_folder(context_fd, "upperdir", o->upper_fd, way, err);
		if (r == 0)
			r = set_folder(context_fd, "workdir", o->work_fd, way, err);
		if (r == 0 && o->is_volatile)
			r = set_text(context_fd, "volatile", NULL, err);
	}
	return r < 0 ? r : mount_context_finish(context_fd, "overlay", o->attrs, err);
}

/* As try_way() from within /proc/self/fd. */
static int try_one_text(const struct overlay *o, struct error *err)
{
	auto_close int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (here < 0 || chdir("/proc/self/fd") < 0)
		return error_set(err, errno, "enter /proc/self/fd");
	int r = try_way(o, WAY_ONE_TEXT, err);
	if (fchdir(here) < 0) {
		close_p(&r);
		return error_set(err, errno, "go back from /proc/self/fd");
	}
	return r;
}

/* What a kernel says to a way that it does not know: to descriptors, that they are bad ones. */
static bool is_unknown(int r)
{
	return r == -EINVAL || r == -EBADF;
}

/* A failed attempt may have marked the work folder as one of a volatile overlay that is in use. */
static void clear_work(const struct overlay *o)
{
	struct error ignored;
	int r = o->upper_fd >= 0 ? path_remove_tree_at(o->work_fd, "work", &ignored) : 0;
	(void)r; /* the next attempt tells what is wrong with the folder */
}

int overlay_mount(const struct overlay *o, struct error *err)
{
	int r = try_way(o, WAY_DESCRIPTORS, err);
	if (!is_unknown(r))
		return r;
	clear_work(o);
	if (o->detached)
		return -EINVAL;
	r = try_way(o, WAY_PATHS, err);
	if (!is_unknown(r))
		return r;
	/* What the second way said says more than "too many layers" of the third. */
	struct error older;
	clear_work(o);
	int again = try_one_text(o, &older);
	if (again < 0)
		clear_work(o);
	return again >= 0 ? again : r;
}
