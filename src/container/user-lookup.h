/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"

/**
 * DOC: Who a container's process is
 *
 * Turns a plan's user into numbers: once, into one struct that is then applied and read back. Names
 * are looked up in the container's own /etc/passwd and /etc/group by a parser of Berth's own; no
 * library of the host or of the image is asked. Both files are an image's and so not trusted: only
 * regular files up to USER_FILE_MAX are read, a line that is not as it should be is passed over, and
 * a number is digits only, at most 2^32 - 2.
 *
 * Docker's rules: without a group, the user's own one and every group that lists it; with a group,
 * that one alone. What can be read as a number is never a name, and one that no line knows is taken
 * as it is (group 0, home "/").
 */

#define USER_FILE_MAX (1u << 20)
#define USER_GROUPS_MAX 1024u

struct plan_user;

struct credentials {
	uint32_t uid;
	uint32_t gid;
	uint32_t groups[USER_GROUPS_MAX]; /* the supplementary ones; @gid is among them */
	size_t group_count;
	char home[256]; /* "/" where none is known */
};

/**
 * user_parse_id() - read a user or group id
 *
 * Return: true for 1 to 10 digits that make at most 4294967294.
 */
bool user_parse_id(const char *text, uint32_t *ret);

/**
 * user_resolve() - find the numbers of a user
 * @user:   who
 * @passwd: content of the file, "" where there is none
 * @group:  the same
 * @ret:    receives the credentials
 *
 * Return: 0; -ENOENT for a name that no line knows; -EINVAL for what is neither name nor number.
 */
must_check int user_resolve(const struct plan_user *user, const char *passwd, const char *group,
			    struct credentials *ret, struct error *err);

/* As user_resolve() with the files below a root. */
must_check int user_resolve_in(int root_fd, const struct plan_user *user, struct credentials *ret,
			       struct error *err);
