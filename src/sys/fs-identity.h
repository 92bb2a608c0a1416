/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

/**
 * DOC: Whom files are made by
 *
 * Lets the calling thread make files as another user (setfsuid(2)) while it keeps its capabilities,
 * which the kernel takes away with the id. What an instance's root would own is so made with the right
 * owner at once, also through mounts that shift owners, which know no other ids.
 */
struct fs_identity {
	uid_t uid;
	gid_t gid;
};

/**
 * fs_identity_enter() - make files as @uid and @gid from now on
 * @ret: receives what to go back to
 *
 * Return: 0 or a negative errno; then nothing has changed.
 */
must_check int fs_identity_enter(uid_t uid, gid_t gid, struct fs_identity *ret, struct error *err);
void fs_identity_leave(const struct fs_identity *back);
