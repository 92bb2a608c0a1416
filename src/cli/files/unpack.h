/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/**
 * DOC: Unpacking what came out of an instance
 *
 * The archive was made of files that a program in an instance wrote, so nothing in it is believed:
 * every entry must lie below the one that was asked for; each part of a path is opened below the
 * descriptor of the part before it and no symbolic link is followed, neither one of the archive nor
 * one that lies in the target folder already; what is in an entry's place is removed first, folders
 * excepted. Devices are left out, and so are owners, set-id bits and attributes, unless owners are
 * asked for.
 */

struct unpack_options {
	int dir_fd;       /* where to unpack */
	const char *base; /* first part of every entry's path; "" where entries lie at the top */
	const char *name; /* takes the place of @base; "" = directly into the folder */
	bool owners;      /* keep owners and set-id bits */
};

struct unpack;

struct unpack *unpack_new(const struct unpack_options *options);
void unpack_free(struct unpack *u);
DEFINE_AUTO(struct unpack, unpack_free);
#define auto_unpack auto_(unpack_freep) struct unpack

/* The next bytes of the archive; after a failure only unpack_free() is allowed. */
must_check int unpack_write(struct unpack *u, const void *data, size_t len, struct error *err);
must_check int unpack_finish(struct unpack *u, struct error *err);
