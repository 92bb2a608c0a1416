/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "container/launch.h"

/**
 * DOC: What a container sees
 *
 * Runs in the new process. view_make() makes the file systems that the process has to make itself,
 * detached, while the old root with its visible proc and sysfs is still there (the kernel wants to
 * see them before it gives a new one to a user namespace). view_enter() makes the root the root.
 * view_place() puts everything into it, in the plan's order: each target is found by sys/rootfs.h,
 * and the mount goes onto that descriptor. What is masked or read-only below a mount of the plan is
 * found from that mount, not by its whole path again: a link of the image by which the mount got its
 * place may lead elsewhere since another mount covered it.
 */
struct view {
	const struct launch *l;
	int *made;        /* for each mount of the plan: what this side made, or -1 */
	int *placed;      /* for each that is attached: borrowed from whoever made it; or -1 */
	int files_fd;     /* tmpfs with the plan's small files and what masks are made of */
	int *files;       /* for each small file: a mount of it */
	int empty_fd;     /* read-only mount of its empty file */
	int empty_dir_fd; /* read-only mount of its empty folder */
	bool empty_used;  /* ... is attached somewhere already */
	bool empty_dir_used;
	int proc_fd;   /* a proc for Berth's own writes; -1 where none is needed */
	int devpts_fd; /* the plan's devpts; -1 without */
	int null_fd;   /* Berth's own null device; -1 without a /dev */
	int root_fd;   /* after view_enter() */
};

#define VIEW_NONE                                                                  \
	{                                                                          \
		.files_fd = -1, .empty_fd = -1, .empty_dir_fd = -1, .proc_fd = -1, \
		.devpts_fd = -1, .null_fd = -1, .root_fd = -1                      \
	}

must_check int view_make(struct view *v, const struct launch *l, struct error *err);

/* @root_mount is the handed root; its descriptor stays the caller's. */
must_check int view_enter(struct view *v, int root_mount, struct error *err);

/* @h: what the caller's side made, the root first. */
must_check int view_place(struct view *v, const struct handed *h, struct error *err);

/* Writes the plan's sysctls, by the private proc. */
must_check int view_write_sysctls(struct view *v, struct error *err);

/* The last change: read-only and the like. Nothing can be made in the root afterwards. */
must_check int view_seal(struct view *v, struct error *err);
