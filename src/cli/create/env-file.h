/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/strv.h"

/**
 * DOC: Environment and label files
 *
 * One NAME=VALUE a line, taken as it is: no quotes, no expansion. Empty lines and those that start
 * with '#' are skipped, space before a name is dropped.
 */

/**
 * env_add() - take one -e value
 * @text: "NAME=VALUE", or "NAME" for the value that this process has
 *
 * A name that this process does not have is added alone, which takes it out of the image's.
 *
 * Return: 0 or -EINVAL.
 */
must_check int env_add(const char *text, struct strv *ret, struct error *err);

/**
 * env_parse() - read a file's text
 * @name:    of the file, for errors
 * @inherit: a line with a name only takes the value that this process has, and is dropped where it
 *           has none; else the name is added alone
 */
must_check int env_parse(const char *name, const char *text, size_t len, bool inherit,
			 struct strv *ret, struct error *err);

/* Reads the file at @path. */
must_check int env_read(const char *path, bool inherit, struct strv *ret, struct error *err);
