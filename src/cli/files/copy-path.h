/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/**
 * DOC: Paths of cp
 *
 * The rules of Docker's cp, which are those of `cp -a`: into a folder that exists, else under the
 * target's name; "FOLDER/." means a folder's content.
 */

/* An absolute path without "." and ".." and double slashes; "/." at the end stays. The caller's. */
char *copy_clean(const char *path);

/* The name that a path's archive entries begin with: its last part, "" for "/" and "FOLDER/.". */
char *copy_base(const char *path);

/* True for a path that ends in a slash or "/.", or is "." or "..": it means a folder. */
bool copy_names_folder(const char *path);

/**
 * copy_place() - where a copy goes
 * @target:     as named
 * @exists:     something lies there
 * @target_dir: a folder does
 * @base:       of the source, by copy_base()
 * @source_dir: the source is a folder
 * @ret_parent: receives the folder to unpack in; the caller's
 * @ret_name:   receives the name for the source there, "" for its content; the caller's
 */
must_check int copy_place(const char *target, bool exists, bool target_dir, const char *base,
			  bool source_dir, char **ret_parent, char **ret_name, struct error *err);
